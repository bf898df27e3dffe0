"""Tables in DuckDB: made, loaded, changed, and seen at a given time.

Each table has a hidden column with the time of visibility. Names carry marks in DuckDB: DuckDB
folds case and Kusto does not.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from hunting_emulator.kql import times
from hunting_emulator.kql.letter_case import Spellings, marked
from hunting_emulator.kql.library.catalog import MACROS, macro_names
from hunting_emulator.kql.rewrite import INGESTED
from hunting_emulator.kql.sql import quote
from hunting_emulator.table_view import TableView
from hunting_emulator.tables import Column, Table
from hunting_emulator.values import DUCKDB_TYPES, cast, wire_text

INGESTION_KEY: Final = "_ingestion_time"
"""The key of a loaded row that says when it became visible."""

_ALWAYS: Final = "1970-01-01 00:00:00.0000000"
_BATCH: Final = 2_000
_FRUGAL: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "2GB",
    "preserve_insertion_order": "false",
}
_AGAIN: Final = 0.1  # seconds between interrupts


@dataclass(frozen=True, slots=True)
class Moment:
    """Rows a query may see: visible by `now`, kept since, and in a span of time.

    All are instants in the form of `times.parse`.
    """

    now: str
    oldest: str
    span: tuple[str, str] | None = None


class Store:
    """The tables of one DuckDB database, in memory or in a file.

    A store `on_disk` keeps its rows in a file of its own, which goes when the store does, and asks
    for little memory.
    """

    def __init__(self, database: str = ":memory:", *, on_disk: bool = False) -> None:
        self._scratch: TemporaryDirectory[str] | None = None
        if on_disk:
            self._scratch = TemporaryDirectory(prefix="hunting-emulator-")
            database = str(Path(self._scratch.name) / "tables.duckdb")
        self._connection = duckdb.connect(database, config=_FRUGAL if on_disk else {})
        self._lock = threading.Lock()
        self._tables: dict[str, Table] = {}
        # making all of a catalog takes three times as long as opening the database
        self._unmade: dict[str, Table] = {}
        self._made: set[str] = set()
        self.version = 0
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        # no query reads a file of this machine, or loads what is not here
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("CREATE SCHEMA IF NOT EXISTS store")
        self._learnt: set[str] = set()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for a single call of a single thread."""
        return self._connection.cursor()

    def execute(self, statement: str, *, seconds: float | None = None) -> duckdb.DuckDBPyConnection:
        """Run a statement on a connection of its own, with the macros that it calls.

        Raises:
            TimeoutError: it took longer than `seconds`.
        """
        self._learn(statement)
        cursor = self.cursor()
        if seconds is None:
            return cursor.execute(statement)
        done = threading.Event()
        watch = threading.Thread(target=_interrupt, args=(cursor, done, seconds), daemon=True)
        watch.start()
        try:
            return cursor.execute(statement)
        except duckdb.InterruptException as error:
            raise TimeoutError from error
        finally:
            done.set()
            watch.join()

    def _learn(self, statement: str) -> None:
        """Make the macros that a statement calls, those first that they call themselves."""
        with self._lock:
            for name in macro_names(statement, self._learnt):
                self._learnt.add(name)
                self._connection.execute(MACROS[name])

    def close(self) -> None:
        """Let go of the database; rows that were on disk for its time alone go with it."""
        self._connection.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables by name."""
        return self._tables

    def shown(self, table_view: TableView) -> Mapping[str, tuple[Column, ...]]:
        """Return the columns of each table that is seen."""
        tables = self._tables.values()
        return {
            table.name: table_view.columns(table) for table in tables if table_view.shows(table)
        }

    def spellings(self, table_view: TableView) -> Spellings:
        """How columns are spelled, over all tables that are seen."""
        return Spellings.of(c.name for columns in self.shown(table_view).values() for c in columns)

    def create(self, table: Table) -> None:
        """Know a table: made in DuckDB once asked for, or adopted from the database file."""
        with self._lock:
            if table.name not in self._made:
                self._unmade[table.name] = table
            self._changed(table)

    def _changed(self, table: Table) -> None:
        self._tables = {**self._tables, table.name: table}
        self.version += 1

    def stored(self, table: str) -> str:
        """Return the SQL name of a table's rows; the table is there from then on."""
        name = f"store.{quote(table)}"
        with self._lock:
            if unmade := self._unmade.get(table):
                self._connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} ({_sql_columns(unmade)})"
                )
                self._made.add(table)
                del self._unmade[table]
        return name

    def target(self, table: Table) -> str:
        """Return the target of an insert: a table's columns in order, the hidden one last."""
        names = [*(quote(marked(column.name)) for column in table.columns), INGESTED]
        return f"{self.stored(table.name)} ({', '.join(names)})"

    def load(self, name: str, rows: Iterable[Mapping[str, object]]) -> int:
        """Add rows of JSON-like values; return the number.

        Raises:
            ValueError: no such table, an unknown column, or a value unfit for the type.
        """
        table = self._tables.get(name)
        if table is None:
            msg = f"No table {name!r}; create it first"
            raise ValueError(msg)
        return sum(self._insert(table, batch) for batch in _batches(rows))

    def _insert(self, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
        given = _given(table, rows)
        types = {marked(c.name): "VARCHAR" for c in given} | {INGESTED: "VARCHAR"}
        chosen = [
            cast(quote(name) if (name := marked(c.name)) in types else "NULL", c.type)
            for c in table.columns
        ]
        chosen.append(f"CAST({INGESTED} AS TIMESTAMP_NS)")
        batch = json.dumps([_texts(table, given, row) for row in rows])
        structure = json.dumps([types]).replace("'", "''")
        sql = (
            f"INSERT INTO {self.target(table)} SELECT {', '.join(chosen)} "  # noqa: S608
            f"FROM (SELECT unnest(from_json(?::JSON, '{structure}'), max_depth := 2))"
        )
        try:
            with self._lock:
                self._connection.execute(sql, [batch])
        except duckdb.Error as error:
            msg = f"Rows for {table.name} do not fit: {str(error).splitlines()[0]}"
            raise ValueError(msg) from error
        return len(rows)

    def alter(
        self,
        name: str,
        *,
        add: Sequence[Column] = (),
        drop: Sequence[str] = (),
        retype: Mapping[str, str] | None = None,
    ) -> None:
        """Change a table's columns, as the service does without notice."""
        table = self._tables[name]
        retyped = retype or {}
        steps = [f"DROP COLUMN {quote(marked(column))}" for column in drop]
        steps += [_retype_step(quote(marked(c)), kind) for c, kind in retyped.items()]
        kept = [
            replace(c, type=retyped.get(c.name, c.type))
            for c in table.columns
            if c.name not in drop
        ]
        changed = replace(table, columns=(*kept, *add))
        steps += [_add_step(marked(c.name), c.type) for c in add]
        stored = self.stored(name)
        with self._lock:
            for step in steps:
                self._connection.execute(f"ALTER TABLE {stored} {step}")
            self._changed(changed)

    def view(self, name: str, moment: Moment, table_view: TableView, *, ingestion: bool) -> str:
        """Return the SELECT for a table at a moment."""
        table = self._tables[name]
        spellings, made = (
            self.spellings(table_view),
            {**table_view.added(table), **table_view.filled(table)},
        )
        chosen = [
            f"{made.get(c.name, quote(marked(c.name)))} AS {quote(spellings.inner(c.name))}"
            for c in table_view.columns(table)
        ]
        hidden = [INGESTED] if ingestion else []
        stored = table_view.stored(table)
        conditions = _conditions(table, moment, table_view)
        if stored not in self._tables:
            stored, conditions = name, ["false"]
        return (
            f"SELECT {', '.join([*chosen, *hidden])} FROM {self.stored(stored)} "  # noqa: S608
            f"WHERE {' AND '.join(conditions)}"
        )


def _sql_columns(table: Table) -> str:
    columns = [f"{quote(marked(c.name))} {DUCKDB_TYPES[c.type]}" for c in table.columns]
    return ", ".join([*columns, f"{INGESTED} TIMESTAMP_NS"])


def _conditions(table: Table, moment: Moment, table_view: TableView) -> list[str]:
    conditions = [f"{INGESTED} <= {times.literal(moment.now)}"]
    if table.time_column is not None:
        time = quote(marked(table.time_column))
        conditions.append(f"({time} >= {times.literal(moment.oldest)} OR {time} IS NULL)")
        if moment.span is not None:
            start, end = map(times.literal, moment.span)
            bounded = INGESTED if table_view.by_ingestion else time
            conditions.append(f"{bounded} BETWEEN {start} AND {end}")
    return conditions


def _interrupt(cursor: duckdb.DuckDBPyConnection, done: threading.Event, seconds: float) -> None:
    """Interrupt what runs after so many seconds; once may come before it has begun."""
    wait = max(0.0, seconds)
    while not done.wait(wait):
        cursor.interrupt()
        wait = _AGAIN


def _batches(
    rows: Iterable[Mapping[str, object]],
) -> Iterator[Sequence[Mapping[str, object]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _given(table: Table, rows: Sequence[Mapping[str, object]]) -> list[Column]:
    """Return the columns that any of the rows names, in the order of the table."""
    named = set().union(*rows) - {INGESTION_KEY}
    unknown = table.unknown(named)
    if unknown:
        msg = f"{table.name} has no column {', '.join(map(repr, unknown))}"
        raise ValueError(msg)
    return [column for column in table.columns if column.name in named]


def _texts(
    table: Table, given: Sequence[Column], row: Mapping[str, object]
) -> dict[str, str | None]:
    texts = {marked(c.name): wire_text(row.get(c.name), c.type) for c in given}
    seen = row.get(INGESTION_KEY) or (row.get(table.time_column) if table.time_column else None)
    return texts | {INGESTED: _ALWAYS if seen is None else wire_text(seen, "datetime")}


def _retype_step(column: str, kind: str) -> str:
    using = cast(f"{column}::VARCHAR", kind)
    return f"ALTER COLUMN {column} SET DATA TYPE {DUCKDB_TYPES[kind]} USING {using}"


def _add_step(column: str, kind: str) -> str:
    default = " DEFAULT ''" if kind == "string" else ""
    return f"ADD COLUMN {quote(column)} {DUCKDB_TYPES[kind]}{default}"
