"""Rows of an answer as encoded records, many at a time: what a `Converter` does, at speed.

Pure. Rows are decoded into a type made from the columns, so that what costs time per cell happens
in msgspec. Only what the type cannot say (an instant's digits, 0 and 1, bags) is seen to here,
column by column. A piece that does not fit the type goes through the converter, row by row.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from operator import attrgetter, itemgetter, le
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from tap_m365hunting.conversion import Converter, Row
from tap_m365hunting.records import Answer
from tap_m365hunting.row_ids import CANONICAL, RowIds
from tap_m365hunting.schema import ROW_ID, TENANT_ID, Shape
from tap_m365hunting.values import (
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
    compact,
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
class Block:
    """Some records, each as JSON text, and their cursors if the converter knows a cursor."""

    records: list[bytes]
    cursors: list[str | None]

    @property
    def in_order(self) -> bool:
        """Whether no cursor is before the one above it, and none is null."""
        known = [cursor for cursor in self.cursors if cursor is not None]
        return len(known) == len(self.cursors) and all(map(le, known, known[1:]))

    def cut(self, at: int) -> tuple["Block", "Block"]:
        """Return the first `at` records, and the rest."""
        return (
            Block(self.records[:at], self.cursors[:at]),
            Block(self.records[at:], self.cursors[at:]),
        )

    def newest(self) -> int:
        """Return where the last instant begins: in an ordered answer it may go on after this.

        >>> Block([b"{}", b"{}", b"{}"], ["t1", "t2", "t2"]).newest()
        1
        """
        return self.cursors.index(self.cursors[-1]) if self.cursors else 0


@dataclass(frozen=True, slots=True)
class _Field:
    """One column: its index among the shape's columns and its attribute in the row type."""

    index: int
    name: str
    kind: Kind


# Attributes of the tap's own columns
_TENANT: Final = "tenant"
_ID: Final = "id"


class _Fixes:
    """What is done to a column after decoding, by its kind."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._by_kind: Mapping[Kind, Callable[[_Field, list[Json]], list[Json] | None]] = {
            MOMENT: self._moments,
            BOOLEAN: self._booleans,
            INTEGER: self._numbers,
            NUMBER: self._numbers,
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
        try:
            joined = "\n".join([*cells, ""])
        except TypeError:  # a null among them
            return self._anything(field, cells)
        if len(joined) == _MOMENT_SIZE * len(cells) and _MOMENTS.fullmatch(joined):
            return None
        return self._anything(field, cells)

    def _booleans(self, field: _Field, cells: list[Json]) -> list[Json]:
        try:
            return [_BOOLEANS[cell] for cell in cells]
        except KeyError:
            return self._anything(field, cells)

    def _numbers(self, _: _Field, cells: list[Json]) -> list[Json] | None:
        if _Bag not in set(map(type, cells)):
            return None
        return [None if type(cell) is _Bag else cell for cell in cells]

    def _anything(self, field: _Field, cells: list[Json]) -> list[Json]:
        convert, index = self._converter.cell, field.index
        return [None if type(cell) is _Bag else convert(index, cell) for cell in cells]


class _Types:
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


class _Out:
    """The type of a record: what is kept of a row, under its names in the record."""

    def __init__(self, types: _Types, shape: Shape, kept: Collection[str]) -> None:
        names = {
            **({_TENANT: TENANT_ID} if shape.tenant else {}),
            **types.names,
            **({_ID: ROW_ID} if shape.row_id else {}),
        }
        out = {attribute: name for attribute, name in names.items() if name in kept}
        came = [*(field.name for field in types.fields), _TENANT, _ID]
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
        self, rows: Iterable[Any], ids: Iterable[str | None], tenant_id: str | None
    ) -> list[bytes]:
        """Return the rows' records as JSON texts."""
        pick, encode = self.pick(), ENCODER.encode
        records = []
        for row, row_id in zip(rows, ids, strict=False):
            record = self.record(*pick((*astuple(row), tenant_id, row_id)))
            for name in self.texts:
                value = getattr(record, name)
                if value is not None:
                    setattr(record, name, compact(value))
            records.append(encode(record))
        return records


class BlockConverter:
    """Encodes the rows of one answer; `selected` names what a record keeps, if not all."""

    def __init__(self, converter: Converter, *, selected: Collection[str] | None = None) -> None:
        self._converter = converter
        properties = converter.shape.json_schema()["properties"]
        self._kept = frozenset(properties if selected is None else selected)
        self._fixes = _Fixes(converter)
        self._types: _Types | None = None
        if converter.straight:
            self._make_types()

    def _make_types(self) -> None:
        try:
            self._types = _Types(self._converter)
            self._out = _Out(self._types, self._converter.shape, self._kept)
        except ValueError:  # a column's name has characters that no attribute's name can have
            self._types = None

    def blocks(self, answer: Answer, ids: RowIds) -> Iterator[Block]:
        """Encode an answer piece by piece; errors are those of `Converter.records`."""
        for text in answer.texts:
            block = self._fast(text, ids) if isinstance(text, bytes) else None
            yield self._slow(answer.parsed(text), ids) if block is None else block

    def _slow(self, rows: list[Row], ids: RowIds) -> Block:
        block = Block([], [])
        for row in rows:
            cells = self._converter.cells(row)
            if self._converter.cursor is not None:
                block.cursors.append(cells[self._converter.cursor])
            record = self._converter.record(cells, ids)
            kept = {name: value for name, value in record.items() if name in self._kept}
            block.records.append(ENCODER.encode(kept))
        return block

    def _fast(self, text: bytes, ids: RowIds) -> Block | None:
        """Encode rows that fit their type; `None` if they do not."""
        if self._types is None:
            return None
        try:
            rows = self._types.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        for field in self._types.fields:
            self._fixes.apply(field, rows)
        self._check_keys(rows)
        cursor = self._converter.cursor
        cursors = [] if cursor is None else list(map(attrgetter(f"c{cursor}"), rows))
        given = self._ids(map(self._types.content, rows), cursors or repeat(None), ids)
        return Block(self._out.encoded(rows, given, self._converter.tenant_id), cursors)

    def _check_keys(self, rows: list[Any]) -> None:
        for index in self._converter.key:
            if None in map(attrgetter(f"c{index}"), rows):
                self._converter.refuse_null(index)

    def _ids(
        self, contents: Iterable[bytes], instants: Iterable[str | None], ids: RowIds
    ) -> Iterator[str | None]:
        if ROW_ID not in self._kept or not self._converter.shape.row_id:
            return repeat(None)
        return (
            ids.give(content, instant=instant)
            for content, instant in zip(contents, instants, strict=False)
        )
