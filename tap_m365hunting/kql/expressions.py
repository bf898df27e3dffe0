"""Column lists of `project`, `extend` and `summarize`, their names, and calls in expressions.

Pure.
"""

import re
from collections.abc import Container, Iterator
from datetime import timedelta
from functools import reduce
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.kql.columns import PLAIN, Columns, Origin, common_width
from tap_m365hunting.kql.entries import ALL_COLUMNS, arguments, is_no_time, items, named, unwrapped
from tap_m365hunting.kql.literals import timespan
from tap_m365hunting.kql.names import column_name, quoted_name
from tap_m365hunting.kql.query import Query, TokenSpan

_BINS: Final = frozenset({"bin", "floor"})
_WITH_WIDTH: Final = frozenset({*_BINS, "bin_at"})
_DAYS: Final = frozenset({"endofday", "startofday"})
# Their bins are not whole multiples of a width, start elsewhere, or have a width that is not told.
_UNEVEN: Final = frozenset({
    "bin_auto", "endofmonth", "endofweek", "endofyear", "startofmonth", "startofweek",
    "startofyear",
})  # fmt: skip
_WRITTEN: Final = "format_datetime"
_NUMBER: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
_WORDS: Final = frozenset({"and", "or", "true", "false"})

# Functions with a result that is no datetime, as hunters use them on a time.
_OTHER_TYPES: Final = frozenset(
    {"format_datetime", "strcat", "tolong", "tostring", "toint", "todouble", "datetime_diff"}
)


class Call(Struct, frozen=True):
    """A function call in an expression: name, token `index`, and the tokens of the arguments."""

    name: str
    index: int
    arguments: TokenSpan


class Made(Struct, frozen=True):
    """Columns made by a column list: certain, possible, and with `star` all other columns.

    A column of another type than time counts as none.
    """

    known: dict[str, Origin | None]
    maybe: frozenset[str]
    star: bool


def made(
    query: Query,
    span: TokenSpan,
    columns: Columns,
    *,
    taken: Container[str] = (),
    replacing: bool = False,
) -> Made:
    """Return the columns made by a list from the columns at hand, under the names that Kusto gives.

    An expression without a name brings its own, with a number if that is among the `taken` ones or
    made before: `project startofday(Timestamp), Timestamp` has Timestamp and Timestamp1. Only
    `extend` is `replacing`: there it takes the place of the column of that name.
    """
    known: dict[str, Origin | None] = {}
    maybe: set[str] = set()
    star = False
    for item, names in named(query, span, taken, replacing=replacing):
        origin = None if is_no_time(query, item) else _origin(query, item.value, columns)
        for name in names:
            before = known.get(name)
            known[name] = before.beside(origin) if before and origin else origin
            origin = PLAIN
        if not names:
            maybe |= set(mentioned(query, item.value))
        star |= _takes_all(query, item.value)
    return Made(known, frozenset(maybe), star)


def mentioned(query: Query, span: TokenSpan) -> Iterator[str]:
    """Go through all bare and quoted names in the span."""
    for index in range(span.start, span.end):
        name = query.name_at(index) or quoted_name(query, index)
        if name:
            yield name


def parts(query: Query, span: TokenSpan, *, replacing: bool = False) -> dict[str, frozenset[str]]:
    """Return, for each column made by a list, the columns used in the expression."""
    return {
        name: frozenset(_columns_in(query, item.value))
        for item, names in named(query, span, replacing=replacing)
        for name in names
    }


def patterns(query: Query, span: TokenSpan) -> list[str]:
    """Return a list's names, with `*` for any text: `project-away Initiating*, Sha1`."""
    return [
        column_name(query, piece)
        or "".join(query.tokens[index].text for index in range(piece.start, piece.end))
        for piece in query.split(span, ",")
        if piece
    ]


def declared(query: Query, span: TokenSpan) -> list[str]:
    """Return the names of a list of `name: type`, whatever stands between; types follow a colon."""
    names = (i for i in range(span.start, span.end) if not query.is_sign(i - 1, ":"))
    return [name for name in map(query.name_at, names) if name]


def _columns_in(query: Query, span: TokenSpan) -> Iterator[str]:
    for index in range(span.start, span.end):
        member, call = query.is_sign(index - 1, "."), query.is_sign(index + 1, "(")
        quoted = query.is_sign(index - 1, "[") and query.is_sign(index + 1, "]")
        name = query.name_at(index) or (quoted_name(query, index) if quoted else "")
        if name and name not in _WORDS and not member and not call:
            yield name


def groups(query: Query, span: TokenSpan, columns: Columns) -> Iterator[Origin]:
    """Return the origin of the values of each entry of a list, named or not."""
    for item in items(query, span):
        yield _origin(query, item.value, columns)


def _origin(query: Query, span: TokenSpan, columns: Columns) -> Origin:
    span = unwrapped(query, span)
    name = column_name(query, span)
    if name:
        return columns.origin(name)
    if query.name_at(span.start) == "ingestion_time" and span.end == span.start + 3:
        return PLAIN
    called = list(calls(query, span))
    widths = [_width(query, call) for call in called if _rounds(query, call)]
    own = Origin(computed=True, bin=common_width(widths), uneven=None in widths)
    parts = map(columns.origin, _columns_in(query, span))
    whole = reduce(Origin.beside, parts, own)
    # A date that is written is rounded as its format says, unless it was before.
    written = not whole.bin and any(call.name == _WRITTEN for call in called)
    only = bool(called) and called[0].arguments.end == span.end - 1
    other = only and called[0].index == span.start and called[0].name in _OTHER_TYPES
    return replace(whole, uneven=whole.uneven or written, other_type=other)


def _rounds(query: Query, call: Call) -> bool:
    """Whether the call rounds a time; numbers are rounded to numbers."""
    if call.name not in _WITH_WIDTH:
        return call.name in _DAYS or call.name in _UNEVEN
    pieces = query.split(call.arguments, ",")
    return len(pieces) > 1 and _NUMBER.fullmatch(_literal(query, pieces[1])) is None


def _width(query: Query, call: Call) -> timedelta | None:
    if call.name in _DAYS:
        return timedelta(days=1)
    if call.name in _BINS:
        return timespan(_literal(query, query.split(call.arguments, ",")[1]))
    return None


def _literal(query: Query, span: TokenSpan) -> str:
    """Return the text of the span, or of the value bound by `let` to the name in the span."""
    span = query.lets.get(column_name(query, span), span)
    pieces = arguments(query, span)
    if query.name_at(span.start) == "totimespan" and len(pieces) == 1:
        return quoted_name(query, pieces[0].start) or _literal(query, pieces[0])
    return "".join(token.text for token in query.tokens[span.start : span.end])


def _takes_all(query: Query, span: TokenSpan) -> bool:
    if query.name_at(span.start) not in ALL_COLUMNS:
        return False
    return any(query.is_sign(piece.start, "*") for piece in arguments(query, span))


def calls(query: Query, span: TokenSpan) -> Iterator[Call]:
    """Yield each call of an expression, from left to right.

    A call of a function declared in the query is followed by the calls of the body, at the same
    token. A query in brackets is left out.
    """
    for call in _written(query, span):
        yield call
        yield from _of_the_body(query, call)


def _written(query: Query, span: TokenSpan) -> Iterator[Call]:
    before = span.start
    for index in query.top_level(span):
        if index in query.closing:
            call = _call_of(query, index, before)
            if call:
                yield call
            inner = TokenSpan(index + 1, query.closing[index])
            if not _is_pipeline(query, inner):
                yield from _written(query, inner)
        if index != query.closing.get(before, -1):
            before = index


def _call_of(query: Query, opening: int, before: int) -> Call | None:
    """Return the call with an opening bracket here, if a name stands before the bracket."""
    name = column_name(query, TokenSpan(before, opening)) if query.is_sign(opening, "(") else ""
    return Call(name, before, TokenSpan(opening + 1, query.closing[opening])) if name else None


def _of_the_body(query: Query, call: Call) -> Iterator[Call]:
    """Yield the calls in a function's body, and in the bodies of the functions called there.

    Each body is looked at once, however often it is called.
    """
    waiting, seen = [call.name], {call.name}
    while waiting:
        body = query.functions.get(waiting.pop())
        for statement in query.split(body, ";") if body else ():
            for inner in () if _is_pipeline(query, statement) else _written(query, statement):
                yield replace(inner, index=call.index)
                if inner.name not in seen:
                    seen.add(inner.name)
                    waiting.append(inner.name)


def _is_pipeline(query: Query, span: TokenSpan) -> bool:
    return any(query.is_sign(index, "|") for index in query.top_level(span))
