"""Types of rows, made from columns: the costly work per cell happens in msgspec.

Pure. A row is decoded into a type, hashed as another, and written as a third. All three have the
same attributes, so a row is turned from type to type without a copy.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import repeat
from operator import attrgetter
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Struct

from tap_m365hunting.wire.column_oddities import Field, Leniency
from tap_m365hunting.wire.id_values import (
    are_plain,
    put_id_values,
    put_whole_numbers,
    with_json_texts,
)
from tap_m365hunting.wire.json_text import Json, compact_all
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import CANONICAL, RowIds
from tap_m365hunting.wire.schema import ROW_ID, Shape
from tap_m365hunting.wire.values import (
    BOOLEAN,
    DECIMAL,
    DYNAMIC,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    ColumnKind,
)


class Empty(Struct, forbid_unknown_fields=True, gc=False, frozen=True):
    """`{}`, a null in Graph's answers."""


class _Absent(Struct, gc=False, frozen=True):
    """The cell of a column that a row lacks."""


ABSENT: Final = _Absent()

_TYPES: Final[Mapping[ColumnKind, Any]] = {
    TEXT: str,
    MOMENT: str | Empty | None,
    BOOLEAN: bool | int | Empty | None,
    DECIMAL: Decimal | Empty | None,
    INTEGER: int | None,
    NUMBER: float | None,
}
_WITH_EMPTY: Final[Mapping[ColumnKind, Any]] = {
    INTEGER: int | Empty | None,
    NUMBER: float | Empty | None,
}
# For columns of any value: a whole double stays a float, and a decimal has all its digits.
_LOOSE: Final[Mapping[ColumnKind, Any]] = {
    NUMBER: float | bool | str | dict[str, Any] | list[Any] | None,
    DECIMAL: msgspec.Raw,
}

#: Original cells, by attribute.
Before: TypeAlias = list[tuple[str, list[tuple[Any, Json]]]]

# Attributes of the tap's own columns: the tenant's, numbered, and the row's id
_TENANT: Final = "t"
_ID: Final = "id"


def cells_of(rows: Iterable[Any], name: str) -> list[Json]:
    """Return the values of an attribute of all rows."""
    return list(map(attrgetter(name), rows))


def put(rows: Iterable[Any], name: str, values: Iterable[Json]) -> None:
    """Set an attribute of all rows, each to a value of its own."""
    deque(map(setattr, rows, repeat(name), values), maxlen=0)


def _turn(rows: Iterable[Any], into: type) -> None:
    put(rows, "__class__", repeat(into))


def _record_of(names: dict[str, str]) -> type:
    """Return the type of a record, whose columns have other names than in the answer."""
    fields = [(name, Any) for name in names]
    return msgspec.defstruct("Record", fields, rename=names, gc=False)


def _first(texts: Iterable[str], names: Iterable[str]) -> type:
    """Return a type of the same attributes, the texts before all others."""
    fields = [(name, Any) for name in dict.fromkeys([*texts, *names])]
    return msgspec.defstruct("TextsFirst", fields, gc=False)


_STRICT: Final = Leniency()


class RowStructs:
    """The types for the rows of some columns; the records keep some of the columns."""

    decode: Callable[[bytes], list[Any]]

    def __init__(
        self, converter: Converter, kept: Collection[str], leniency: Leniency = _STRICT
    ) -> None:
        """Make the types.

        Raises:
            ValueError: a column's name is empty, or one of the tap's own, or has characters that a
                type cannot have.
        """
        shape = converter.shape
        self.fields = [
            Field(i, f"c{i}", c.kind, c.name in leniency.loose, c.name in leniency.absent)
            for i, c in enumerate(shape.columns)
        ]
        self.absent = [field for field in self.fields if field.absent]
        self._own = {field.name: converter.own[field.index] for field in self.fields}
        if "" in self._own.values():  # it is where a row's content has its seed
            raise ValueError
        self._given = {f"{_TENANT}{at}": name for at, name in enumerate(shape.given)}
        columns = {name: shape.names[own] for name, own in self._own.items()}
        names = {**self._given, **columns, **({_ID: ROW_ID} if shape.row_id else {})}
        self._left_out = [name for name, column in names.items() if column not in kept]
        self._texts = _texts(shape, self.fields)
        self._seed = ""
        self._content: type | None = None
        self._id_names = dict(zip(self._own, converter.id_names, strict=True))
        texts = [field.name for field in self.fields if field.is_text]
        makes_ids = [field for field in self.fields if self._id_names[field.name] is not None]
        self._id_texts = [field.name for field in makes_ids if field.is_text]
        self._loose = [field for field in makes_ids if field.is_unsure(_TYPES)]
        self._floats = [field for field in makes_ids if field.kind in {NUMBER, DECIMAL}]
        self._no_ids = {
            name: "" if name in texts else None
            for name, called in self._id_names.items()
            if called is None
        }
        self._came = {name: self._own.get(name, names[name]) for name in names}
        self._row = self._row_of({**_TYPES, **(_WITH_EMPTY if leniency.empty else {})})
        self._texts_first = _first(self._id_texts, names)
        self._record = self._row if names == self._came else _record_of(names)
        self.decode = msgspec.json.Decoder(list[self._row]).decode  # type: ignore[name-defined]

    def _row_of(self, types: Mapping[ColumnKind, Any]) -> type:
        columns = [_column(field, types) for field in self.fields]
        # keys of the answer that have their names are overwritten
        first = [(name, Any, None) for name in self._given]
        last = [(name, None, None) for name in self._came if name == _ID]
        return msgspec.defstruct(
            "Row", [*first, *columns, *last], rename=self._came, kw_only=True, gc=False
        )

    def row(self, cells: Sequence[Json]) -> Any:  # noqa: ANN401 - of a type made here
        """Make a row of the values of its columns."""
        return self._row(**dict(zip((field.name for field in self.fields), cells, strict=True)))

    def _content_of(self, seed: str) -> type:
        """Return the type with the same output as `RowIds.content`."""
        if self._content is None or seed != self._seed:
            # cells still as the row was made are left out
            defaults = {f.name: "" for f in self.fields if f.is_text}
            called = self._came | {name: own for name, own in self._id_names.items() if own}
            names = sorted(called, key=called.__getitem__)
            self._seed, self._content = (
                seed,
                msgspec.defstruct(
                    "Content",
                    [(name, Any, defaults.get(name)) for name in names],
                    rename=called,
                    tag_field="",
                    tag=seed,
                    omit_defaults=True,
                    gc=False,
                ),
            )
        return self._content

    def digests(self, rows: Sequence[Any], ids: RowIds, known: Mapping[str, bytes]) -> list[bytes]:
        """Return the SHA-256 of each row's content, as `RowIds.content` has it.

        `known` are JSON texts of dynamic columns.
        """
        before = self._put_values(rows, ids, known)
        for name in self._given:
            put(rows, name, repeat(None))
        _turn(rows, self._content_of(ids.seed))
        encode, content = CANONICAL.encode_into, bytearray()
        digests = [sha256(content).digest() for row in rows if encode(row, content) is None]
        _turn(rows, self._record)
        for name, cells in before:
            for row, cell in cells:
                setattr(row, name, cell)
        return digests

    def _put_values(self, rows: Sequence[Any], ids: RowIds, known: Mapping[str, bytes]) -> Before:
        """Put the values for ids in the place of the rows' cells; return the old values."""
        before = [(name, _taken_out(rows, name, none)) for name, none in self._no_ids.items()]
        if ids.by_type:
            return before + [(field.name, _emptied(rows, field.name)) for field in self._loose]
        before += [
            (field.name, _put_id_values(rows, field, known.get(field.name)))
            for field in (*self._loose, *self._floats)
        ]
        _turn(rows, self._texts_first)
        if with_texts := with_json_texts(rows, len(self._id_texts)):
            before += [(name, put_id_values(with_texts, name, "")) for name in self._id_texts]
        return before

    def _put_texts(self, rows: Sequence[Any], known: Mapping[str, bytes]) -> None:
        for name in self._texts:
            if name in known:
                put(rows, name, known[name].decode().split("\n"))
            else:
                put(rows, name, compact_all(cells_of(rows, name)))

    def finish(
        self,
        rows: Sequence[Any],
        ids: Iterable[str] | None,
        known: Mapping[str, bytes],
        first: Mapping[str, str | None],
    ) -> None:
        """Turn rows into records, which begin with the values of `first`.

        `known` are JSON texts of dynamic columns, a line for each row.
        """
        for name, column in self._given.items():
            put(rows, name, repeat(first[column]))
        self._put_texts(rows, known)
        if ids is not None:
            put(rows, _ID, ids)
        for name in self._left_out:
            put(rows, name, repeat(UNSET))
        if ids is None and self._record is not self._row:
            _turn(rows, self._record)


def _column(field: Field, types: Mapping[ColumnKind, Any]) -> tuple[Any, ...]:
    type_ = _LOOSE.get(field.kind, Any) if field.loose else types.get(field.kind, Any)
    return (field.name, type_, ABSENT) if field.absent else (field.name, type_)


def _texts(shape: Shape, fields: Iterable[Field]) -> list[str]:
    """Return the attributes written as JSON texts in a record."""
    if shape.dynamic_as != "string":
        return []
    return [field.name for field in fields if field.kind is DYNAMIC]


def _put_id_values(
    rows: Sequence[Any], field: Field, known: bytes | None
) -> list[tuple[Any, Json]]:
    if field.kind is NUMBER:
        return put_whole_numbers(rows, field.name)
    if field.kind is DYNAMIC and are_plain(cells_of(rows, field.name), known):
        return _emptied(rows, field.name)
    return put_id_values(rows, field.name)


def _taken_out(rows: Sequence[Any], name: str, empty: str | None) -> list[tuple[Any, Json]]:
    """Empty all cells; return the old values."""
    cells = cells_of(rows, name)
    put(rows, name, repeat(empty))
    return list(zip(rows, cells, strict=True))


def _emptied(rows: Sequence[Any], name: str) -> list[tuple[Any, Json]]:
    """Put null in the place of empty values; return those values."""
    cells = cells_of(rows, name)
    found = [
        (row, cell) for row, cell in zip(rows, cells, strict=True) if not cell and cell in ("", {})
    ]
    for row, _ in found:
        setattr(row, name, None)
    return found
