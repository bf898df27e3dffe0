"""Runs KQL over tables, as the service would at a given time.

Answers have columns of Kusto's types and rows of plain values; the wire's form is made elsewhere,
in `encoding`.
"""

import atexit
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Final

import duckdb

from hunting_emulator.deadline import Deadline
from hunting_emulator.kql import diagnose, sql, times
from hunting_emulator.kql.errors import (
    KqlError,
    KqlSemanticError,
    KqlSyntaxError,
    KqlUnsupportedError,
)
from hunting_emulator.kql.part_translator import Described
from hunting_emulator.kql.translate import Statement, Translation, Translator
from hunting_emulator.parser.judge import Judge, Parser, parser, start_v8
from hunting_emulator.reading import Reader
from hunting_emulator.store import Moment, Store
from hunting_emulator.table_view import TableView
from hunting_emulator.tables import CATALOG, SENTINEL, Column, Table

__all__ = [
    "Engine",
    "KqlError",
    "KqlSemanticError",
    "KqlSyntaxError",
    "KqlUnsupportedError",
    "Result",
]

Row = tuple[object, ...]
_BATCH: Final = 2_000
_READERS: Final = 8
_ANY: Final = Moment("2000-01-01 00:00:00", "2000-01-01 00:00:00")
_DEFENDER_ALONE: Final = TableView()


@dataclass(frozen=True, slots=True)
class Result:
    """An answer. `cpu_seconds` is what the process spent on it until the first row was ready.

    Values by type: string `str`, never `None`; bool `bool`; int and long `int`; real `float`;
    datetime text `YYYY-MM-DDThh:mm:ss.fffffffZ`; timespan Kusto's text `[d.]hh:mm:ss[.fffffff]`;
    guid and decimal text; dynamic its JSON text. Missing is `None`, but for strings.
    """

    columns: tuple[Column, ...]
    cpu_seconds: float
    _cursor: duckdb.DuckDBPyConnection
    deadline: Deadline

    def batches(self, size: int = _BATCH) -> Iterator[list[Row]]:
        """Yield the rows in lists of at most `size`, once.

        Raises:
            TimeoutError: the query's time is over.
        """
        while batch := self._cursor.fetchmany(size):
            self.deadline.check()
            yield batch

    def rows(self) -> Iterator[Row]:
        """Yield the rows, once."""
        for batch in self.batches():
            yield from batch


class Engine:
    """The tables of a tenant, in memory or in a DuckDB file, and the queries over them.

    Threads may share it. Where Microsoft's parser is at hand, it decides which texts are KQL, and
    the names and types of the columns of a result. `externals` are the texts that `externaldata`
    finds, by URL.
    """

    def __init__(
        self,
        database: str = ":memory:",
        *,
        tables: Iterable[Table] = (*CATALOG.values(), *SENTINEL.values()),
        cpu: Callable[[], float] = time.process_time,
        asked: Callable[[], Parser | None] = parser,
        on_disk: bool = False,
        externals: Mapping[str, str] | None = None,
    ) -> None:
        start_v8()
        self._store = Store(database, on_disk=on_disk)
        self._cpu = cpu
        self._externals = externals or {}
        self._asked = asked
        self._lock = threading.Lock()
        self._reader: tuple[object, Reader] | None = None
        for table in tables:
            self._store.create(table)

    @property
    def store(self) -> Store:
        """The tables in DuckDB, for making rows in bulk."""
        return self._store

    @property
    def tables(self) -> Mapping[str, Table]:
        """The tables by name, at present."""
        return self._store.tables

    def create(self, table: Table) -> None:
        """Make a table of any columns."""
        self._store.create(table)

    def load(self, table: str, rows: Iterable[Mapping[str, object]]) -> int:
        """Add rows of JSON-like values; return the number.

        `_ingestion_time` in a row is the time of visibility: else the row's own time, else always.

        Raises:
            ValueError: no such table, an unknown column, or a value unfit for the type.
        """
        return self._store.load(table, rows)

    def alter(
        self,
        table: str,
        *,
        add: Sequence[Column] = (),
        drop: Sequence[str] = (),
        retype: Mapping[str, str] | None = None,
    ) -> None:
        """Change a table's columns, as the service does without notice."""
        self._store.alter(table, add=add, drop=drop, retype=retype)

    def close(self) -> None:
        """Close the database; a file keeps the tables."""
        self._store.close()

    def run(
        self,
        kql: str,
        *,
        now: str | datetime,
        span: tuple[str | datetime, str | datetime] | None = None,
        retention_days: int = 30,
        row_cap: int | None = None,
        table_view: TableView = _DEFENDER_ALONE,
        seconds: float | None = None,
    ) -> Result:
        """Answer a query as of `now`; rows above the cap are dropped without a word.

        `span` bounds every table that has a time, both ends included. `table_view` says which
        tables there are; without one, those of Defender XDR are.

        Raises:
            KqlSyntaxError, KqlSemanticError: the service would refuse the query, too.
            KqlUnsupportedError: the emulator cannot run it.
            TimeoutError: it took longer than `seconds` of the wall's time.
        """
        started = self._cpu()
        deadline = Deadline(seconds)
        at = times.of(now)
        moment = Moment(
            at,
            times.minus_days(at, retention_days),
            None if span is None else (times.of(span[0]), times.of(span[1])),
        )
        reader = self._current_reader(table_view)
        views = _Views(self._store, moment, table_view)
        ask = partial(views.rows, at, deadline)
        reading = deadline.kept(partial(reader.read, kql, ask, deadline))
        asked = views.under(reading.statement.filled(at), reading.statement.translation)
        try:
            shaped = sql.shaped(asked, reading.chosen, row_cap)
            cursor = self._store.execute(shaped, seconds=deadline.left)
        except duckdb.Error as error:
            raise reader.told(diagnose.database(kql, str(error)), kql) from error
        return Result(reading.columns, self._cpu() - started, cursor, deadline)

    def _current_reader(self, table_view: TableView) -> Reader:
        with self._lock:
            version = self._store.version, table_view.schema
            if self._reader is None or self._reader[0] != version:
                externals = tuple(self._externals.items())
                tables = tuple(self._store.tables.values())
                self._reader = (
                    version,
                    _reader_of(tables, table_view.schema, externals, self._asked()),
                )
            return self._reader[1]


@lru_cache(maxsize=_READERS)
def _reader_of(
    tables: tuple[Table, ...],
    seen: tuple[frozenset[str], bool],
    externals: tuple[tuple[str, str], ...],
    asked: Parser | None,
) -> Reader:
    """Return the reader for these tables, whose rows it never sees: one for all such tenants."""
    without, connected = seen
    table_view = TableView(without=without, primary="" if connected else None)
    store = Store()
    for table in tables:
        store.create(table)
    shown, spellings = store.shown(table_view), store.spellings(table_view)
    schema = {
        name: tuple(spellings.inner(column.name) for column in columns)
        for name, columns in shown.items()
    }
    described = _Views(store, _ANY, table_view).described
    translator = Translator(schema, spellings, described, dict(externals))
    if asked is None:
        return Reader(translator, None)
    known = {name: [(c.name, c.type) for c in columns] for name, columns in shown.items()}
    return Reader(translator, Judge(asked, known))


# its databases are let go of while DuckDB is still there
atexit.register(_reader_of.cache_clear)


@dataclass(frozen=True, slots=True)
class _Views:
    """The tables at a moment, to put under statements."""

    store: Store
    moment: Moment
    table_view: TableView

    def under(self, query: str, translation: Translation) -> str:
        """Return the statement with the tables in front."""
        views = {
            name: self.store.view(
                name, self._kept(name), self.table_view, ingestion=translation.ingestion
            )
            for name in sorted(translation.reads)
        }
        return sql.with_tables(query, views)

    def described(self, translation: Translation, deadline: Deadline) -> Described:
        """Return the names and DuckDB types of the columns of a translation."""
        asked = self.under(sql.unfilled(translation.sql), translation)
        with deadline.held():
            described = self.store.execute(f"DESCRIBE {asked}", seconds=deadline.left)
            return [(name, kind) for name, kind, *_ in described.fetchall()]

    def rows(self, now: str, deadline: Deadline, statement: Statement) -> Sequence[Row]:
        """Return the rows of a part of a query."""
        asked = self.under(statement.filled(now), statement.translation)
        with deadline.held():
            return self.store.execute(asked, seconds=deadline.left).fetchall()

    def _kept(self, table: str) -> Moment:
        days = self.table_view.kept_days.get(table)
        if days is None:
            return self.moment
        return replace(self.moment, oldest=times.minus_days(self.moment.now, days))
