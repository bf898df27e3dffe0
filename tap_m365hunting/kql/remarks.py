"""What a query's words say of each reading, wherever they stand.

Pure.
"""

from collections.abc import Iterator
from typing import Final

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.flow import Finding
from tap_m365hunting.kql.names import definition, label
from tap_m365hunting.kql.query import WINDOW_NAMES, Query, Span

_CHANGING: Final = (
    (("ago", "now"), operators.OWN_TIME),
    (("new_guid", "rand"), operators.CHANCE),
)


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
    for names, message in _CHANGING:
        first = [i for name in names if (i := _first_call(query, name)) is not None]
        if first:
            name = query.name_at(min(first))
            yield Finding(min(first), name, f"'{name}()' {message}", warning=True)


def _first_call(query: Query, name: str) -> int | None:
    calls = (i for i in range(len(query.tokens)) if query.name_at(i) == name)
    return next((i for i in calls if query.is_sign(i + 1, "(")), None)


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
    for index in range(len(query.tokens)):
        if query.name_at(index) in ends:
            left, right = _around(query, index)
            until = any(query.is_sign(left, sign) for sign in ("..", "<="))
            if until and not query.is_sign(right, "-"):
                yield _end_included(
                    query, left, f"{query.tokens[left].text} {query.name_at(index)}"
                )
            elif query.is_sign(right, ">="):
                yield _end_included(query, right, f"{query.name_at(index)} >=")


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
