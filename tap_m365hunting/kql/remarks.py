"""What a query's words say of each reading, wherever they stand.

Pure.
"""

from collections.abc import Iterator
from typing import Final

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.flow_types import Finding
from tap_m365hunting.kql.names import definition, label
from tap_m365hunting.kql.query import WINDOW_NAMES, Query, Span

_CHANGING: Final = {
    "ago": operators.OWN_TIME,
    "now": operators.OWN_TIME,
    "new_guid": operators.CHANCE,
    "rand": operators.CHANCE,
}


def remarks(query: Query) -> Iterator[Finding]:
    """Find what depends on the run, or does not fit windows: each at its first place."""
    yield from _about_calls(query)
    index = query.uses("externaldata")
    if index is not None:
        msg = f"'externaldata' {operators.EXTERNAL_DATA}"
        yield Finding(index, "externaldata", msg, warning=True)
    for statement in query.leading:
        if query.name_at(statement.start) == "set":
            yield from _about_option(query, statement)
    yield from _about_end(query)


def _about_calls(query: Query) -> Iterator[Finding]:
    said = set[str]()
    for index, token in enumerate(query.tokens):
        message = _CHANGING.get(token.text)
        if message and message not in said and query.is_sign(index + 1, "("):
            said.add(message)
            yield Finding(index, token.text, f"'{token.text}()' {message}", warning=True)


def _about_option(query: Query, statement: Span) -> Iterator[Finding]:
    """Find what a `set` may do to the rows; the names of options have no case."""
    written, *_ = query.split(statement, "=")
    name = label(query, Span(written.start + 1, written.end))
    if name.lower() not in operators.HARMLESS_OPTIONS:
        limits = name.lower() in operators.LIMITING_OPTIONS
        message = operators.LIMITING_OPTION if limits else operators.UNKNOWN_OPTION
        yield Finding(statement.start, f"set {name}", f"'set {name}' {message}")


def _about_end(query: Query) -> Iterator[Finding]:
    """Find windows that hold their own end, as `between (window_start .. window_end)` does."""
    ends = _names_of_the_end(query)
    for index, token in enumerate(query.tokens):
        if token.text in ends and query.name_at(index):
            left, right = _around(query, index)
            until = any(query.is_sign(left, sign) for sign in ("..", "<="))
            if until and not query.is_sign(right, "-"):
                yield _end_included(
                    query, left, f"{query.tokens[left].text} {query.name_at(index)}"
                )
            elif query.is_sign(right, ">="):
                yield _end_included(query, right, f"{token.text} >=")


def _end_included(query: Query, index: int, written: str) -> Finding:
    msg = f"'{written}' {operators.END_INCLUDED}"
    return Finding(index, query.tokens[index].text, msg, warning=True)


def _around(query: Query, index: int) -> tuple[int, int]:
    """Return the tokens to the left and right, outside brackets that hold this one alone."""
    left, right = index - 1, index + 1
    while query.is_sign(left, "(") and query.closing[left] == right:
        left, right = left - 1, right + 1
    return left, right


def _names_of_the_end(query: Query) -> set[str]:
    """Return the names that stand for the window's end as it is."""
    ends = {WINDOW_NAMES[1]}
    for statement in query.leading:
        defined = definition(query, statement)
        if defined and label(query, defined.value) in ends:
            ends.add(defined.name)
    return ends
