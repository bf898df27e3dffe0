"""What the type of a cell cannot say, put right a column at a time.

Pure. An instant's digits, 0 and 1 for booleans, `{}` for null, and what OData added to bags.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from tap_m365hunting.wire.bags import Bags
from tap_m365hunting.wire.json_text import DepthError, Json
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_structs import NUMBERS, Empty, Field, cells_of, put
from tap_m365hunting.wire.values import BOOLEAN, DYNAMIC, MOMENT, TEXT, Kind, plain

_BOOLEANS: Final[Mapping[object, bool | None]] = {0: False, 1: True, None: None, Empty(): None}
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_MOMENT: Final = b"0000-00-00T00:00:00.0000000Z\n"
# What comes in the place of the Z of an instant of fewer digits, by the length of its text
_PADDING: Final[Mapping[int, str]] = {
    20: ".0000000Z",
    **{length: f"{'0' * (28 - length)}Z" for length in range(22, 29)},
}

#: Returns the values of a column's cells; `None` if they are values as they are.
Fix = Callable[[Field, list[Json]], list[Json] | None]


def _without_empty(cells: list[Json]) -> list[Json]:
    return [None if type(cell) is Empty else cell for cell in cells]


def _are_moments(texts: Sequence[str]) -> bool:
    """Whether all have the one form of an instant.

    >>> _are_moments(["2026-07-19T21:46:29.1234567Z"]), _are_moments(["2026-07-19T21:46:29Z"])
    (True, False)
    """
    joined = "\n".join([*texts, ""])
    return joined.encode().translate(_DIGITS_TO_ZERO) == _MOMENT * len(texts)


class Fixes:
    """What is done to the columns of rows, by their kinds.

    Numbers are looked at only if they may be `{}`.
    """

    def __init__(self, converter: Converter, fields: Iterable[Field], *, empty: bool) -> None:
        self._converter = converter
        by_kind: Mapping[Kind, Fix] = {
            MOMENT: self._moments,
            BOOLEAN: self._booleans,
            **dict.fromkeys(NUMBERS, self._numbers),
        }
        right = {TEXT, DYNAMIC} if empty else {TEXT, DYNAMIC, *NUMBERS}
        self._bags = {field: Bags() for field in fields if field.kind is DYNAMIC}
        self._fixes = [
            (field, by_kind.get(field.kind, self._anything))
            for field in fields
            if field.kind not in right
        ]

    def apply(self, rows: Sequence[Any]) -> dict[str, bytes]:
        """Put the values of the columns in the place of their cells.

        Return the JSON texts of dynamic columns that are known now, a line for each row.

        Raises:
            RecursionError: a dynamic cell is nested too deep.
        """
        # before anything else, which may count misfits
        rid = [(field, *_rid(bags, field.name, rows)) for field, bags in self._bags.items()]
        texts = {}
        for field, cells, text in rid:
            if text is not None and set(map(type, cells)) == {dict}:
                texts[field.name] = text
            else:
                put(rows, field.name, self._dynamics(field, cells, bare=text is not None))
        for field, fix in self._fixes:
            values = fix(field, cells_of(rows, field.name))
            if values is not None:
                put(rows, field.name, values)
        return texts

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
        return self._anything(field, cells)

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


def _rid(bags: Bags, name: str, rows: Iterable[Any]) -> tuple[list[Json], bytes | None]:
    """Return the cells of a dynamic column, and the JSON texts of its bags if they are bare."""
    cells = cells_of(rows, name)
    return cells, bags.bare([cell for cell in cells if type(cell) is dict])
