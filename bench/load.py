"""Measures the way from the service's bytes to tables, beside other loaders; writes to the page.

    python -m bench.load [--tables 5] [--rounds 3] [--loaders FOLDER] [--write]

Each answer of 100,000 rows is a stream of its own. Loaders that take hundreds of microseconds a row
get one answer of fewer rows; what they take for a row does not depend on it. Loaders take turns, so
that a slow minute of the machine is slow for all; figures are medians of the rounds.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.contenders import Bench, tap
from bench.loaded import Sum, checksum, expected
from bench.loader_commands import BATCHED, BULK, LOADERS, PLAIN, Loading
from bench.measure import BenchError
from bench.page import Target, put
from bench.server import AUTHORITY

_ROWS: Final = 100_000
_FEW: Final = 20_000
_KIB: Final = 1024
_MIB: Final = 2**20
_MOST_PEAK: Final = 477  # 500 MB
_HEAD: Final = (
    "| loader | rows | | rows per CPU s of the loader | of tap and loader | rows/s by the wall"
    " | peak MiB of the loader |\n| --- | ---: | --- | ---: | ---: | ---: | ---: |"
)


@dataclass(frozen=True, slots=True)
class Timing:
    """A run of tap and loader: processor seconds of each, seconds by the clock, bytes."""

    loader: str
    again: bool
    rows: int
    tap_cpu: float
    loader_cpu: float
    seconds: float
    peak: int

    @property
    def pace(self) -> float:
        """Rows per processor second of the loader."""
        return self.rows / self.loader_cpu

    @property
    def by_the_wall(self) -> float:
        """Rows per second of the clock."""
        return self.rows / self.seconds

    @property
    def share(self) -> float:
        """The part of the cores' time that tap and loader had."""
        return (self.tap_cpu + self.loader_cpu) / self.seconds / (os.cpu_count() or 1)

    def row(self) -> str:
        """Return it as a line of a table."""
        both = self.rows / (self.tap_cpu + self.loader_cpu)
        return (
            f"| {self.loader} | {self.rows:,} | {'read again' if self.again else 'new'}"
            f" | {self.pace:,.0f} | {both:,.0f} | {self.by_the_wall:,.0f}"
            f" | {self.peak / _MIB:.0f} |"
        )


def main() -> None:
    """Measure, print, and write the section if asked to."""
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--tables", type=int, default=5, help="answers of 100,000 rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loaders", type=Path, help="folder of `make loaders`")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    asked = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        with _served(folder) as url:
            bench = Bench(url, folder, None)
            rounds = list(_all(bench, asked.tables, asked.rounds, asked.loaders))
    timings = [_median(runs) for runs in _by_kind(rounds).values()]
    found = (*_targets(rounds), "", _HEAD, *(timing.row() for timing in timings))
    section = "\n".join((*found, "", _said(timings)))
    print(section)
    if asked.write:
        put("load", section, Path("docs"))


def _all(bench: Bench, tables: int, rounds: int, loaders: Path | None) -> Iterator[list[Timing]]:
    """Run every loader that is there twice a round: with new rows, and with the same once more."""
    # in a process of its own: what it needs would count as the peak of each child of this one
    with ProcessPoolExecutor(1, get_context("spawn")) as aside:
        wanted = aside.submit(expected, _ROWS).result()
    for number in range(rounds):
        place = bench.folder / f"round-{number}"
        place.mkdir()
        yield [
            timing
            for name in LOADERS
            # the plain way has no target, and takes as long as all others together
            if (number == 0 if name == PLAIN else loaders or name == BULK)
            for timing in _twice(bench, name, place, tables, loaders, wanted)
        ]
        rmtree(place)


def _twice(
    bench: Bench, name: str, place: Path, tables: int, loaders: Path | None, wanted: Sum
) -> Iterator[Timing]:
    many = name in {BULK, PLAIN}
    names = [f"Answer_{_ROWS}_plain"] * tables if many else [f"Answer_{_FEW}_plain"]
    with LOADERS[name](place / name, loaders) as loading:
        for again in (False, True):
            yield _run(bench, names, loading, name=name, again=again)
        if name == BULK:
            found = checksum(loading.place, len(names))
            if found != [wanted] * tables:
                msg = f"What {name} holds is not what was served: {found}, not {wanted}"
                raise BenchError(msg)


def _by_kind(rounds: Sequence[Sequence[Timing]]) -> dict[tuple[str, bool], list[Timing]]:
    found: dict[tuple[str, bool], list[Timing]] = {}
    for timing in chain.from_iterable(rounds):
        found.setdefault((timing.loader, timing.again), []).append(timing)
    return found


def _median(runs: Sequence[Timing]) -> Timing:
    """Return the runs of a kind as one, each figure the median."""
    figures = ("tap_cpu", "loader_cpu", "seconds", "peak")
    middle = {name: median(getattr(run, name) for run in runs) for name in figures}
    return replace(runs[0], **middle)


def _run(
    bench: Bench, tables: Sequence[str], loading: Loading, *, name: str, again: bool
) -> Timing:
    """Run the tap into a loader.

    Raises:
        BenchError: one of them failed.
    """
    log = bench.folder / "errors.txt"
    started = time.monotonic()
    with log.open("wb") as errors:
        source = subprocess.Popen(
            tap(**loading.tap_settings)(bench, tables),
            stdout=subprocess.PIPE,
            stderr=errors,
            env=bench.environment,
        )
        loader = subprocess.Popen(
            loading.command, stdin=source.stdout, stdout=subprocess.DEVNULL, stderr=errors,
            env={**bench.environment, **loading.environment}, cwd=loading.folder,
        )  # fmt: skip
        if source.stdout:
            source.stdout.close()  # the loader holds the other end
        tap_cpu, _ = _ended(source, log)
        loader_cpu, peak = _ended(loader, log)
    took = time.monotonic() - started
    rows = sum(int(table.split("_")[1]) for table in tables)
    timing = Timing(name, again, rows, tap_cpu, loader_cpu, took, peak)
    print(timing.row(), flush=True)
    return timing


def _ended(process: subprocess.Popen[bytes], log: Path) -> tuple[float, int]:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        msg = f"{process.args!s} ended with {process.returncode}: {log.read_text()[-2000:]}"
        raise BenchError(msg)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB


def _targets(rounds: Sequence[Sequence[Timing]]) -> Iterator[str]:
    """Hold the loader against what it should do, and against others by the rows that are new."""
    kinds = _by_kind(rounds)
    new, again = (_median(kinds[BULK, once_more]) for once_more in (False, True))
    yield "| target-bulk-duckdb | target | measured | met |"
    yield "| --- | --- | ---: | --- |"
    yield Target("new rows by the wall", new.by_the_wall, "at least", 50_000, " rows/s").row()
    yield Target("read again, by the wall", again.by_the_wall, "at least", 70_000, " rows/s").row()
    for told, batched in (("lines", False), ("batches", True)):
        if times := [ratio for run in rounds for ratio in _times(run, batched=batched)]:
            promise = f"CPU, the best loader of {told} over this"
            yield Target(promise, median(times), "at least", 10, "x").row()
    peak = max(new.peak, again.peak) / _MIB
    yield Target("peak memory", peak, "at most", _MOST_PEAK, " MiB").row()


def _times(timings: Sequence[Timing], *, batched: bool) -> Iterator[float]:
    """Yield how many times this loader's pace is that of the best other one of a round."""
    paces = {timing.loader: timing.pace for timing in timings if not timing.again}
    others = [
        pace
        for name, pace in paces.items()
        if name not in {BULK, PLAIN} and (BATCHED in name) is batched
    ]
    if others:
        yield paces[BULK] / max(others)


def _said(timings: Sequence[Timing]) -> str:
    paces = [timing.rows / timing.tap_cpu for timing in timings if timing.rows > _FEW]
    shares = " and ".join(f"{t.share:.0%}" for t in timings if t.loader == BULK)
    return (
        f"The tap by itself made {min(paces):,.0f} to {max(paces):,.0f} rows a CPU second. Tap and "
        f"`{BULK}` had {shares} of the time of {os.cpu_count()} cores, and the server that plays "
        f"Microsoft's part runs on them as well; the machine's load was {os.getloadavg()[1]:.1f}, "
        "so above 3 others took part of the wall. PostgreSQL's own work is not in its loader's "
        "time."
    )


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    tables = [f"Answer_{rows}_plain" for rows in (_ROWS, _FEW)]
    command = [sys.executable, "-m", "bench.server", str(folder), *tables]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip() if server.stdout else ""
        assert (folder / AUTHORITY).exists()
        yield f"https://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
