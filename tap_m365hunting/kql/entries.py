"""Entries of a column list, as `project` and `summarize` take it, and the names of their columns.

Pure. An expression without a name may bring its own, by the rules of Microsoft's parser.
"""

from collections.abc import Container, Iterator
from typing import Final

from msgspec import Struct

from tap_m365hunting.kql.names import column_name
from tap_m365hunting.kql.query import Query, TokenSpan

# Calls whose value, unnamed, takes the name of their first argument, as Microsoft's parser has it.
_NAMED_BY_ARGUMENT: Final = frozenset({
    "abs", "acos", "arg_max", "arg_min", "asin", "atan", "atan2", "bin", "bin_at", "bin_auto",
    "binary_all_and", "binary_all_or", "binary_all_xor", "binary_and", "binary_not", "binary_or",
    "binary_shift_left", "binary_shift_right", "binary_xor", "bitset_count_ones", "ceiling", "cos",
    "erf", "erfc", "exp", "exp10", "exp2", "floor", "format_bytes", "format_datetime", "gamma",
    "log", "log10", "log2", "loggamma", "make_datetime", "make_timespan", "parse_csv", "parse_json",
    "parse_xml", "parsejson", "pow", "round", "series_outliers", "sin", "split", "sqrt",
    "startofday", "take_any", "take_anyif", "tan", "tobool", "toboolean", "todatetime", "todecimal",
    "todouble", "todynamic", "toguid", "tohex", "toint", "tolong", "toobject", "toreal", "tostring",
    "totimespan",
})  # fmt: skip
# Of these, those whose value is a time if that argument is one, and those whose value always is.
_OF_THE_SAME_TYPE: Final = frozenset({
    "arg_max", "arg_min", "bin", "bin_at", "bin_auto", "floor", "take_any", "take_anyif",
})  # fmt: skip
_TO_TIME: Final = frozenset({"make_datetime", "startofday", "todatetime"})
#: Calls with a column for each argument.
ALL_COLUMNS: Final = frozenset({"arg_max", "arg_min", "take_any"})


class Item(Struct, frozen=True):
    """One entry of a column list: the names before `=`, if any, and the expression."""

    names: tuple[str, ...]
    value: TokenSpan


def items(query: Query, span: TokenSpan) -> Iterator[Item]:
    """Take a column list apart at its commas."""
    for piece in query.split(span, ","):
        sides = query.split(piece, "=")
        if len(sides) > 1:
            value = TokenSpan(sides[1].start, piece.end)
            yield Item(tuple(_names(query, sides[0])), value)
        elif piece:
            yield Item((), piece)


def named(
    query: Query, span: TokenSpan, taken: Container[str] = (), *, replacing: bool
) -> Iterator[tuple[Item, list[str]]]:
    """Yield each entry of a list with the names of its columns, none where the text tells none.

    A name that is in use gets a number, even one that is written: `serialize Timestamp = now()`.
    Only a column under a name that is written, `Timestamp = Created`, takes the name itself.
    """
    free = _FreeNames(taken)
    for item in items(query, span):
        own = _own_names(query, item.value)
        itself = column_name(query, unwrapped(query, item.value))
        if replacing and itself and not item.names:
            continue  # it is there already
        as_it_is = replacing or bool(itself and (item.names or itself in taken))
        names = list[str]()
        for name in (*item.names, *own[len(item.names) :]):
            names.append(free.use(name) if as_it_is else free.take(name))
        yield item, names


def is_no_time(query: Query, item: Item) -> bool:
    """Say whether an entry without a name has the name of a time, and is a text or a number."""
    return not item.names and bool(_own_names(query, item.value)) and _changes(query, item.value)


def _changes(query: Query, span: TokenSpan) -> bool:
    """Say whether the value of a call named by its argument is of another type than that."""
    span = unwrapped(query, span)
    called = query.name_at(span.start)
    if called not in _NAMED_BY_ARGUMENT or called in _TO_TIME or column_name(query, span):
        return False
    return called not in _OF_THE_SAME_TYPE or _changes(query, arguments(query, span)[0])


class _FreeNames:
    """The names of a list that are in use, beside those `taken` from the start."""

    def __init__(self, taken: Container[str]) -> None:
        self._taken = taken
        self._used = set[str]()
        #: The last number given to a name, so that none is tried twice.
        self._last: dict[str, int] = {}

    def use(self, name: str) -> str:
        """Take note of a name as it is written."""
        self._used.add(name)
        return name

    def take(self, name: str) -> str:
        """Return the name, with the first number that makes it another than those in use."""
        free = name
        while free in self._used or free in self._taken:
            self._last[name] = self._last.get(name, 0) + 1
            free = f"{name}{self._last[name]}"
        return self.use(free)


def _names(query: Query, span: TokenSpan) -> Iterator[str]:
    several = query.is_sign(span.start, "(")
    pieces = query.split(TokenSpan(span.start + 1, span.end - 1), ",") if several else [span]
    yield from filter(None, (column_name(query, piece) for piece in pieces))


def _own_names(query: Query, span: TokenSpan) -> tuple[str, ...]:
    """Return the names brought along by an expression; empty if unknown from the text."""
    span = unwrapped(query, span)
    name = column_name(query, span)
    if name:
        return (name,)
    if query.name_at(span.start) not in _NAMED_BY_ARGUMENT:
        return ()
    pieces = arguments(query, span)
    last = len(pieces) if query.name_at(span.start) in ALL_COLUMNS else 1
    return tuple(name for piece in pieces[:last] for name in _own_names(query, piece)[:1])


def unwrapped(query: Query, span: TokenSpan) -> TokenSpan:
    """Return an expression without brackets around all of it."""
    while query.is_sign(span.start, "(") and query.closing[span.start] == span.end - 1:
        span = TokenSpan(span.start + 1, span.end - 1)
    return span


def arguments(query: Query, span: TokenSpan) -> list[TokenSpan]:
    """Return a call's arguments, if the span is a single call."""
    opening = span.start + 1
    if not query.is_sign(opening, "(") or query.closing[opening] != span.end - 1:
        return []
    return [piece for piece in query.split(TokenSpan(opening + 1, span.end - 1), ",") if piece]
