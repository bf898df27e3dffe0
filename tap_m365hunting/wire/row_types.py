"""Types of rows, made from columns: what costs time per cell happens in msgspec.

Pure. `RowTypes` decodes rows and hashes what is in them for their ids, `Fixes` sees to what the
type of a cell cannot say (an instant's digits, 0 and 1, bags), and `Writer` writes the records.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import astuple

from tap_m365hunting.wire.conversion import Converter
from tap_m365hunting.wire.json_text import ENCODER, DepthError, Json, compact_all
from tap_m365hunting.wire.row_ids import CANONICAL, LARGE_MAP, content_of_large_numbers
from tap_m365hunting.wire.schema import ROW_ID, Shape
from tap_m365hunting.wire.values import (
    BOOLEAN,
    DECIMAL,
    DYNAMIC,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
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
_DIGITS_TO_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_MOMENT: Final = b"0000-00-00T00:00:00.0000000Z\n"
# What comes in the place of the Z of an instant of fewer digits, by the length of its text
_PADDING: Final[Mapping[int, str]] = {
    20: ".0000000Z",
    **{length: f"{'0' * (28 - length)}Z" for length in range(22, 29)},
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its index among the shape's columns and its attribute in the row type."""

    index: int
    name: str
    kind: Kind


def _set(rows: Iterable[Any], name: str, values: Iterable[Json]) -> None:
    deque(map(setattr, rows, repeat(name), values), maxlen=0)


def _without_bags(cells: list[Json]) -> list[Json]:
    return [None if type(cell) is _Bag else cell for cell in cells]


def _are_moments(texts: Sequence[str]) -> bool:
    """Whether all have the one form of an instant.

    >>> _are_moments(["2026-07-19T21:46:29.1234567Z"]), _are_moments(["2026-07-19T21:46:29Z"])
    (True, False)
    """
    joined = "\n".join([*texts, ""])
    return joined.encode().translate(_DIGITS_TO_ZERO) == _MOMENT * len(texts)


class Fixes:
    """What is done to a column after decoding, by its kind."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._by_kind: Mapping[Kind, Callable[[Field, list[Json]], list[Json] | None]] = {
            MOMENT: self._moments,
            BOOLEAN: self._booleans,
            INTEGER: self._numbers,
            NUMBER: self._numbers,
            DYNAMIC: self._dynamics,
        }

    def apply(self, field: Field, rows: list[Any]) -> None:
        """Put the values of one column in the place of its cells."""
        cells = list(map(attrgetter(field.name), rows))
        values = self._by_kind.get(field.kind, self._anything)(field, cells)
        if values is not None:
            _set(rows, field.name, values)

    def _moments(self, field: Field, cells: list[Json]) -> list[Json] | None:
        texts = [cell for cell in cells if type(cell) is str]
        if _are_moments(texts):
            return None if len(texts) == len(cells) else _without_bags(cells)
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
        return _without_bags(cells) if _Bag in set(map(type, cells)) else None

    def _dynamics(self, field: Field, cells: list[Json]) -> list[Json]:
        convert, index = self._converter.cell, field.index
        try:
            return [plain(cell) if type(cell) is dict else convert(index, cell) for cell in cells]
        except DepthError:
            return self._anything(field, cells)

    def _anything(self, field: Field, cells: list[Json]) -> list[Json]:
        convert, index = self._converter.cell, field.index
        return [None if type(cell) is _Bag else convert(index, cell) for cell in cells]


# Attributes of the tap's own columns: the tenant's, numbered, and the row's id
_TENANT: Final = "t"
_ID: Final = "id"
#: Puts some of a tuple's values into an order.
Pick = Callable[[Sequence[Json]], Sequence[Json]]


def _pick(order: Sequence[int]) -> Pick:
    if len(order) > 1:
        return itemgetter(*order)
    return lambda values: [values[at] for at in order]


class RowTypes:
    """The types of a row: as it comes, and as it is hashed.

    Where a record is the row with the tap's own columns around it, `whole` is true, and a row is
    written as it is.
    """

    def __init__(self, converter: Converter, kept: Collection[str]) -> None:
        """Make the types for records that keep some of their columns.

        Raises:
            ValueError: a column's name has characters that a type cannot have.
        """
        shape = converter.shape
        self.fields = [Field(i, f"c{i}", c.kind) for i, c in enumerate(shape.columns)]
        own = {field.name: converter.own[field.index] for field in self.fields}
        self.names = {name: shape.names[column] for name, column in own.items()}
        self.whole = own == self.names and len(kept) == len(own) + len(_around(shape))
        self._make_row(converter, own)
        self._make_content(own)

    def _make_row(self, converter: Converter, own: Mapping[str, str]) -> None:
        columns = [(f.name, _TYPES.get(f.kind, Any)) for f in self.fields]
        around = _around(converter.shape) if self.whole else {}
        # keys of the answer that have their names fit only if they say the same
        values = {name: converter.first[around[name]] for name in around if name != _ID}
        first = [(name, Literal[value], value) for name, value in values.items()]
        last = [(name, None, None) for name in around if name == _ID]
        row = msgspec.defstruct(
            "Row", [*first, *columns, *last], rename={**around, **own}, kw_only=True, gc=False
        )
        self.decode: Callable[[bytes], list[Any]]
        self.decode = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]
        self._before = len(first)

    def _make_content(self, own: Mapping[str, str]) -> None:
        # in the order in which `row_ids.content` has them
        fields = sorted(self.fields, key=lambda field: own[field.name])
        columns = [(f.name, Any, "" if f.kind is TEXT else None) for f in fields]
        # never set, and longer than the name of any column
        never = {f"n{at}": f"{max(own.values(), key=len)}{at}" for at in range(LARGE_MAP)}
        self._hashed = msgspec.defstruct(
            "Hashed",
            [*columns, *((name, None, None) for name in never)],
            rename={**own, **never},
            omit_defaults=True,
            gc=False,
        )
        self._in_order = _pick([self._before + field.index for field in fields])
        # cells whose emptiness the type of the hash does not know
        self._loose = [field.name for field in fields if field.kind not in _TYPES]

    def values(self, row: Any) -> tuple[Json, ...]:  # noqa: ANN401 - a type made at run time
        """Return a row's values in the order of the columns."""
        return astuple(row)[self._before :][: len(self.fields)]

    def digests(self, rows: Sequence[Any], seed: bytes) -> list[bytes]:
        """Return the SHA-256 of each row's content, as `row_ids.content` has it, behind a seed."""
        emptied = [self._emptied(rows, name) for name in self._loose]
        hashed, in_order, at = self._hashed, self._in_order, len(seed)
        encode, buffer, digests = CANONICAL.encode_into, bytearray(seed), []
        for row in rows:
            content = hashed(*in_order(astuple(row)))
            try:
                encode(content, buffer, at)
            except OverflowError:
                buffer[at:] = content_of_large_numbers(content)
            digests.append(sha256(buffer).digest())
        for name, cells in zip(self._loose, emptied, strict=True):
            for row, cell in cells:
                setattr(row, name, cell)
        return digests

    @staticmethod
    def _emptied(rows: Sequence[Any], name: str) -> list[tuple[Any, Json]]:
        """Put null in the place of what is empty; return what it was."""
        cells = map(attrgetter(name), rows)
        found = [
            (row, cell)
            for row, cell in zip(rows, cells, strict=True)
            if not cell and cell in ("", {})
        ]
        for row, _ in found:
            setattr(row, name, None)
        return found


def _around(shape: Shape) -> dict[str, str]:
    """Return the names of the tap's own columns by their attributes."""
    first = {f"{_TENANT}{at}": name for at, name in enumerate(shape.tenant)}
    return {**first, **({_ID: ROW_ID} if shape.row_id else {})}


class Writer:
    """Makes the text of records: what is kept of a row, under its names in the record."""

    def __init__(self, types: RowTypes, converter: Converter, kept: Collection[str]) -> None:
        shape = converter.shape
        around = _around(shape)
        last = {_ID: around.pop(_ID)} if shape.row_id else {}
        names = {**around, **types.names, **last}
        self._types = types
        self._first = tuple(converter.first.values())
        self._kept = {attribute: name for attribute, name in names.items() if name in kept}
        self._texts = [
            field.name
            for field in types.fields
            if field.kind is DYNAMIC and shape.dynamic_as == "string" and field.name in self._kept
        ]
        came = [*around, *types.names, _ID]
        self._pick = _pick([came.index(attribute) for attribute in self._kept])
        self._record = msgspec.defstruct(
            "Record", [(name, Any) for name in self._kept], rename=self._kept, gc=False
        )

    def texts(self, rows: Sequence[Any], ids: Sequence[str] | None) -> list[bytes]:
        """Return the rows' records as JSON texts; the rows are used up by it."""
        for name in self._texts:
            _set(rows, name, compact_all(list(map(attrgetter(name), rows))))
        if not self._types.whole:
            rows = self._records(rows, ids or repeat(None))
        elif ids is not None:
            _set(rows, _ID, ids)
        return _encoded(rows)

    def _records(self, rows: Iterable[Any], ids: Iterable[str | None]) -> list[Any]:
        record, pick, first, values = self._record, self._pick, self._first, self._types.values
        return [
            record(*pick((*first, *values(row), row_id)))
            for row, row_id in zip(rows, ids, strict=False)
        ]


def _encoded(records: Iterable[Any]) -> list[bytes]:
    encode, buffer, texts = ENCODER.encode_into, bytearray(), list[bytes]()
    for record in records:
        encode(record, buffer)
        texts.append(bytes(buffer))
    return texts
