"""Measures whole runs against the emulator, whose answers take their time; writes to the page.

    python -m bench.latency [--write]

One stream of 1,000,000 rows, and one of forty windows, with 1, 2 and 4 calls in flight. Most of it
is waiting, some ten minutes of it.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench.contenders import environment
from bench.measure import run
from bench.page import put

_TABLE: Final = "DeviceNetworkEvents"
_QUERY: Final = (
    f"{_TABLE}\n| project Timestamp, DeviceId, DeviceName, ActionType, RemoteIP, RemotePort, "
    "InitiatingProcessFileName, ReportId"
)
_ROWS: Final = 1_000_000
_FEW_ROWS: Final = 40_000
_SMALL_CAP: Final = 1000
_PARALLEL: Final = (1, 2, 4)
_LATENCIES: Final = (0, 5)
_COUNTED: Final = re.compile(r'"record_count","value":(\d+)')
#: Above what the runs spend in a minute, so that it is not the quota that is measured.
_QUOTA: Final = 1000


@dataclass(frozen=True, slots=True)
class Timing:
    """What a run came to: seconds by the clock, calls, records, processor time, memory."""

    latency: int
    parallel: int
    seconds: float
    calls: int
    rows: int
    cpu: float
    peak: int

    def row(self, alone: float) -> str:
        """Return it as a line of a table, beside the run with one call at a time."""
        return (
            f"| {self.latency} s | {self.parallel} | {self.calls} | {self.seconds:.0f} s "
            f"| {alone / self.seconds:.1f}x | {self.cpu:.1f} s | {self.peak / 2**20:.0f} MiB |"
        )


@dataclass(frozen=True, slots=True)
class Service:
    """The emulator, in a process of its own: its memory must not be taken for the tap's."""

    place: Mapping[str, Any]
    pipe: Connection

    def calls(self, latency: int) -> int:
        """Set how long an answer takes from now on; return how many calls there have been."""
        self.pipe.send(float(latency))
        calls: int = self.pipe.recv()
        return calls


def _serve(pipe: Connection, rows: int, limits: Mapping[str, Any]) -> None:
    # not in the process that starts the taps: a process's peak begins with that of who started it
    from hunting_emulator import Emulator  # noqa: PLC0415
    from hunting_emulator.data import generate  # noqa: PLC0415

    with Emulator(calls_per_minute=_QUOTA, **limits) as emulator:
        generate(emulator.engine, anchor=datetime.now(UTC), rows=rows, tables={_TABLE: rows})
        place = {key: getattr(emulator, key) for key in ("tenant_id", "client_id", "client_secret")}
        pipe.send({**place, "url": emulator.url, "ca_file": emulator.ca_file})
        for latency in iter(pipe.recv, None):
            emulator.configure(latency_seconds=latency)
            pipe.send(len(emulator.calls))


@contextmanager
def _served(rows: int, **limits: Any) -> Iterator[Service]:  # noqa: ANN401 - the emulator's options
    ours, its = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(its, rows, limits))
    process.start()
    try:
        yield Service(ours.recv(), ours)
    finally:
        ours.send(None)
        process.join()


def _config(place: Mapping[str, Any], parallel: int, row_cap: int) -> dict[str, Any]:
    return {
        "tenant_id": place["tenant_id"],
        "client_id": place["client_id"],
        "client_secret": place["client_secret"],
        "api_url": place["url"],
        "authority_url": place["url"],
        "max_calls_per_minute": _QUOTA,
        "max_rows_per_call": row_cap,
        "max_parallel_calls": parallel,
        "queries": [{"name": "events", "query": _QUERY}],
    }


def _run(service: Service, folder: Path, *, latency: int, parallel: int, row_cap: int) -> Timing:
    config, log = folder / "config.json", folder / "errors.txt"
    config.write_text(json.dumps(_config(service.place, parallel, row_cap)), "utf-8")
    before, began = service.calls(latency), time.monotonic()
    sample = run(
        [sys.executable, "-m", "tap_m365hunting", "--config", str(config)],
        environment(folder, Path(service.place["ca_file"])),
        log,
    )
    seconds = time.monotonic() - began
    rows = sum(map(int, _COUNTED.findall(log.read_text())))
    calls = service.calls(latency) - before
    timing = Timing(latency, parallel, seconds, calls, rows, sample.cpu, sample.peak)
    print(timing, flush=True)
    return timing


def _million(folder: Path) -> list[Timing]:
    with _served(_ROWS) as service:
        return [
            _run(service, folder, latency=latency, parallel=parallel, row_cap=100_000)
            for latency in _LATENCIES
            for parallel in _PARALLEL
        ]


def _windows(folder: Path) -> list[Timing]:
    with _served(_FEW_ROWS, row_cap=_SMALL_CAP) as service:
        return [
            _run(service, folder, latency=_LATENCIES[-1], parallel=parallel, row_cap=_SMALL_CAP)
            for parallel in _PARALLEL
        ]


def _table(timings: list[Timing]) -> Iterator[str]:
    yield "| an answer takes | in flight | calls | run | faster | CPU | peak |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    alone = {timing.latency: timing.seconds for timing in timings if timing.parallel == 1}
    yield from (timing.row(alone[timing.latency]) for timing in timings)


def section(million: list[Timing], windows: list[Timing]) -> str:
    """Return what the page says of runs against a service that takes its time."""
    texts: Mapping[str, list[Timing]] = {
        f"One stream of {million[0].rows:,} rows (eight columns):": million,
        f"{windows[0].rows:,} rows at {_SMALL_CAP:,} a call:": windows,
    }
    parts = [line for text, found in texts.items() for line in ("", text, "", *_table(found))]
    return "\n".join(parts).strip()


def main() -> None:
    """Measure, print, and put it on the page if asked to."""
    parser = argparse.ArgumentParser(prog="bench.latency", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write to docs/performance.md")
    asked = parser.parse_args()
    with TemporaryDirectory() as name:
        found = section(_million(Path(name)), _windows(Path(name)))
    print(found)
    if asked.write:
        put("latency", found, Path("docs"))


if __name__ == "__main__":
    main()
