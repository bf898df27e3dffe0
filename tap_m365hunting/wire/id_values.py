"""The values that make a row's id: the same for the same value, whatever type its column has.

Pure. A table's column may become another type between two reads: an integer a double, a text the
dynamic value that it spells. Its old rows are read again, and must keep their ids.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import repeat
from operator import contains, itemgetter
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import astuple

from tap_m365hunting.wire.json_text import ENCODER, Json
from tap_m365hunting.wire.values import dynamic

# Whole floats below it are written without an exponent, and no digit is lost.
_LONG: Final = 10**16
_OPENING: Final = frozenset("{[")
_CONTAINERS: Final = frozenset({dict, list})
_EMPTY: Final[tuple[Json, ...]] = ("", {})
# Before each text; one that holds it may be taken for two.
_BETWEEN: Final = "\0"
# In JSON without spaces, a float that may be whole.
_WHOLE_FLOAT: Final = re.compile(rb"\d\.0(?!\d)")


def id_value(cell: Json) -> Json:
    """Return the stand-in for a value in a row's content; `None` for a value that does not count.

    >>> id_value(1.0), id_value('{"a": 1.0}'), id_value("{x}"), id_value("")
    (1, {'a': 1}, '{x}', None)
    """
    value = dynamic(cell) if type(cell) is str and cell[:1] in _OPENING else cell
    return None if value in _EMPTY else _plain(value)


def with_json_texts(rows: Sequence[Struct], texts: int) -> Sequence[Struct]:
    """Return the rows with a text that opens as JSON does, among their first attributes.

    All of these `texts` are texts. Attributes by their names would cost twice as much to look at.
    """
    first = itemgetter(slice(texts))
    each = list(map("".join, map(first, map(astuple, rows))))
    if not any(any(map(contains, each, repeat(sign))) for sign in _OPENING):
        return ()
    return [row for row in rows if _opens(_BETWEEN.join(("", *first(astuple(row)))))]


def _opens(texts: str) -> bool:
    return any(sign in texts and f"{_BETWEEN}{sign}" in texts for sign in _OPENING)


def are_plain(cells: Sequence[Json], text: bytes | None) -> bool:
    """Say if dynamic cells are objects and arrays, and hold no float that may be whole.

    `text` is their JSON text, if it is known.
    """
    if text is None:
        containers = [cell for cell in cells if type(cell) in _CONTAINERS]
        if len(containers) + cells.count(None) < len(cells):
            return False
        text = ENCODER.encode_lines(containers)
    return b"." not in text or _WHOLE_FLOAT.search(text) is None


def put_id_values(
    rows: Iterable[Any], name: str, empty: str | None = None
) -> list[tuple[Any, Json]]:
    """Put the `id_value` of each cell in its place, in an attribute of rows; return the old values.

    `empty` stands for values that do not count.
    """
    found = []
    for row in rows:
        cell = getattr(row, name)
        if cell is None or cell == empty:
            continue
        if type(cell) is str and cell and cell[0] not in _OPENING:
            continue
        value = id_value(cell)
        setattr(row, name, empty if value is None else value)
        found.append((row, cell))
    return found


def put_whole_numbers(rows: Iterable[Any], name: str) -> list[tuple[Any, Json]]:
    """Put the integer in the place of a whole float; return the old values."""
    found = [
        (row, cell)
        for row in rows
        if type(cell := getattr(row, name)) is float and cell.is_integer() and abs(cell) < _LONG
    ]
    for row, cell in found:
        setattr(row, name, int(cell))
    return found


def _plain(value: Json) -> Json:
    kind = type(value)
    if kind is float:
        return _number(value)
    if kind is dict:
        return {key: _plain(cell) for key, cell in value.items()}
    if kind is list:
        return [_plain(cell) for cell in value]
    return _decimal(value) if kind is Decimal else value


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < _LONG else value


def _decimal(value: Decimal) -> int | float | Decimal:
    if value == value.to_integral_value():
        return int(value) if abs(value) < _LONG else value
    nearest = float(value)
    return nearest if Decimal(repr(nearest)) == value else value
