"""Corrections beyond a cell's type, a column at a time.

Pure. An instant's digits, 0 and 1 for booleans, `{}` for null, and OData's additions to bags.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

from msgspec import Raw

from tap_m365hunting.wire.column_oddities import NUMBERS, Field
from tap_m365hunting.wire.json_text import ENCODER, DepthError, Json, parse
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_structs import Empty, cells_of, put
from tap_m365hunting.wire.values import (
    BOOLEAN,
    CONTROLS,
    DECIMAL,
    DEEPEST,
    DYNAMIC,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    ColumnKind,
    plain,
)

_MARK: Final = b"@odata."
_ANNOTATION: Final = re.compile(rb'"(@odata\.[^"\\]*|[^"\\]*@odata\.(?:%b))":' % CONTROLS.encode())
# More than a table has; each costs a look into every cell.
_MOST: Final = 16
# Text that begins as an object does, perhaps behind space.
_OBJECTS: Final = re.compile(rb'"(?:[ {]|\\[trn])')

Bag = dict[str, Json]


class Bags:
    """Takes annotations out of the objects of one column, learning their keys on the way."""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def bare(self, bags: list[Bag]) -> bytes | None:
        """Take the annotations out; return the bags' JSON texts, a line each.

        `None` means more to do in some bags: an annotation lies deeper, an object in a list is a
        text, or there are more levels than a value is read with.
        """
        for key in self._keys:
            _take_out(key, bags)
        text = ENCODER.encode_lines(bags)
        while _MARK in text:
            found = _ANNOTATION.search(text)
            if found is None or len(self._keys) == _MOST:
                return None
            key = found[1].decode()
            if key in self._keys:
                return None
            self._keys.append(key)
            _take_out(key, bags)
            text = ENCODER.encode_lines(bags)
        return None if _has_objects_as_text(text) or _is_deep(text) else text


def _take_out(key: str, bags: Iterable[Bag]) -> None:
    deque(map(dict.pop, bags, repeat(key), repeat(None)), maxlen=0)


def _has_objects_as_text(text: bytes) -> bool:
    """Whether an element of a list may be the text of an object."""
    if b"[" not in text:
        return False
    if b"\\" in text:
        return _OBJECTS.search(text) is not None
    return b'"{' in text or b'" ' in text


def _is_deep(lines: bytes) -> bool:
    """Whether any bag may have more levels than a value is read with."""
    each = lines.split(b"\n")
    if max(map(len, each)) <= 2 * DEEPEST:  # each level opens and closes
        return False
    return any(line.count(b"{") + line.count(b"[") > DEEPEST for line in each)


_BOOLEANS: Final[Mapping[object, bool | None]] = {0: False, 1: True, None: None, Empty(): None}
_FEW: Final = 8  # cells that are looked at one by one, if one of them is odd
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_MOMENT: Final = b"0000-00-00T00:00:00.0000000Z\n"
# The ending in the place of the Z of an instant of fewer digits, by the length of the text
_PADDING: Final[Mapping[int, str]] = {
    20: ".0000000Z",
    **{length: f"{'0' * (28 - length)}Z" for length in range(22, 29)},
}

# Types of cells in columns of any value that are, or are seen to be, values of the column's kind.
_FIT: Final[Mapping[ColumnKind, frozenset[type]]] = {
    TEXT: frozenset({str}),
    MOMENT: frozenset({str, type(None)}),
    BOOLEAN: frozenset({bool, int, type(None)}),
    INTEGER: frozenset({int, type(None)}),
    NUMBER: frozenset({float, type(None)}),
}

#: Returns the values of a column's cells; `None` if they are values as they are.
Fix = Callable[[Field, list[Json]], list[Json] | None]


def _without_empty(cells: list[Json]) -> list[Json]:
    return [None if type(cell) is Empty else cell for cell in cells]


def _are_moments(texts: Sequence[str]) -> bool:
    """Whether all cells have the form of an instant.

    >>> _are_moments(["2026-07-19T21:46:29.1234567Z"]), _are_moments(["2026-07-19T21:46:29Z"])
    (True, False)
    """
    joined = "\n".join([*texts, ""])
    return joined.encode().translate(_DIGITS_TO_ZERO) == _MOMENT * len(texts)


class Fixes:
    """Corrections to the columns of rows, by the columns' kinds.

    Numbers are looked at only where `{}` may occur, or any value.
    """

    def __init__(self, fields: Iterable[Field], *, empty: bool) -> None:
        by_kind: Mapping[ColumnKind, Fix] = {
            MOMENT: self._moments,
            BOOLEAN: self._booleans,
            **dict.fromkeys(NUMBERS, self._numbers),
        }
        right = {TEXT, DYNAMIC} if empty else {TEXT, DYNAMIC, *NUMBERS}
        self._bags = {field: Bags() for field in fields if field.kind is DYNAMIC}
        self._loose = [field for field in fields if field.loose and field.kind is not DYNAMIC]
        self._raw = [field for field in self._loose if field.kind is DECIMAL]
        self._fixes = [
            (field, by_kind.get(field.kind, self._anything))
            for field in fields
            if field.kind not in right and not (field.loose and field.kind in {*NUMBERS, DECIMAL})
        ]

    def apply(self, rows: Sequence[Any], converter: Converter) -> dict[str, bytes]:
        """Put the values of the columns in the place of the cells.

        Return the JSON texts of dynamic columns known by now, a line for each row.

        Raises:
            RecursionError: a dynamic cell is nested too deep.
            DepthError: so is the cell of a decimal.
        """
        self._converter = converter
        for field in self._raw:
            put(rows, field.name, list(map(_decimal, cells_of(rows, field.name))))
        texts = self._put_dynamics(rows)  # before anything else, which may count misfits
        for field in self._loose:
            put(rows, field.name, self._loosely(field, cells_of(rows, field.name)))
        for field, fix in self._fixes:
            values = fix(field, cells_of(rows, field.name))
            if values is not None:
                put(rows, field.name, values)
        return texts

    def _put_dynamics(self, rows: Sequence[Any]) -> dict[str, bytes]:
        rid = [(field, *_rid(bags, field.name, rows)) for field, bags in self._bags.items()]
        texts = {}
        for field, cells, text in rid:
            if text is not None and set(map(type, cells)) == {dict}:
                texts[field.name] = text
            else:
                put(rows, field.name, self._dynamics(field, cells, bare=text is not None))
        return texts

    def _loosely(self, field: Field, cells: list[Json]) -> list[Json]:
        """Return the values of cells that do not fit, and the others as they are."""
        convert, index, fit = self._converter.cell, field.index, _FIT.get(field.kind, ())
        return [cell if type(cell) in fit else convert(index, cell) for cell in cells]

    def _moments(self, field: Field, cells: list[Json]) -> list[Json] | None:
        texts = [cell for cell in cells if type(cell) is str]
        if _are_moments(texts):
            return None if len(texts) == len(cells) else _without_empty(cells)
        padded = [
            cell.replace("Z", _PADDING.get(len(cell), "")) if type(cell) is str else None
            for cell in cells
        ]
        if _are_moments([text for text in padded if text is not None]):
            return padded
        if len(cells) < _FEW:
            return self._anything(field, cells)
        halves = cells[: len(cells) // 2], cells[len(cells) // 2 :]
        return [cell for half in halves for cell in self._moments(field, half) or half]

    def _booleans(self, field: Field, cells: list[Json]) -> list[Json]:
        try:
            return list(map(_BOOLEANS.__getitem__, cells))
        except KeyError:
            return self._anything(field, cells)

    def _numbers(self, _: Field, cells: list[Json]) -> list[Json] | None:
        return _without_empty(cells) if Empty in set(map(type, cells)) else None

    def _dynamics(self, field: Field, cells: list[Json], *, bare: bool) -> list[Json]:
        convert, index = self._converter.cell, field.index
        if bare:
            return [cell if type(cell) is dict else convert(index, cell) for cell in cells]
        try:
            return [plain(cell) if type(cell) is dict else convert(index, cell) for cell in cells]
        except DepthError:
            return self._anything(field, cells)

    def _anything(self, field: Field, cells: list[Json]) -> list[Json]:
        convert, index = self._converter.cell, field.index
        return [None if type(cell) is Empty else convert(index, cell) for cell in cells]


def _decimal(cell: Json) -> Json:
    return parse(bytes(cell), exact=True) if type(cell) is Raw else cell


def _rid(bags: Bags, name: str, rows: Iterable[Any]) -> tuple[list[Json], bytes | None]:
    """Return the cells of a dynamic column, and the JSON texts of bare bags."""
    cells = cells_of(rows, name)
    return cells, bags.bare([cell for cell in cells if type(cell) is dict])
