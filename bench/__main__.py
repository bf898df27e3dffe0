"""Measures everything in one run, and writes docs/performance.md with its picture.

python -m bench [--rounds 5] [--rivals PYTHON] [--write]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.contenders import (
    AIRBYTE,
    BY_HAND,
    COMMANDS,
    CONVENTIONAL,
    CONVENTIONAL_MSGSPEC,
    DLT,
    IMPORTS,
    MAPPED,
    NAMED,
    NEEDS_RIVALS,
    RIGHT,
    SPLICE,
    TAP,
    WITHOUT_IDS,
    Bench,
)
from bench.measure import Series, pin, rounds, run
from bench.page import Results, write

_SIZES: Final = (1, 1_000, 10_000, 100_000)
_LARGE: Final = 100_000
_SHORT: Final = 1_000  # runs that are over before the machine's moods even out
_TEN: Final = 10  # so that a run's start is a small part of it
_MANY: Final = 30
_TABLE: Final = "Answer_{}_{}"
#: What reads an answer of each size; by size, in the order of the table.
_OF_EACH_SIZE: Final = (
    TAP, WITHOUT_IDS, MAPPED, CONVENTIONAL, RIGHT, NAMED, CONVENTIONAL_MSGSPEC, BY_HAND, AIRBYTE,
    DLT, SPLICE,
)  # fmt: skip

#: They take minutes of a run together, and need no such precision.
_SLOW: Final = (MAPPED, CONVENTIONAL_MSGSPEC, BY_HAND, AIRBYTE, DLT)


@contextmanager
def _served(tables: Sequence[str], folder: Path) -> Iterator[str]:
    """Run the server on the last core; yield its URL."""
    command = [sys.executable, "-m", "bench.server", str(folder), *tables]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip() if server.stdout else ""
        yield f"https://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _measured(
    bench: Bench, names: Sequence[str], tables: Sequence[str], count: int
) -> Mapping[str, Series]:
    """Measure who of `names` can be run."""
    able = [name for name in names if bench.rivals or name not in NEEDS_RIVALS]
    log = bench.folder / "errors.txt"
    measured = rounds(
        able,
        lambda name: run(COMMANDS[name](bench, tables), bench.environment, log),
        count=count,
        once=_SLOW,
    )
    for name, series in measured.items():
        took = f"{series.cpu:7.2f} s {series.peak / 2**20:6.0f} MiB"
        print(f"{tables[0]} x{len(tables):<3} {name:40} {took}", flush=True)
    return measured


def _all(bench: Bench, count: int) -> Results:
    sized = {
        rows: _measured(
            bench,
            [*_OF_EACH_SIZE, IMPORTS] if rows == 1 else _OF_EACH_SIZE,
            [_TABLE.format(rows, "plain")],
            count if rows > _SHORT else 3 * count,
        )
        for rows in _SIZES
    }
    formed = {
        form: _measured(bench, [TAP, CONVENTIONAL], [_TABLE.format(_LARGE, form)], 1)
        for form in ("chunked", "gzip")
    }
    large = _TABLE.format(_LARGE, "plain")
    ten = _measured(bench, [TAP, CONVENTIONAL], [large] * _TEN, 1)
    many = _measured(bench, [TAP], [large] * _MANY, 1)[TAP]
    return Results(sized, formed, ten, many, _MANY, count, bench.body(large).stat().st_size)


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rivals", type=Path, help="a Python with dlt and airbyte-cdk")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    asked = parser.parse_args()
    tables = [_TABLE.format(rows, "plain") for rows in _SIZES]
    tables += [_TABLE.format(_LARGE, form) for form in ("chunked", "gzip")]
    with TemporaryDirectory() as name:
        folder = Path(name)
        with _served(tables, folder) as url:
            pin(0)
            results = _all(Bench(url, folder, asked.rivals), asked.rounds)
    page = write(results, Path("docs") if asked.write else None)
    print(page)


if __name__ == "__main__":
    if not hasattr(os, "sched_setaffinity"):
        sys.exit("The benchmark pins processes to cores, which needs Linux")
    main()
