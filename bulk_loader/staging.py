"""Rows of a slice as values in a temporary table, and what has to be known of them before use."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from bulk_loader.complaints import unreadable
from bulk_loader.errors import LoadError
from bulk_loader.exact_slices import rewrite
from bulk_loader.slices import Slice
from bulk_loader.sql_types import Sql, literal, misfit, printed_anew, quoted, value, violation

ROWS: Final = "temp.main.slice_rows"
#: Two of them are one thread's buffer; lines of up to a block need no larger ones.
_LEAST_OBJECT: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Facts:
    """Whether keys repeat, whether there are rows with a version, and rows without one."""

    repeated: bool
    versioned: bool
    unversioned: bool


class Staging:
    """Reads slices with one connection; the columns of the table are c0, c1 and so on.

    Its row ids have the order of the slice's lines.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def read(self, part: Slice, kinds: Sequence[str], only: Collection[str] | None = None) -> None:
        """Fill the table with values of these types, or with those of some columns.

        Raises:
            LoadError: a line is broken.
        """
        columns = part.declaration.columns
        read = [n for n, column in enumerate(columns) if only is None or column.name in only]
        cells = {n: value(kinds[n], f"t{n}", declared=columns[n].kind) for n in read}
        wrong = (misfit(kinds[n], f"t{n}", declared=columns[n].kind, held=f"c{n}") for n in read)
        odd = " OR ".join(f"({about})" for about in wrong)
        if only is not None or part.declaration.exact:
            self._read(part, cells, odd)
            return
        printed = (printed_anew(column.kind, f"t{n}") for n, column in enumerate(columns))
        self._read(part, cells, odd, " OR ".join(f"({about})" for about in printed if about))
        if self._any("printed") and rewrite(part):
            self._read(part, cells, odd)

    def _any(self, cell: Sql) -> bool:
        found = self._connection.execute(f"SELECT bool_or({cell}) FROM {ROWS}").fetchone()
        return bool(found and found[0])

    def _read(self, part: Slice, cells: Mapping[int, Sql], odd: Sql, printed: Sql = "") -> None:
        try:
            self._connection.execute(reading(part, cells, odd, printed or "FALSE"))
        except duckdb.Error as error:
            if isinstance(error, (duckdb.OutOfMemoryException, duckdb.IOException)):
                raise
            raise LoadError(_broken(part)) from error

    def facts(self, part: Slice) -> Facts | None:
        """Look over the table; none if a value is not the whole text.

        Raises:
            LoadError: a key has no value, or a line no record.
        """
        key = [f"c{part.declaration.index(name)}" for name in part.declaration.key]
        distinct = f"count(DISTINCT {_one(key)})" if key else "count(*)"
        whole = " AND ".join(["has_record", *(f"{cell} IS NOT NULL" for cell in key)])
        found = self._connection.execute(
            f"SELECT count_if(odd), bool_and({whole}), count(*) <> {distinct},"
            f" count(version), count(*) FROM {ROWS}"
        ).fetchone()
        odd, complete, repeated, versioned, rows = found or (0, True, False, 0, 0)
        if odd:
            return None
        if not complete:
            self._require_complete(part)
        return Facts(repeated, versioned > 0, versioned < rows)

    def misfits(self, part: Slice, kinds: Sequence[str]) -> list[int]:
        """Return the columns, by number, in which a value of these types is not the whole text.

        Raises:
            LoadError: a key has no value, a line no record, or a text is none that the schema
                allows.
        """
        columns = part.declaration.columns
        self._read(part, {n: f"t{n}" for n in range(len(columns))}, "FALSE")
        self._require_complete(part)
        counted = [
            f"count_if({misfit(kind, f'c{n}', declared=column.kind)})"
            for n, (kind, column) in enumerate(zip(kinds, columns, strict=True))
        ]
        found = self._connection.execute(f"SELECT {', '.join(counted)} FROM {ROWS}").fetchone()
        numbers = [n for n, count in enumerate(found or ()) if count]
        for number in numbers:
            self._require_valid(part, number)
        return numbers

    def _require_complete(self, part: Slice) -> None:
        self._require(part, "has_record", "has no record")
        for name in part.declaration.key:
            cell = f"c{part.declaration.index(name)} IS NOT NULL"
            self._require(part, cell, f"has no value in key column {name!r}")

    def _require_valid(self, part: Slice, number: int) -> None:
        """Look whether the schema allows what is in a column of texts."""
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


def reading(part: Slice, cells: Mapping[int, Sql], odd: Sql, printed: Sql) -> Sql:
    """Return the statement that fills the table with cells, each told from the texts t0 and so on.

    `odd` tells from texts and cells, c0 and so on, whether a row has to be looked at again, and
    `printed` whether its line has to be.
    """
    fields = {n: quoted(part.declaration.fields[n]) for n in cells}
    structure = literal(f"STRUCT({', '.join(f'{name} VARCHAR' for name in fields.values())})")
    texts = ", ".join(f"record.{name} AS t{n}" for n, name in fields.items())
    size = max(_LEAST_OBJECT, part.longest + 1)
    return (
        f"CREATE OR REPLACE TEMP TABLE slice_rows AS SELECT {', '.join(f'c{n}' for n in cells)},"
        f" {odd} AS odd, {printed} AS printed, has_record, version, time_extracted"
        f" FROM (SELECT *, {', '.join(f'{cell} AS c{n}' for n, cell in cells.items())}"
        f" FROM (SELECT {texts}, record IS NOT NULL AS has_record, version, time_extracted"
        f" FROM read_json({literal(str(part.path))}, format = 'newline_delimited',"
        f" maximum_object_size = {size}, columns = {{record: {structure},"
        " version: 'BIGINT', time_extracted: 'VARCHAR'})))"
    )


def _one(key: list[Sql]) -> Sql:
    return key[0] if len(key) == 1 else f"({', '.join(key)})"


def _broken(part: Slice) -> str:
    """Say which line is broken, without showing it."""
    with part.path.open("rb") as lines:
        for row, line in enumerate(lines):
            if said := unreadable(line):
                return f"Line {part.line(row)} {said}"
    stream = part.declaration.stream
    first, last = part.line(0), part.line(part.rows - 1)
    return f"Lines {first} to {last}, of stream {stream!r}, cannot be read"
