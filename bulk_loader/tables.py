"""Tables of a DuckDB database: made, grown and widened as the schemas ask, filled by key."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from bulk_loader.columns import Declaration, named
from bulk_loader.errors import LoadError
from bulk_loader.metadata import METADATA, VERSION, added
from bulk_loader.opening import ONE_THREAD
from bulk_loader.refusals import told
from bulk_loader.slices import Slice
from bulk_loader.sql_types import Sql, converted, joined, quoted, unconvertible, wider
from bulk_loader.staging import ROWS, Facts, Staging
from bulk_loader.upserts import Upsert

#: With the stream and a count of rows.
UNVERSIONED: Final = (
    "%s: %d rows have no version and stay; the next load of rows with versions takes them away"
)
_LOGGER: Final = logging.getLogger("target-bulk-duckdb")


@dataclass
class Table:
    """A table and the declaration that fills it; `names` and `kinds` are those of its columns."""

    declaration: Declaration
    qualified: str
    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


class Tables:
    """The place of all streams, in one transaction at a time."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: str,
        *,
        add_metadata: bool = False,
    ) -> None:
        self._connection = connection
        [[catalog]] = connection.execute("SELECT current_database()").fetchall()
        self._schema = schema
        # a file may have the name of the schema
        self._qualified = f"{quoted(catalog)}.{quoted(schema)}"
        self._metadata = add_metadata
        self._staging = Staging(connection)
        self._tables: dict[str, Table] = {}
        self._versioned: set[str] = set()
        self._unversioned: set[str] = set()
        self._nothing_new = False
        self._open = False

    def declare(self, declaration: Declaration) -> None:
        """Make the table, or give it the columns and types that it lacks.

        Raises:
            LoadError: another stream has the table, its name differing by case alone.
        """
        stream = declaration.stream
        for other in self._tables.keys() - {stream}:
            if other.lower() == stream.lower():
                msg = f"Streams {other!r} and {stream!r} would share a table: case is ignored"
                raise LoadError(msg)
        self._begin()
        table = Table(declaration, f"{self._qualified}.{quoted(stream)}")
        self._tables[stream] = table
        held = self._held(stream)
        names = named(declaration.columns, list(held))
        if not held:
            self._create(table, names)
        else:
            self._grow(table, names, held)
        if self._metadata:
            self._add_ours(table, METADATA)

    def add(self, part: Slice) -> None:
        """Put rows into their table: by key, or behind the others where there is none.

        Raises:
            LoadError: a line is broken, a key null, or a value none that the schema allows.
        """
        self._begin()
        table = self._tables[part.declaration.stream]
        if self._nothing_new and self._holds(table, part):
            return
        self._staging.read(part, table.kinds)
        while (facts := self._staging.facts(part)) is None:
            for number in self._staging.misfits(part, table.kinds):
                self._convert(table, number, wider(table.kinds[number]))
            self._staging.read(part, table.kinds)
        self._note_versions(table, facts)
        self._put(table, part, repeated=facts.repeated, versioned=facts.versioned)

    def _holds(self, table: Table, part: Slice) -> bool:
        """Say whether all rows are there, by the hash of their content.

        It costs two thirds of the way of new rows, and so is asked where the slice before had none.
        """
        declaration = table.declaration
        if not declaration.content_hash:
            return False
        names = [*declaration.key, *([declaration.time] if declaration.time else [])]
        self._staging.read(part, table.kinds, only=names)
        cells = {table.names[n]: f"here.c{n}" for n in map(declaration.index, names)}
        absent = self._upsert(table, cells, ROWS).absent(self._span(table))
        if self._number(f"SELECT (SELECT count(*) {absent}) + count(version) FROM {ROWS}"):
            self._nothing_new = False
        else:
            self._unversioned.add(declaration.stream)
        return self._nothing_new

    @property
    def tables(self) -> list[Table]:
        """The tables of the streams that have come."""
        return list(self._tables.values())

    def versioned(self, stream: str) -> bool:
        """Say whether rows with a version have come, and none without one."""
        return stream in self._versioned - self._unversioned

    def activate(self, stream: str, version: int) -> bool:
        """Delete the rows of older versions; say if that was done.

        Rows without a version are older than the first one that came with one; where none came,
        they may be of a tap that numbers no rows.

        Raises:
            LoadError: the stream has no SCHEMA.
        """
        table = self._tables.get(stream)
        if table is None:
            msg = f"ACTIVATE_VERSION of stream {stream!r}, which has no SCHEMA yet"
            raise LoadError(msg)
        if stream in self._unversioned:
            _LOGGER.warning("%s: its rows have no version, so none is taken away", stream)
            return False
        self._begin()
        self._add_ours(table, VERSION)
        without = '"_sdc_table_version" IS NULL'
        older = f'"_sdc_table_version" < {version:d}'
        if self.versioned(stream):
            older = f"{without} OR {older}"
        elif left := self._number(f"SELECT count(*) FROM {table.qualified} WHERE {without}"):
            _LOGGER.warning(UNVERSIONED, stream, left)
        self._connection.execute(f"DELETE FROM {table.qualified} WHERE {older}")
        return True

    def commit(self) -> None:
        """End the transaction: what was put in is there, whatever happens."""
        if self._open:
            self._connection.execute("COMMIT")
            self._open = False

    def _begin(self) -> None:
        if not self._open:
            self._connection.execute("BEGIN")
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self._qualified}")
            self._open = True

    def _held(self, stream: str) -> dict[str, str]:
        """Return the columns of a table that is there, with their types."""
        found = self._connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = ?"
            " AND lower(table_name) = lower(?) AND database_name = current_database()"
            " ORDER BY column_index",
            [self._schema, stream],
        )
        return dict(found.fetchall())

    def _create(self, table: Table, names: list[str]) -> None:
        kinds = [column.kind for column in table.declaration.columns]
        defined = ", ".join(f"{quoted(n)} {k}" for n, k in zip(names, kinds, strict=True))
        self._connection.execute(f"CREATE TABLE {table.qualified} ({defined})")
        table.names, table.kinds = names, kinds

    def _grow(self, table: Table, names: list[str], held: dict[str, str]) -> None:
        table.names = names
        table.kinds = [
            held.get(name, column.kind)
            for name, column in zip(names, table.declaration.columns, strict=True)
        ]
        self._add(table, {n: k for n, k in zip(names, table.kinds, strict=True) if n not in held})
        for number, column in enumerate(table.declaration.columns):
            self._convert(table, number, joined(table.kinds[number], column.kind))

    def _add(self, table: Table, columns: Mapping[str, str]) -> None:
        for name, kind in columns.items():
            self._connection.execute(
                f"ALTER TABLE {table.qualified} ADD COLUMN IF NOT EXISTS {quoted(name)} {kind}"
            )

    def _add_ours(self, table: Table, columns: Mapping[str, str]) -> None:
        """Add columns that the loader fills.

        Raises:
            LoadError: the stream has one of that name itself.
        """
        if own := {name.lower() for name in table.names} & columns.keys():
            msg = (
                f"Stream {table.declaration.stream!r} has a column {min(own)!r} of its own, a name "
                "that the loader needs; rename the column in the tap (`stream_maps`)"
            )
            raise LoadError(msg)
        self._add(table, columns)

    def _convert(self, table: Table, number: int, kind: str) -> None:
        """Give a column another type; text, if a value that is there has no room in it."""
        held, name = table.kinds[number], quoted(table.names[number])
        if held == kind:
            return
        lost = f"SELECT count(*) FROM {table.qualified} WHERE {unconvertible(held, kind, name)}"
        kind = "VARCHAR" if self._number(lost) else kind
        stream = table.declaration.stream
        _LOGGER.warning("%s: column %s becomes %s, was %s", stream, name, kind, held)
        with told(f"Column {table.names[number]!r} of stream {stream!r}, which becomes {kind},"):
            self._connection.execute(
                f"ALTER TABLE {table.qualified} ALTER COLUMN {name} SET DATA TYPE {kind}"
                f" USING {converted(held, kind, name)}"
            )
        table.kinds[number] = kind

    def _note_versions(self, table: Table, facts: Facts) -> None:
        if facts.versioned:
            self._add_ours(table, VERSION)
            self._versioned.add(table.declaration.stream)
        if facts.unversioned:
            self._unversioned.add(table.declaration.stream)

    def _put(self, table: Table, part: Slice, *, repeated: bool, versioned: bool) -> None:
        declaration = table.declaration
        own = added(part) if self._metadata else {}
        if versioned:
            own |= {"_sdc_table_version": "version"}
        cells = {name: f"here.c{n}" for n, name in enumerate(table.names)}
        source = latest(declaration) if repeated else ROWS
        upsert = self._upsert(table, cells | own, source)
        if declaration.content_hash:
            self._nothing_new = self._number(upsert.new(self._span(table))) == 0
            if versioned:
                self._search(upsert.renewed())
            return
        if declaration.key:
            self._search(upsert.cleared())
        self._connection.execute(upsert.all())

    @staticmethod
    def _upsert(table: Table, cells: dict[str, Sql], source: Sql) -> Upsert:
        key = [table.names[table.declaration.index(name)] for name in table.declaration.key]
        return Upsert(table.qualified, cells, tuple(key), source)

    def _span(self, table: Table) -> tuple[str, Any, Any] | None:
        """Return the column of time that rows of one content share, and its ends here."""
        time = table.declaration.time
        number = table.declaration.index(time) if time else -1
        if number < 0 or table.kinds[number] not in {"TIMESTAMP_NS", "TIMESTAMP"}:
            return None
        cell = f"c{number}"
        asked = f"SELECT min({cell})::VARCHAR, max({cell})::VARCHAR, count(*) - count({cell})"
        low, high, empty = self._connection.execute(f"{asked} FROM {ROWS}").fetchone() or (0, 0, 1)
        return None if empty else (quoted(table.names[number]), low, high)

    def _search(self, statement: Sql) -> None:
        """Run what looks through the whole table: on all cores."""
        self._connection.execute("RESET threads")
        self._connection.execute(statement)
        self._connection.execute(ONE_THREAD)

    def _number(self, sql: str) -> int:
        found = self._connection.execute(sql).fetchone()
        return int(found[0]) if found else 0


def latest(declaration: Declaration) -> Sql:
    """Return the rows of the slice without those whose key comes again behind them."""
    key = ", ".join(f"c{declaration.index(name)}" for name in declaration.key)
    return f"(FROM {ROWS} WHERE rowid IN (SELECT max(rowid) FROM {ROWS} GROUP BY {key}))"
