"""Types of rows, made from columns: what costs time per cell happens in msgspec.

Pure. `RowTypes` decodes rows and says what is in them for their ids, `Fixes` sees to what the type
of a cell cannot say (an instant's digits, 0 and 1, bags), and `RecordType` writes the records.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from tap_m365hunting.wire.conversion import Converter
from tap_m365hunting.wire.row_ids import CANONICAL
from tap_m365hunting.wire.schema import ROW_ID, Shape
from tap_m365hunting.wire.values import (
    BOOLEAN,
    DECIMAL,
    DYNAMIC,
    ENCODER,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    Json,
    Kind,
    plain,
)


class _Bag(msgspec.Struct, forbid_unknown_fields=True, gc=False, frozen=True):
    """`{}`, which stands for null."""


_TYPES: Final[Mapping[Kind, Any]] = {
    TEXT: str,
    MOMENT: str | _Bag | None,
    BOOLEAN: bool | int | _Bag | None,
    INTEGER: int | _Bag | None,
    NUMBER: float | _Bag | None,
    DECIMAL: Decimal | _Bag | None,
}
_BOOLEANS: Final[Mapping[object, bool | None]] = {0: False, 1: True, None: None, _Bag(): None}
_MOMENTS: Final = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z\n)*", re.ASCII)
_MOMENT_SIZE: Final = 29  # with the line break


@dataclass(frozen=True, slots=True)
class _Field:
    """One column: its index among the shape's columns and its attribute in the row type."""

    index: int
    name: str
    kind: Kind


def _without_bags(cells: list[Json]) -> list[Json]:
    return [None if type(cell) is _Bag else cell for cell in cells]


# Attribute of the tap's own column
_ID: Final = "id"


class Fixes:
    """What is done to a column after decoding, by its kind."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._by_kind: Mapping[Kind, Callable[[_Field, list[Json]], list[Json] | None]] = {
            MOMENT: self._moments,
            BOOLEAN: self._booleans,
            INTEGER: self._numbers,
            NUMBER: self._numbers,
            DYNAMIC: self._dynamics,
        }

    def apply(self, field: _Field, rows: list[Any]) -> None:
        """Put the values of one column in the place of its cells."""
        if field.kind is TEXT:
            return
        cells = list(map(attrgetter(field.name), rows))
        values = self._by_kind.get(field.kind, self._anything)(field, cells)
        if values is not None:
            for row, value in zip(rows, values, strict=True):
                setattr(row, field.name, value)

    def _moments(self, field: _Field, cells: list[Json]) -> list[Json] | None:
        texts = [cell for cell in cells if type(cell) is str]
        joined = "\n".join([*texts, ""])
        if len(joined) == _MOMENT_SIZE * len(texts) and _MOMENTS.fullmatch(joined):
            return None if len(texts) == len(cells) else _without_bags(cells)
        return self._anything(field, cells)

    def _booleans(self, field: _Field, cells: list[Json]) -> list[Json]:
        try:
            return list(map(_BOOLEANS.__getitem__, cells))
        except KeyError:
            return self._anything(field, cells)

    def _numbers(self, _: _Field, cells: list[Json]) -> list[Json] | None:
        return _without_bags(cells) if _Bag in set(map(type, cells)) else None

    def _dynamics(self, field: _Field, cells: list[Json]) -> list[Json]:
        convert, index = self._converter.cell, field.index
        try:
            return [plain(cell) if type(cell) is dict else convert(index, cell) for cell in cells]
        except (
            RecursionError
        ):  # one is nested deeper than Python's stack, and no more than that one
            return self._anything(field, cells)

    def _anything(self, field: _Field, cells: list[Json]) -> list[Json]:
        convert, index = self._converter.cell, field.index
        return [None if type(cell) is _Bag else convert(index, cell) for cell in cells]


class RowTypes:
    """The types of a row: as it comes, and as it is hashed."""

    def __init__(self, converter: Converter) -> None:
        """Make the types.

        Raises:
            ValueError: a column's name has characters that a type cannot have.
        """
        shape = converter.shape
        by_index = [_Field(i, f"c{i}", c.kind) for i, c in enumerate(shape.columns)]
        # in the order in which `row_ids.content` has them
        self.fields = sorted(by_index, key=lambda field: converter.own[field.index])
        own = {field.name: converter.own[field.index] for field in self.fields}
        row = msgspec.defstruct(
            "Row", [(f.name, _TYPES.get(f.kind, Any)) for f in self.fields], rename=own, gc=False
        )
        self.decode: Callable[[bytes], list[Any]]
        self.decode = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]
        self.hashed = msgspec.defstruct(
            "Hashed",
            [(f.name, Any, "" if f.kind is TEXT else None) for f in self.fields],
            rename=own,
            omit_defaults=True,
            gc=False,
        )
        # cells whose emptiness the type of the hash does not know
        self.loose = [f.name for f in self.fields if f.kind not in _TYPES]
        self.names = {field.name: shape.names[converter.own[field.index]] for field in by_index}
        self.texts = [
            field.name
            for field in by_index
            if field.kind is DYNAMIC and shape.dynamic_as == "string"
        ]

    def content(self, row: Any) -> bytes:  # noqa: ANN401 - a type made at run time
        """Return what is in a row, as `row_ids.content` does."""
        hashed = self.hashed(*astuple(row))
        for name in self.loose:
            if getattr(hashed, name) in ("", {}):
                setattr(hashed, name, None)
        return CANONICAL.encode(hashed)


class RecordType:
    """The type of a record: what is kept of a row, under its names in the record."""

    def __init__(self, types: RowTypes, shape: Shape, kept: Collection[str]) -> None:
        tenant = {f"t{at}": name for at, name in enumerate(shape.tenant)}
        names = {
            **tenant,
            **types.names,
            **({_ID: ROW_ID} if shape.row_id else {}),
        }
        out = {attribute: name for attribute, name in names.items() if name in kept}
        came = [*(field.name for field in types.fields), *tenant, _ID]
        self._order = [came.index(attribute) for attribute in out]
        self.record = msgspec.defstruct("Record", [(a, Any) for a in out], rename=out, gc=False)
        self.texts = [name for name in types.texts if name in out]

    def pick(self) -> Callable[[tuple[Json, ...]], Sequence[Json]]:
        """Return what puts a row's values, the tenant and the id in the record's order."""
        order = self._order
        if len(order) > 1:
            return itemgetter(*order)
        return lambda values: [values[at] for at in order]

    def encoded(
        self, rows: Sequence[Any], ids: Iterable[str | None], first: Mapping[str, Json]
    ) -> list[bytes]:
        """Return the rows' records as JSON texts; the rows are used up by it."""
        for name in self.texts:
            cells = list(map(attrgetter(name), rows))
            for row, text in zip(rows, _compact_all(cells), strict=True):
                setattr(row, name, text)
        record, pick, encode = self.record, self.pick(), ENCODER.encode
        tenant = tuple(first.values())
        return [
            encode(record(*pick((*astuple(row), *tenant, row_id))))
            for row, row_id in zip(rows, ids, strict=False)
        ]


def _compact_all(cells: list[Json]) -> list[str | None]:
    """Return the JSON text of each cell, without a space; null stays null.

    >>> _compact_all([{"a": [1, None]}, None, "b"])
    ['{"a":[1,null]}', None, '"b"']
    """
    texts = ENCODER.encode_lines(cells).decode().split("\n")
    return [None if cell is None else text for cell, text in zip(cells, texts, strict=False)]
