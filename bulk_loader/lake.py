"""A folder of Parquet files by stream and day, instead of tables.

`FOLDER/STREAM/day=2026-03-01/NUMBER.parquet`, the day of the replication key where that is a time.
Rows wait in a table of a database beside the files, which is also the lock, until a commit. Each
file gets its name when it is whole; a row's new file is there before its old one is taken away, so
that a kill can leave a row twice until the next load, which reads it again, but never not at all.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import duckdb

from bulk_loader.columns import Declaration
from bulk_loader.same_values import same
from bulk_loader.slices import Slice
from bulk_loader.sql_types import Sql, literal, quoted
from bulk_loader.tables import UNVERSIONED, Table, Tables

WORK: Final = ".target-bulk-duckdb"
_PENDING: Final = "pending"
# as Hive writes it, and readers of partitions know it
_NO_DAY: Final = "__HIVE_DEFAULT_PARTITION__"
#: Types that Parquet has not, or has as doubles.
_IN_FILES: Final = {"HUGEINT": "VARCHAR"}
_CHANGED: Final = (
    "%s: column %s is %s in new files and %s in older ones; read together, a value may be "
    "rounded or refused"
)
_LOGGER: Final = logging.getLogger("target-bulk-duckdb")


@dataclass(frozen=True, slots=True)
class _Old:
    """A file that is there, and how many of its rows go."""

    path: Path
    gone: int
    rows: int


class Lake:
    """The folder of all streams."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, *, add_metadata: bool = False
    ) -> None:
        connection.execute(f"DROP SCHEMA IF EXISTS {_PENDING} CASCADE")
        self._connection = connection
        self._folder = folder
        self._tables = Tables(connection, _PENDING, add_metadata=add_metadata)
        self._active: dict[str, int] = {}
        self._told: set[tuple[str, str, str]] = set()

    def declare(self, declaration: Declaration) -> None:
        """Make ready for a stream's rows."""
        self._tables.declare(declaration)

    def add(self, part: Slice) -> None:
        """Let rows wait for the commit."""
        self._tables.add(part)

    def activate(self, stream: str, version: int) -> None:
        """Take away the rows of older versions, in the next commit."""
        if self._tables.activate(stream, version):
            self._active[stream] = version

    def commit(self) -> None:
        """Write what waits, and take away what it replaces."""
        for table in self._tables.tables:
            self._write(table)
            self._connection.execute(f"DELETE FROM {table.qualified}")
        self._active.clear()
        self._tables.commit()

    def _write(self, table: Table) -> None:
        declaration = table.declaration
        folder = self._folder / _folder_name(declaration.stream)
        there = _ours(folder.glob("day=*/*.parquet"))
        versioned = declaration.stream in self._active or self._versioned(table)
        hashed = declaration.content_hash and not versioned
        self._tell_changes(table, there)
        self._tell_unversioned(table, there)
        old = [] if hashed else self._replaced(table, there)
        for day in self._days(table):
            self._write_day(table, folder / f"day={day or _NO_DAY}", day, hashed=hashed)
        for file in old:
            self._rewrite(table, file)

    def _write_day(self, table: Table, folder: Path, day: str | None, *, hashed: bool) -> None:
        """Write one new file; of rows whose key is their content's hash, only those not there."""
        folder.mkdir(parents=True, exist_ok=True)
        there = _ours(folder.glob("*.parquet"))
        rows = (
            f"FROM {table.qualified} AS here WHERE {_day(table)} IS NOT DISTINCT FROM {_text(day)}"
        )
        if hashed and there:
            matched = _matched(table, self._types(there))
            rows += f" AND NOT EXISTS (SELECT 1 FROM {_files(there)} AS there WHERE {matched})"
        if self._count(rows):
            number = max((int(file.stem) for file in there), default=0) + 1
            self._save(f"SELECT {self._kept(table)} {rows}", folder / f"{number}.parquet")

    def _replaced(self, table: Table, there: list[Path]) -> list[_Old]:
        """Return the files that hold rows which have come anew, or are of an older version."""
        found = []
        for path in there:
            rows = self._count(f"FROM {_files([path])}")
            left = self._count(self._left(table, path))
            if left < rows:
                found.append(_Old(path, rows - left, rows))
        return found

    def _rewrite(self, table: Table, old: _Old) -> None:
        if old.gone == old.rows:
            old.path.unlink()
        else:
            self._save(self._left(table, old.path), old.path)

    def _left(self, table: Table, path: Path) -> Sql:
        """Return what stays of a file's rows."""
        held = self._types([path])
        conditions = []
        if table.declaration.key:
            again = f"SELECT 1 FROM {table.qualified} AS here WHERE {_matched(table, held)}"
            conditions.append(f"NOT EXISTS ({again})")
        version = self._active.get(table.declaration.stream)
        if version is not None:
            conditions.append(f"NOT ({self._older(table, version, held)})")
        return f"FROM {_files([path])} AS there WHERE {' AND '.join(conditions or ['TRUE'])}"

    def _older(self, table: Table, version: int, held: Mapping[str, str]) -> Sql:
        """Return whether a row of a file goes, as one of an older version."""
        ends = "TRUE" if self._tables.versioned(table.declaration.stream) else "FALSE"
        if "_sdc_table_version" not in held:
            return ends
        return f'coalesce("_sdc_table_version" < {version:d}, {ends})'

    def _tell_unversioned(self, table: Table, there: list[Path]) -> None:
        """Warn of rows that stay, as no row with a version has come."""
        stream = table.declaration.stream
        if stream not in self._active or self._tables.versioned(stream) or not there:
            return
        numbered = "_sdc_table_version" in self._types(there)
        without = ' WHERE "_sdc_table_version" IS NULL' if numbered else ""
        if left := self._count(f"FROM {_files(there)}{without}"):
            _LOGGER.warning(UNVERSIONED, stream, left)

    def _tell_changes(self, table: Table, there: list[Path]) -> None:
        """Warn of columns that have another type in the last file that was written."""
        if not there or not self._count(f"FROM {table.qualified}"):
            return
        held = self._types([max(there, key=lambda path: path.stat().st_mtime_ns)])
        stream = table.declaration.stream
        for name, kind in zip(table.names, table.kinds, strict=True):
            written = _IN_FILES.get(kind, kind)
            before = held.get(name.lower(), written)
            if before != written and (stream, name, written) not in self._told:
                self._told.add((stream, name, written))
                _LOGGER.warning(_CHANGED, stream, name, written, before)

    def _types(self, paths: list[Path]) -> dict[str, str]:
        """Return the types of columns, by their names in lower case."""
        described = self._connection.execute(f"DESCRIBE FROM {_files(paths)}").fetchall()
        return {name.lower(): kind for name, kind, *_ in described}

    def _save(self, query: Sql, path: Path) -> None:
        """Write a file under another name, and give it its own when it is on the disk."""
        part = path.with_name(f".{path.name}.part")
        self._connection.execute(f"COPY ({query}) TO {literal(str(part))} (FORMAT parquet)")
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)

    def _kept(self, table: Table) -> Sql:
        """Return the columns; integers of 128 bits, which Parquet makes doubles of, as text."""
        names = [quoted(n) for n, k in zip(table.names, table.kinds, strict=True) if k == "HUGEINT"]
        texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in names)
        return f"* REPLACE ({texts})" if texts else "*"

    def _days(self, table: Table) -> list[str | None]:
        asked = f"SELECT DISTINCT {_day(table)} AS day FROM {table.qualified} ORDER BY day"
        return [day for (day,) in self._connection.execute(asked).fetchall()]

    def _versioned(self, table: Table) -> bool:
        asked = f"DESCRIBE {table.qualified}"
        described = self._connection.execute(asked).fetchall()
        if all(name != "_sdc_table_version" for name, *_ in described):
            return False
        return self._count(f'FROM {table.qualified} WHERE "_sdc_table_version" IS NOT NULL') > 0

    def _count(self, rows: Sql) -> int:
        found = self._connection.execute(f"SELECT count(*) {rows}").fetchone()
        return int(found[0]) if found else 0


def _folder_name(stream: str) -> str:
    """Return a name that leads to no other folder."""
    name = quote(stream, safe=" ")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _day(table: Table) -> Sql:
    """Return the day of a row as text, or null."""
    time = table.declaration.time
    if time is None:
        return "CAST(NULL AS VARCHAR)"
    return f"substr(CAST({quoted(table.names[table.declaration.index(time)])} AS VARCHAR), 1, 10)"


def _matched(table: Table, held: Mapping[str, str]) -> Sql:
    """Return whether rows have one key, though it may be of another type in a file."""
    conditions = []
    for number in map(table.declaration.index, table.declaration.key):
        name, kind = table.names[number], table.kinds[number]
        before = held.get(name.lower())
        there, here = f"there.{quoted(name)}", f"here.{quoted(name)}"
        conditions.append(same(there, before, here, kind) if before else "FALSE")
    return " AND ".join(conditions)


def _ours(paths: Iterable[Path]) -> list[Path]:
    """Return the files that a load has written; others are none of its business."""
    return sorted(path for path in paths if path.stem.isascii() and path.stem.isdecimal())


def _files(paths: list[Path]) -> Sql:
    listed = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def _text(day: str | None) -> Sql:
    return "NULL" if day is None else literal(day)
