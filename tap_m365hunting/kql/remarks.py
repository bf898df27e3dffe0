"""Words of a query that depend on the run, or that do not fit windows.

Pure.
"""

from collections.abc import Iterator
from typing import Final

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.flow_types import Finding
from tap_m365hunting.kql.names import definition, label
from tap_m365hunting.kql.query import WINDOW_NAMES, Query, TokenSpan

_CHANGING: Final = {
    "ago": operators.OWN_TIME,
    "now": operators.OWN_TIME,
    "new_guid": operators.CHANCE,
    "rand": operators.CHANCE,
}


def remarks(query: Query) -> Iterator[Finding]:
    """Find words that depend on the run or do not fit windows: each at its first place."""
    yield from _about_calls(query)
    index = query.uses("externaldata")
    if index is not None:
        msg = f"'externaldata' {operators.EXTERNAL_DATA}"
        yield Finding(index, "externaldata", msg, warning=True)
    for statement in query.leading:
        if query.name_at(statement.start) == "set":
            yield from _about_option(query, statement)
    yield from _about_start(query)
    yield from _about_end(query)


def _about_calls(query: Query) -> Iterator[Finding]:
    said = set[str]()
    for index, token in enumerate(query.tokens):
        message = _CHANGING.get(token.text)
        if message and message not in said and query.is_sign(index + 1, "("):
            said.add(message)
            yield Finding(index, token.text, f"'{token.text}()' {message}", warning=True)


def _about_option(query: Query, statement: TokenSpan) -> Iterator[Finding]:
    """Find the effects of a `set` on the rows; the names of options ignore case."""
    written, *_ = query.split(statement, "=")
    name = label(query, TokenSpan(written.start + 1, written.end))
    if name.lower() not in operators.HARMLESS_OPTIONS:
        limits = name.lower() in operators.LIMITING_OPTIONS
        message = operators.LIMITING_OPTION if limits else operators.UNKNOWN_OPTION
        yield Finding(statement.start, f"set {name}", f"'set {name}' {message}")


def _about_end(query: Query) -> Iterator[Finding]:
    """Find windows with their end included, as in `between (window_start .. window_end)`."""
    for index, left, right in _uses_of_bound(query, WINDOW_NAMES[1]):
        until = any(query.is_sign(left, sign) for sign in ("..", "<="))
        if until and not query.is_sign(right, "-"):
            written = f"{query.tokens[left].text} {query.name_at(index)}"
            yield _at_bound(query, left, written, operators.END_INCLUDED, warning=True)
        elif query.is_sign(right, ">="):
            written = f"{query.name_at(index)} >="
            yield _at_bound(query, right, written, operators.END_INCLUDED, warning=True)


def _about_start(query: Query) -> Iterator[Finding]:
    """Find windows with their start left out, as in `Timestamp > window_start`."""
    for index, left, right in _uses_of_bound(query, WINDOW_NAMES[0]):
        moved = any(query.is_sign(right, sign) for sign in "+-")
        if query.is_sign(left, ">") and not moved:
            written = f"> {query.name_at(index)}"
            yield _at_bound(query, left, written, operators.START_LEFT_OUT, warning=False)
        elif query.is_sign(right, "<"):
            written = f"{query.name_at(index)} <"
            yield _at_bound(query, right, written, operators.START_LEFT_OUT, warning=False)


def _at_bound(query: Query, index: int, written: str, why: str, *, warning: bool) -> Finding:
    return Finding(index, query.tokens[index].text, f"'{written}' {why}", warning=warning)


def _uses_of_bound(query: Query, bound: str) -> Iterator[tuple[int, int, int]]:
    """Yield each token with the value of a bound, and the tokens on its left and right."""
    names = _names_of(query, bound)
    for index, token in enumerate(query.tokens):
        if token.text in names and query.name_at(index):
            yield (index, *_around(query, index))


def _around(query: Query, index: int) -> tuple[int, int]:
    """Return the tokens to the left and right, outside brackets around the token alone."""
    left, right = index - 1, index + 1
    while query.is_sign(left, "(") and query.closing[left] == right:
        left, right = left - 1, right + 1
    return left, right


def _names_of(query: Query, bound: str) -> set[str]:
    """Return the names with the value of a bound of the window, unchanged."""
    names = {bound}
    for statement in query.leading:
        defined = definition(query, statement)
        if defined and label(query, defined.value) in names:
            names.add(defined.name)
    return names
