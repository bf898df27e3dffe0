"""Calls in expressions, and those that the query's own functions make for them.

Pure. What a query in brackets calls is its own affair.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.kql.names import column_name
from tap_m365hunting.kql.query import Query, Span


class Call(Struct, frozen=True):
    """A function called by an expression, at the token `index` of it, and where its text is."""

    name: str
    index: int
    arguments: Span


def calls(query: Query, span: Span, inside: frozenset[str] = frozenset()) -> Iterator[Call]:
    """Yield each call of an expression, from left to right.

    A function of the query's own is followed by what its body calls, at the same token.
    """
    before = span.start
    for index in query.top_level(span):
        if index in query.closing:
            call = _call_of(query, index, before)
            if call:
                yield call
                yield from _of_the_body(query, call, inside)
            inner = Span(index + 1, query.closing[index])
            if not _is_pipeline(query, inner):
                yield from calls(query, inner, inside)
        if index != query.closing.get(before, -1):
            before = index


def _call_of(query: Query, opening: int, before: int) -> Call | None:
    """Return the call whose brackets open here, if a name stands before them."""
    name = column_name(query, Span(before, opening)) if query.is_sign(opening, "(") else ""
    return Call(name, before, Span(opening + 1, query.closing[opening])) if name else None


def _of_the_body(query: Query, call: Call, inside: frozenset[str]) -> Iterator[Call]:
    body = None if call.name in inside else query.functions.get(call.name)
    for statement in query.split(body, ";") if body else ():
        if not _is_pipeline(query, statement):
            for inner in calls(query, statement, inside | {call.name}):
                yield replace(inner, index=call.index)


def _is_pipeline(query: Query, span: Span) -> bool:
    return any(query.is_sign(index, "|") for index in query.top_level(span))
