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
    for index in query.top_level(span):
        inner = Span(index + 1, query.closing.get(index, index))
        if inner and not _is_pipeline(query, inner):
            yield from calls(query, inner, inside)
        call = _call_at(query, index)
        if call:
            yield call
            yield from _of_the_body(query, call, inside)


def _call_at(query: Query, index: int) -> Call | None:
    end = query.closing.get(index, index) + 1
    if not query.is_sign(end, "("):
        return None
    name = column_name(query, Span(index, end))
    return Call(name, index, Span(end + 1, query.closing[end])) if name else None


def _of_the_body(query: Query, call: Call, inside: frozenset[str]) -> Iterator[Call]:
    body = None if call.name in inside else query.functions.get(call.name)
    for statement in query.split(body, ";") if body else ():
        if not _is_pipeline(query, statement):
            for inner in calls(query, statement, inside | {call.name}):
                yield replace(inner, index=call.index)


def _is_pipeline(query: Query, span: Span) -> bool:
    return any(query.is_sign(index, "|") for index in query.top_level(span))
