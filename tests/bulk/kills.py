"""A tap that can be killed at any byte, and a loader that can be killed at any time."""

import json
import multiprocessing
import os
import random
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import duckdb

from bulk_loader.errors import LoadError
from bulk_loader.intake import reader
from bulk_loader.loading import load
from bulk_loader.settings import Settings
from tests.bulk.loads import hashed, line, record, schema, state

ROWS: Final = 6_000
#: Rows that each run reads again, as a lookback does.
_AGAIN: Final = 150
_EVERY: Final = 400
_MOST_BYTES: Final = 500_000
_ABOUT: Final = (
    schema("hashed", {"id": hashed(), "n": "whole", "text": "text"}, "id"),
    schema("keyed", {"id": "whole", "text": "text", "bag": "nested"}, "id"),
)
_FORKS: Final = multiprocessing.get_context("forkserver")


def lines(start: int) -> Iterator[bytes]:
    """Yield what the tap writes from a state on: rows of two streams, and states."""
    yield from map(line, _ABOUT)
    for n in range(max(0, start - _AGAIN), ROWS):
        text = f"row {n} " + "é\n" * (n % 40)
        yield line(record("hashed", {"id": f"{n:032x}", "n": n, "text": text}))
        yield line(record("keyed", {"id": n, "text": text, "bag": {"n": [n]}}))
        if (n + 1) % _EVERY == 0:
            yield line(state(n + 1))
    yield line(state(ROWS))


def run(database: Path, lines_in: int, states_out: int) -> None:
    """Load in a process that may be killed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    def emit(told: bytes) -> None:
        os.write(states_out, told + b"\n")

    with suppress(LoadError):  # a line that is cut
        load(Settings(database=database), reader(lines_in), emit, commit_bytes=60_000)


@dataclass(kw_only=True)
class Backfills(ABC):
    """Loads all rows again and again, each time killed and resumed until it gets to the end."""

    folder: Path
    draw: random.Random
    of_tap: int = 0
    of_loader: int = 0
    ended: int = 0
    wrong: list[str] = field(default_factory=list)

    def until(self, kills: int) -> str:
        """Backfill until so many kills were made; return the figures of it."""
        while self.of_tap + self.of_loader < kills:
            self.backfill(self.draw.randrange(1, 12))
        return (
            f"{self.of_tap} kills of the tap and {self.of_loader} of the loader over "
            f"{self.ended} backfills"
        )

    @abstractmethod
    def backfill(self, most: int) -> None:
        """Load all rows into a new database, killed on the way so many times at most."""


@dataclass(kw_only=True)
class Kills(Backfills):
    """A tap of few lines, and the loader behind it."""

    def backfill(self, most: int) -> None:
        """Resume after so many kills, then run to the end."""
        database = self.folder / f"{self.ended}.duckdb"
        at = 0
        for _ in range(most):
            at = max(at, self._killed(database, at))
        at = max(at, self._run(database, at, None, kill=False))
        self.ended += 1
        self._check(database, at)

    def _killed(self, database: Path, at: int) -> int:
        tap = self.of_tap <= self.of_loader
        self.of_tap, self.of_loader = self.of_tap + tap, self.of_loader + (not tap)
        return self._run(database, at, self.draw.randrange(_MOST_BYTES), kill=not tap)

    def _run(self, database: Path, at: int, most: int | None, *, kill: bool) -> int:
        """Write up to so many bytes to a loader, then end or kill it; return the last state."""
        lines_in, lines_out = os.pipe()
        states_in, states_out = os.pipe()
        process = started(database, lines_in, states_out)
        text = b"".join(lines(at))[:most]
        with suppress(BrokenPipeError), os.fdopen(lines_out, "wb", buffering=0) as pipe:
            pipe.write(text)
            if kill:
                process.join(self.draw.random() * 0.15)
                process.kill()
        process.join()
        if not kill and process.exitcode:
            self.wrong.append(f"status {process.exitcode}")
        assert process.exitcode in {0, 1, -signal.SIGKILL}
        with os.fdopen(states_in, "rb") as told:
            whole = told.read().rpartition(b"\n")[0]
        return int(json.loads(whole.splitlines()[-1])) if whole else 0

    def _check(self, database: Path, at: int) -> None:
        """Note what is not there, there twice, or not as it was."""
        if at != ROWS:
            self.wrong.append(f"state {at}")
        with duckdb.connect(str(database), read_only=True) as connection:
            for stream, number in (("hashed", "n"), ("keyed", "id")):
                found = connection.execute(
                    f"SELECT count(*), count(DISTINCT id), min({number}), max({number}),"  # noqa: S608 - ours
                    f" count_if(text = 'row ' || {number} || ' ' || repeat('é\n', {number} % 40))"
                    f" FROM {stream}"
                ).fetchone()
                if found != (ROWS, ROWS, 0, ROWS - 1, ROWS):
                    self.wrong.append(f"{stream}: {found}")
        database.unlink()


def started(database: Path, lines_in: int, states_out: int) -> ForkServerProcess:
    """Start a loader between two descriptors, which are closed here."""
    _FORKS.set_forkserver_preload(["tests.bulk.kills"])
    with open(lines_in, "rb", buffering=0) as source, open(states_out, "wb", buffering=0) as told:
        process = _FORKS.Process(
            target=_with_pipes,
            args=(database, _Pipe(source.fileno()), _Pipe(told.fileno())),
            daemon=True,
        )
        process.start()
    return process


class _Pipe:
    """An end of a pipe that goes to another process."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[object, ...]:
        from multiprocessing.reduction import DupFd  # noqa: PLC0415 - only while a process starts

        return _rebuilt, (DupFd(self.descriptor),)


def _rebuilt(sent: object) -> _Pipe:
    return _Pipe(sent.detach())  # type: ignore[attr-defined]


def _with_pipes(database: Path, source: _Pipe, told: _Pipe) -> None:
    run(database, source.descriptor, told.descriptor)
