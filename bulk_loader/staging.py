"""Rows of a slice as texts in a temporary table, and what has to be known of them before use."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import duckdb
import msgspec

from bulk_loader.errors import LoadError
from bulk_loader.slices import Slice
from bulk_loader.sql_types import Sql, literal, misfit, quoted, violation

ROWS: Final = "temp.slice_rows"
#: Two of them are one thread's buffer; lines of up to a block need no larger ones.
_LEAST_OBJECT: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts of misfits by column number; whether keys repeat, and whether rows have versions."""

    misfits: dict[int, int]
    repeated: bool
    versioned: bool


class Staging:
    """Reads slices with one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def read(self, part: Slice, only: Collection[str] | None = None) -> None:
        """Fill the table, or some columns of it; its row ids have the order of the slice's lines.

        Raises:
            LoadError: a line is broken.
        """
        try:
            self._connection.execute(reading(part, only))
        except duckdb.Error as error:
            if isinstance(error, (duckdb.OutOfMemoryException, duckdb.IOException)):
                raise
            raise LoadError(_broken(part)) from error

    def facts(self, part: Slice, kinds: list[str], key: list[Sql]) -> Facts:
        """Count what does not fit into columns of these types.

        Raises:
            LoadError: a key has no value, or a line no record.
        """
        self._require(part, "has_record", "has no record")
        for name in part.declaration.key:
            cell = f"c{part.declaration.index(name)} IS NOT NULL"
            self._require(part, cell, f"has no value in key column {name!r}")
        columns = part.declaration.columns
        counted = [
            f"count_if({misfit(kind, f'c{n}', declared=column.kind)})"
            for n, (kind, column) in enumerate(zip(kinds, columns, strict=True))
        ]
        distinct = f"count(DISTINCT {_one(key)})" if key else "count(*)"
        asked = ", ".join([f"count(*) <> {distinct}", "count(version) > 0", *counted])
        found = self._connection.execute(f"SELECT {asked} FROM {ROWS}").fetchone() or ()
        repeated, versioned, *counts = found
        return Facts({n: c for n, c in enumerate(counts) if c}, repeated, versioned)

    def require_valid(self, part: Slice, number: int) -> None:
        """Look whether the schema allows what is in a column.

        Raises:
            LoadError: it does not.
        """
        column = part.declaration.columns[number]
        wrong = violation(column.kind, f"c{number}")
        says = f"has a value in column {column.name!r} that is not what its schema says"
        self._require(part, f"c{number} IS NULL OR NOT ({wrong})", says)

    def _require(self, part: Slice, condition: Sql, complaint: str) -> None:
        # row ids of a table that a transaction has made do not begin with 0
        asked = f"SELECT min(rowid) FILTER (NOT ({condition})) - min(rowid) FROM {ROWS}"
        found = self._connection.execute(asked).fetchone()
        if found and found[0] is not None:
            msg = f"Line {part.line(found[0])} of stream {part.declaration.stream!r} {complaint}"
            raise LoadError(msg)


def reading(part: Slice, only: Collection[str] | None) -> Sql:
    """Return the statement that fills the table."""
    declaration = part.declaration
    read = {
        n: quoted(field)
        for n, (field, column) in enumerate(
            zip(declaration.fields, declaration.columns, strict=True)
        )
        if only is None or column.name in only
    }
    fields = ", ".join(f"{name} VARCHAR" for name in read.values())
    cells = ", ".join(f"record.{name} AS c{n}" for n, name in read.items())
    structure = literal(f"STRUCT({fields})")
    size = max(_LEAST_OBJECT, part.longest + 1)
    return (
        f"CREATE OR REPLACE TEMP TABLE slice_rows AS SELECT {cells},"
        " record IS NOT NULL AS has_record, version, time_extracted"
        f" FROM read_json({literal(str(part.path))}, format = 'newline_delimited',"
        f" maximum_object_size = {size}, columns = {{record: {structure},"
        " version: 'BIGINT', time_extracted: 'VARCHAR'})"
    )


def _one(key: list[Sql]) -> Sql:
    return key[0] if len(key) == 1 else f"({', '.join(key)})"


class _Record(msgspec.Struct):
    record: dict[str, msgspec.Raw]


def _broken(part: Slice) -> str:
    """Say which line is broken, without showing it."""
    decoder = msgspec.json.Decoder(_Record)
    with part.path.open("rb") as lines:
        for row, line in enumerate(lines):
            try:
                decoder.decode(line.decode())  # as the decoder leaves texts unread
            except (msgspec.MsgspecError, ValueError):
                return f"Line {part.line(row)} is no RECORD in JSON"
    stream = part.declaration.stream
    first, last = part.line(0), part.line(part.rows - 1)
    return f"Lines {first} to {last}, of stream {stream!r}, cannot be read: is a key there twice?"
