"""The same windows give the same report, wherever they were loaded."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
import sqlalchemy as sa

from tap_m365hunting.coverage_report.report import CoverageReport
from tap_m365hunting.coverage_report.sources import read
from tap_m365hunting.instants import Instant
from tests.coverage_report.histories import history, plain, window
from tests.coverage_report.test_command import run
from tests.loaders.postgres import serving

HISTORIES = 1000
NOW = Instant.parse("2026-12-01T00:00:00Z")
_NUMBERS = "rows BIGINT, late_rows BIGINT, calls BIGINT, retries BIGINT, wait_seconds FLOAT8"
_TABLE = (
    "CREATE TABLE {name} (run_id TEXT, stream TEXT, tenant_id {tenant}, window_start {time},"
    " window_end {time}, status TEXT, " + _NUMBERS + ", message TEXT, finished_at {time})"
)
_NAMES = ("run_id", "stream", "tenant_id", "window_start", "window_end", "status", "rows",
          "late_rows", "calls", "retries", "wait_seconds", "message", "finished_at")  # fmt: skip


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All histories in one file, each with streams of its own."""
    rows = [
        row | {"stream": f"{seed} {row['stream']}"}
        for seed in range(HISTORIES)
        for row in history(seed)
    ]
    rows.append(window(0, 9, window_start="0001-01-01T00:00:00.0000000Z", stream="a table"))
    file = tmp_path_factory.mktemp("histories") / "hunting_windows.jsonl"
    file.write_bytes(plain(rows))
    return file


@pytest.fixture(scope="module")
def expected(lines: Path) -> dict[str, object]:
    """The report of these lines, which test_figures.py holds against SQL."""
    return reported(str(lines))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A server on loopback."""
    with serving() as server:
        yield f"postgresql://postgres@127.0.0.1:{server.port}/postgres"


def reported(*sources: str, table: str = "hunting_windows") -> dict[str, object]:
    """Return a report as JSON has it."""
    tallies = read(sources, table=table)
    return CoverageReport.of(tallies, now=NOW, stale_after_minutes=60).to_json()


def values(lines: Path) -> list[tuple[Any, ...]]:
    """Return the rows as tuples in the order of the table's columns."""
    rows = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    return [tuple(row[name] for name in _NAMES) for row in rows]


def in_duckdb(
    file: Path, lines: Path, *, time: str, tenant: str = "TEXT", schema: str = "main"
) -> None:
    """Load the lines into a DuckDB file, with columns of these types."""
    table = _TABLE.format(name=f"{schema}.hunting_windows", time=time, tenant=tenant)
    if time == "TIMESTAMP_NS":
        # as `target-bulk-duckdb` writes the first instant of the calendar
        shown = f"replace({{}}, '0001-01-01T00:00:00.0000000Z', '-infinity')::{time}"
    else:
        shown = f"{{}}::{time}"
    times = ("window_start", "window_end", "finished_at")
    columns = ", ".join(shown.format(name) if name in times else name for name in _NAMES)
    given = ", ".join(f"{name}: 'VARCHAR'" for name in _NAMES)
    rows = f"read_json(?, format = 'newline_delimited', columns = {{{given}}})"
    with closing(duckdb.connect(file)) as sql:
        sql.execute(f"SET TimeZone = 'UTC'; CREATE SCHEMA IF NOT EXISTS {schema}; {table}")
        insert = f"INSERT INTO {schema}.hunting_windows SELECT {columns} FROM {rows}"  # noqa: S608 - our own
        sql.execute(insert, [str(lines)])


def in_postgres(url: str, lines: Path, *, time: str, schema: str) -> None:
    """Load the lines into a schema of a server, anew."""
    engine = sa.create_engine(url)
    table = f"{schema}.hunting_windows"
    with engine.begin() as sql:
        sql.execute(sa.text(f"SET TIME ZONE 'UTC'; CREATE SCHEMA IF NOT EXISTS {schema}"))
        sql.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
        sql.execute(sa.text(_TABLE.format(name=table, time=time, tenant="TEXT")))
        driver = sql.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        with driver.cursor().copy(f"COPY {table} FROM STDIN") as rows:
            for row in values(lines):
                rows.write_row(row)
    engine.dispose()


def _parquet(folder: Path, lines: Path) -> str:
    in_duckdb(folder / "w.duckdb", lines, time="TIMESTAMP_NS")
    target = folder / "lake"
    with closing(duckdb.connect(folder / "w.duckdb", read_only=True)) as sql:
        copied = "COPY (SELECT *, calls % 3 AS day FROM hunting_windows)"
        sql.execute(f"{copied} TO '{target}' (FORMAT parquet, PARTITION_BY (day))")
    return str(target)


def _nanoseconds(folder: Path, lines: Path) -> str:
    in_duckdb(folder / "w.duckdb", lines, time="TIMESTAMP_NS")
    return str(folder / "w.duckdb")


def _zoned(folder: Path, lines: Path) -> str:
    in_duckdb(folder / "any.name", lines, time="TIMESTAMPTZ", tenant="UUID", schema="hunting")
    return str(folder / "any.name")


def _text(folder: Path, lines: Path) -> str:
    in_duckdb(folder / "w.db", lines, time="VARCHAR")
    return str(folder / "w.db")


def _sqlite(folder: Path, lines: Path) -> str:
    file = folder / "w.sqlite"
    with closing(sqlite3.connect(file)) as sql:
        sql.execute(_TABLE.format(name="hunting_windows", time="TEXT", tenant="TEXT"))
        marks = ", ".join("?" * len(_NAMES))
        sql.executemany(f"INSERT INTO hunting_windows VALUES ({marks})", values(lines))  # noqa: S608 - our own
        sql.commit()
    return str(file)


@pytest.mark.parametrize(
    "load", [_parquet, _nanoseconds, _zoned, _text, _sqlite], ids=lambda load: load.__name__[1:]
)
def test_files_give_the_report_of_the_lines(
    load: Callable[[Path, Path], str], lines: Path, expected: dict[str, object], tmp_path: Path
) -> None:
    """A thousand histories, in each form that loaders leave."""
    assert reported(load(tmp_path, lines)) == expected


@pytest.mark.parametrize("time", ["TIMESTAMPTZ", "TIMESTAMP"])
def test_postgresql_gives_the_report_of_the_lines(
    time: str, lines: Path, expected: dict[str, object], postgres: str
) -> None:
    """The server reduces the windows, with or without a time zone in the column."""
    in_postgres(postgres, lines, time=time, schema=f"of_{time.lower()}")

    assert reported(postgres, table=f"of_{time.lower()}.hunting_windows") == expected


def test_lake_of_many_streams_is_read_for_its_windows(lines: Path, tmp_path: Path) -> None:
    """A loader of Parquet has a folder for each stream."""
    lake = tmp_path / "streams"
    (lake / "alerts").mkdir(parents=True)
    Path(_parquet(tmp_path, lines)).rename(lake / "hunting_windows")
    with closing(duckdb.connect()) as sql:
        sql.execute(f"COPY (SELECT 1 AS n) TO '{lake / 'alerts' / 'a.parquet'}' (FORMAT parquet)")

    assert reported(str(lake)) == reported(str(lake / "hunting_windows"))


def test_rows_loaded_twice_count_once(lines: Path, tmp_path: Path) -> None:
    """Two DuckDB files with the same rows, of columns with other types."""
    in_duckdb(tmp_path / "a.duckdb", lines, time="TIMESTAMP")
    in_duckdb(tmp_path / "b.duckdb", lines, time="TIMESTAMPTZ")

    both = reported(str(tmp_path / "a.duckdb"), str(tmp_path / "b.duckdb"))

    assert both == reported(str(tmp_path / "a.duckdb"))


def test_table_of_an_earlier_version_needs_no_new_column(tmp_path: Path, postgres: str) -> None:
    """A column that is missing is a sum of nothing."""
    columns = (
        "run_id TEXT, stream TEXT, tenant_id TEXT, window_start TIMESTAMP, window_end TIMESTAMP,"
        " status TEXT"
    )
    row = "('1', 'a:b', 't', '2026-03-01', '2026-03-02', 'gap_unreadable')"
    with closing(duckdb.connect(tmp_path / "w.duckdb")) as sql:
        sql.execute(f"CREATE TABLE hunting_windows ({columns})")
        sql.execute(f"INSERT INTO hunting_windows VALUES {row}")  # noqa: S608 - our own
    engine = sa.create_engine(postgres)
    with engine.begin() as server:
        server.execute(sa.text(f"CREATE TABLE earlier ({columns})"))
        server.exec_driver_sql(f"INSERT INTO earlier VALUES {row}")  # noqa: S608 - our own
    engine.dispose()

    found = reported(str(tmp_path / "w.duckdb"))

    assert found == reported(postgres, table="earlier")
    assert found["gaps"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["w.duckdb"], "w.duckdb: one table hunting_windows was expected", id="duckdb"),
        pytest.param(["w.duckdb", "--table", "a.b"], "one table a.b was expected", id="schema"),
        pytest.param(["w.duckdb", "--table", "other"], "no column run_id, stream", id="columns"),
        pytest.param(["none*.parquet"], "No files found", id="no parquet"),
        pytest.param(["broken.parquet"], "broken.parquet: ", id="no parquet in it"),
        pytest.param(["w.sqlite"], "there is no table hunting_windows", id="sqlite"),
        pytest.param(["nosuch://host/db"], "driver is not installed", id="driver"),
        pytest.param(["postgresql://u:hidden@127.0.0.1:1/db"], "//127.0.0.1:1/db: ", id="server"),
        pytest.param(["postgresql://hidden1@127.0.0.1:1/db"], "//127.0.0.1:1/db: ", id="user"),
        pytest.param(["postgresql://u:hidden@h:port/db"], "a database (postgresql): ", id="port"),
        pytest.param(["postgresql://u:p@hidden@h/db"], "a database (postgresql): ", id="at"),
        pytest.param(["postgresql://127.0.0.1:1/db?password=hidden"], "/db: ", id="password"),
        pytest.param(["postgresql://127.0.0.1:1/db?sslmode=x&sslpassword=hid%64en"], "/db: ",
                     id="option"),
        pytest.param(["postgresql://127.0.0.1:1/db?hidden1=1"], "/db: ", id="no option"),
        pytest.param(["sqlite:///w.sqlite?token=hidden"], "sqlite:///w.sqlite: ", id="sqlite url"),
        pytest.param(["postgresql//u:hidden@h/db"], "(not shown, ", id="no scheme"),
        pytest.param(["hidden1"], "(not shown, ", id="no name"),
        pytest.param(["hidden1" * 80], "(not shown, ", id="long"),
        pytest.param(["://"], "Could not parse", id="no URL"),
    ],
)  # fmt: skip
def test_unusable_source_is_named_and_its_password_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], message: str
) -> None:
    """One line, no traceback, status 1."""
    monkeypatch.chdir(tmp_path)
    with closing(duckdb.connect("w.duckdb")) as sql:
        sql.execute("CREATE TABLE other (n INTEGER)")
    with closing(sqlite3.connect("w.sqlite")) as lite:
        lite.execute("CREATE TABLE other (n INTEGER)")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")

    found = run(*arguments)

    assert (found.exit_code, found.stdout) == (1, "")
    assert message in found.stderr
    assert "hidden" not in found.stderr


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        pytest.param("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "after its", id="backwards"),
        pytest.param("noon", "2026-03-01T00:00:00Z", "noon", id="no time"),
        pytest.param(None, "2026-03-01T00:00:00Z", "no time", id="null"),
    ],
)
@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_row_that_is_no_window_is_told_of(
    tmp_path: Path, kind: str, start: str | None, end: str, message: str
) -> None:
    """The database hides no broken row among its sums."""
    file = tmp_path / "w"
    table = _TABLE.format(name="hunting_windows", time="TEXT", tenant="TEXT")
    row = [window(0, 1, window_start=start, window_end=end, run_id="2")[name] for name in _NAMES]
    marks = ", ".join("?" * len(_NAMES))
    with closing(duckdb.connect(file) if kind == "duckdb" else sqlite3.connect(file)) as sql:
        sql.execute("BEGIN")
        sql.execute(table)
        sql.execute(f"INSERT INTO hunting_windows VALUES ({marks})", row)  # noqa: S608 - our own
        sql.commit()

    found = run(file)

    assert (found.exit_code, found.stdout) == (1, "")
    assert message in found.stderr
    assert str(file) in found.stderr.replace("\n", "")


@pytest.mark.parametrize("column", ["window_start", "window_end"])
def test_window_without_a_time_in_a_column_of_times_is_told_of(tmp_path: Path, column: str) -> None:
    """An order of times has no place for it; it is told of all the same."""
    file = tmp_path / "w.duckdb"
    with closing(duckdb.connect(file)) as sql:
        sql.execute(_TABLE.format(name="hunting_windows", time="TIMESTAMP_NS", tenant="TEXT"))
        rows = [window(5, 6), window(0, 1) | {column: None}]
        sql.executemany(
            f"INSERT INTO hunting_windows VALUES ({', '.join('?' * len(_NAMES))})",  # noqa: S608 - our own
            [[row[name] for name in _NAMES] for row in rows],
        )

    found = run(file)

    assert (found.exit_code, found.stdout) == (1, "")
    assert "lacks a time" in found.stderr


@pytest.mark.parametrize("place", ["duckdb", "parquet", "postgresql"])
def test_windows_that_overlap_come_out_of_a_database_as_one_span(
    tmp_path: Path, postgres: str, place: str
) -> None:
    """However many runs read an hour again, two bounds leave the database, not two a run."""
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(plain([window(n, n + 2, run_id=str(n)) for n in range(500) if n % 100]))
    table = "hunting_windows"
    if place == "postgresql":
        table, source = "overlap.hunting_windows", postgres
        in_postgres(postgres, lines, time="TIMESTAMPTZ", schema="overlap")
    else:
        source = (_nanoseconds if place == "duckdb" else _parquet)(tmp_path, lines)

    [(_, tally)] = read([source], table=table).items()

    assert len(tally.bounds()) == 2
    assert tally.sums.windows == 495


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_odd_names_and_a_status_that_is_null_are_read(tmp_path: Path, kind: str) -> None:
    """A table may be called anything; a window without a status is not complete."""
    file = tmp_path / "w"
    name = '"win :dows ""of"" it"'
    rows = [window(0, 5), window(5, 6, run_id="2") | {"status": None}]
    marks = ", ".join("?" * len(_NAMES))
    with closing(duckdb.connect(file) if kind == "duckdb" else sqlite3.connect(file)) as sql:
        sql.execute("BEGIN")
        sql.execute(_TABLE.format(name=name, time="TEXT", tenant="TEXT"))
        for row in rows:
            sql.execute(f"INSERT INTO {name} VALUES ({marks})", [row[key] for key in _NAMES])  # noqa: S608 - our own
        sql.commit()

    found = reported(str(file), table='win :dows "of" it')

    assert found["gaps"] == 1
    assert "unknown" in json.dumps(found)


def test_without_duckdb_lines_are_read_and_parquet_is_told_of(
    lines: Path, expected: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is needed where it is used."""
    (tmp_path / "w.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "duckdb", None)

    assert reported(str(lines)) == expected
    assert "pip install 'tap-m365hunting[duckdb]'" in run(tmp_path / "w.parquet").stderr
