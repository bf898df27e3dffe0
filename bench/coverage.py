"""How long `m365hunting coverage` takes over many windows, and how much memory, by their place.

    python -m bench.coverage [--windows 10000000] [--streams 400] [--places lines,parquet]

Two histories: one run read all windows of each stream, and a run an hour, each of which reads the
hour before again. Lines of JSON stand in a file, and reach the command on standard input. A server
of PostgreSQL has a process of its own, whose time is in the seconds and nowhere else.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, ParamSpec, TypeVar

import duckdb
import psycopg

from tests.loaders.postgres import serving

_P = ParamSpec("_P")
_T = TypeVar("_T")

_BEGIN: Final = datetime(1990, 1, 1, tzinfo=UTC)
_TENANTS: Final = 8
#: One window in about so many is a gap.
_GAP: Final = 997
_MIB: Final = 1 << 20
_SILENT: Final = "SET TimeZone = 'UTC'; SET enable_progress_bar = false"
#: Where windows may lie.
PLACES: Final = ("lines", "duckdb", "parquet", "postgresql")
_COLUMNS: Final = {
    "run_id": "VARCHAR",
    "stream": "VARCHAR",
    "tenant_id": "VARCHAR",
    "window_start": "TIMESTAMP_NS",
    "window_end": "TIMESTAMP_NS",
    "status": "VARCHAR",
    **dict.fromkeys(("rows", "expected_rows", "late_rows", "calls", "splits", "retries"), "BIGINT"),
    "wait_seconds": "DOUBLE",
    "seconds": "DOUBLE",
    "message": "VARCHAR",
    "finished_at": "TIMESTAMP_NS",
}
_LINE: Final = (
    '{{"type":"RECORD","stream":"hunting_windows","record":{{"run_id":"<run>",'
    '"stream":"stream_{stream:03}","tenant_id":"aaaabbbb-0000-cccc-1111-dddd{tenant:08x}",'
    '"window_start":"{start}","window_end":"{end}","status":"{status}","rows":{rows},'
    '"expected_rows":null,"late_rows":{late},"calls":1,"splits":0,"retries":0,'
    '"wait_seconds":0.0,"seconds":1.532,"message":{message},"finished_at":"{finished}"}},'
    '"time_extracted":"2026-03-01T00:00:00.000000+00:00"}}\n'
)


class Cost(NamedTuple):
    """One run of the command."""

    seconds: float
    cpu: float
    #: Bytes.
    peak: int


def blocks(windows: int, streams: int, *, hourly: bool) -> Iterator[str]:
    """Yield the lines of an hour at a time: a window of each stream."""
    complete, gaps = (
        [_line(stream, gap=gap, hourly=hourly) for stream in range(streams)]
        for gap in (False, True)
    )
    for hour in range(windows // streams):
        parts = complete.copy()
        for stream in range(hour % _GAP, streams, _GAP):
            parts[stream] = gaps[stream]
        now = _BEGIN + timedelta(hours=hour)
        moments = {
            "<run>": f"{hour * hourly:032x}",
            "<start>": f"{now - timedelta(hours=hourly):%Y-%m-%dT%H}",
            "<end>": f"{now + timedelta(hours=1):%Y-%m-%dT%H}",
            # no two runs read up to the same part of an hour
            "<part>": f"{hour * hourly % 60:02}",
        }
        text = "".join(parts)
        for mark, value in moments.items():
            text = text.replace(mark, value)
        yield text


def _line(stream: int, *, gap: bool, hourly: bool) -> str:
    """Return a stream's line with marks in place of run and hours."""
    part = f"{stream * 2310:06}0Z"
    return _LINE.format(
        stream=stream // _TENANTS,
        tenant=stream % _TENANTS,
        start=f"<start>:00:00.{part}",
        end=f"<end>:00:{'<part>' if hourly else '00'}.{part}",
        status="gap_unreadable" if gap else "complete",
        rows=stream,
        late=stream % 3 or "null",
        message='"The service timed out for the narrowest window"' if gap else "null",
        finished=f"<end>:01:10.{stream * 97:06}0Z",
    )


def cost(source: str, folder: Path, given: Path | None = None) -> Cost:
    """Run the command over a source; its report goes into the folder.

    Lines of JSON are the `given` file on standard input.
    """
    command = [str(Path(sys.executable).with_name("m365hunting")), "coverage", source]
    out = os.open(folder / "report.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with (given or Path(os.devnull)).open("rb") as lines:
        started = time.perf_counter()
        child = os.posix_spawn(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, lines.fileno(), 0),
                (os.POSIX_SPAWN_DUP2, out, 1),
            ],
        )
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - started
    os.close(out)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def loaded(lines: Path, folder: Path) -> Path:
    """Load the lines into a DuckDB file, as `target-bulk-duckdb` has the columns."""
    file = folder / "windows.duckdb"
    file.unlink(missing_ok=True)
    record = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    rows = f"read_json(?, format = 'newline_delimited', columns = {{record: 'STRUCT({record})'}})"
    with closing(duckdb.connect(file)) as sql:
        sql.execute(_SILENT)
        made = f"CREATE TABLE hunting_windows AS SELECT record.* FROM {rows}"  # noqa: S608 - our own
        sql.execute(made, [str(lines)])
    return file


def parquet(file: Path, folder: Path) -> Path:
    """Write the table of a DuckDB file as Parquet."""
    target = folder / "hunting_windows.parquet"
    with closing(duckdb.connect(file, read_only=True)) as sql:
        sql.execute(_SILENT)
        sql.execute(f"COPY hunting_windows TO '{target}' (FORMAT parquet)")
    return target


def in_postgresql(file: Path, folder: Path, url: str) -> None:
    """Copy the table of a DuckDB file into a server."""
    rows = folder / "windows.csv"
    with closing(duckdb.connect(file, read_only=True)) as sql:
        sql.execute(_SILENT)
        sql.execute(f"COPY hunting_windows TO '{rows}' (FORMAT csv, HEADER false)")
    kinds = {"TIMESTAMP_NS": "TIMESTAMP", "VARCHAR": "TEXT", "DOUBLE": "FLOAT8"}
    columns = ", ".join(f"{name} {kinds.get(kind, kind)}" for name, kind in _COLUMNS.items())
    with psycopg.connect(url) as connection, rows.open("rb") as text:
        connection.execute("DROP TABLE IF EXISTS hunting_windows")
        connection.execute(f"CREATE TABLE hunting_windows ({columns})".encode())
        with connection.cursor().copy("COPY hunting_windows FROM STDIN (FORMAT csv)") as copy:
            while block := text.read(_MIB):
                copy.write(block)
    rows.unlink()


def costs(lines: Path, folder: Path, places: Collection[str]) -> Iterator[tuple[str, Cost]]:
    """Yield what the command takes for the windows of some lines, at each place.

    Tables are made by a process that has ended when the command runs: a command's peak begins with
    that of the process which has started it.
    """
    if "lines" in places:
        yield "lines of JSON", cost("-", folder, lines)
    if places == {"lines"}:
        return
    file = _made(loaded, lines, folder)
    if "duckdb" in places:
        yield "DuckDB", cost(str(file), folder)
    if "parquet" in places:
        yield "Parquet", cost(str(_made(parquet, file, folder)), folder)
    if "postgresql" in places:
        with serving() as server:
            url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
            _made(in_postgresql, file, folder, url)
            yield "PostgreSQL", cost(url, folder)


def _made(make: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(make, *arguments, **named).result()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=10_000_000)
    parser.add_argument("--streams", type=int, default=400)
    parser.add_argument("--places", default=",".join(PLACES), help="some of %(default)s")
    given = parser.parse_args(arguments)
    places = set(given.places.split(","))
    if unknown := places - set(PLACES):
        parser.error(f"no place is called {', '.join(sorted(unknown))}")
    print("| windows | place | seconds | processor seconds | memory |")
    print("| --- | --- | ---: | ---: | ---: |")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for hourly, history in ((False, "one run"), (True, "a run an hour, with a lookback")):
            file = folder / "windows.jsonl"
            with file.open("w", encoding="utf-8") as out:
                out.writelines(blocks(given.windows, given.streams, hourly=hourly))
            for place, took in costs(file, folder, places):
                figures = f"{took.seconds:.0f} | {took.cpu:.0f} | {took.peak // _MIB} MB"
                print(f"| {history} | {place} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
