"""The tap with the loader behind it, one of the two killed at any byte."""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from tests.bulk.kills import Backfills, started
from tests.soak.processes import start

_BLOCK: Final = 1 << 16
_MOST_BYTES: Final = 900_000
_TABLES: Final = {"narrow": "_row_id", "keyed": "Number"}


@dataclass(kw_only=True)
class Piped(Backfills):
    """The tap over `rows` of two streams, resumed from the states of the loader behind it."""

    config: Path
    rows: int

    def backfill(self, most: int) -> None:
        """Run until nobody is killed any more, `most` kills later at the latest."""
        for _ in range(most):
            if self._ended(self.draw.randrange(_MOST_BYTES)):
                break
        else:
            self._ended(None)
        self._check()
        self._saved.unlink(missing_ok=True)
        self.ended += 1

    @property
    def _saved(self) -> Path:
        return self.folder / "state.json"

    @property
    def _database(self) -> Path:
        return self.folder / f"{self.ended}.duckdb"

    def _ended(self, most: int | None) -> bool:
        """Run both, one of them killed when so many bytes have passed; say if none was.

        Whichever is left has to notice by itself.
        """
        pipe, states = self.folder / "lines", self.folder / "states"
        os.mkfifo(pipe)
        lines_in, lines_out = os.pipe()
        tap = start(self.config, pipe, self._saved if self._saved.exists() else None)
        told = os.open(states, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        loader = started(self._database, lines_in, told)
        victim = tap if self.of_tap <= self.of_loader else loader
        with pipe.open("rb", buffering=0) as source, os.fdopen(lines_out, "wb", 0) as target:
            if kill := self._passed(source.fileno(), target.fileno(), most):
                if victim is loader:
                    time.sleep(self.draw.random() * 0.15)
                victim.kill()
        tap.join()
        loader.join()
        pipe.unlink()
        self.of_tap += tap.exitcode == -signal.SIGKILL
        self.of_loader += loader.exitcode == -signal.SIGKILL
        self._keep(states)
        if not kill and (tap.exitcode or loader.exitcode):
            log = (self.folder / "lines.log").read_text("utf-8")
            self.wrong.append(f"tap {tap.exitcode}, loader {loader.exitcode}: {log[-1000:]}")
        return not kill

    @staticmethod
    def _passed(source: int, target: int, most: int | None) -> bool:
        """Pass on bytes; say if there were so many."""
        left = most
        with suppress(BrokenPipeError):
            while piece := os.read(source, _BLOCK if left is None else min(left, _BLOCK)):
                os.write(target, piece)
                left = None if left is None else left - len(piece)
        return left == 0

    def _keep(self, states: Path) -> None:
        """Keep the last whole state that came out, if any did, for the next run."""
        lines = states.read_bytes().rpartition(b"\n")[0].splitlines()
        if lines:
            json.loads(lines[-1])
            self._saved.write_bytes(lines[-1])

    def _check(self) -> None:
        """Note what is not there, there twice, or not as it was."""
        with duckdb.connect(str(self._database), read_only=True) as connection:
            for table, key in _TABLES.items():
                try:
                    found = connection.execute(
                        f"SELECT count(*), count(DISTINCT {key}), min(Number), max(Number),"  # noqa: S608 - ours
                        f" count_if(Text = 'row ' || Number) FROM {table}"
                    ).fetchone()
                except duckdb.CatalogException:  # no table: then no row of it is there
                    found = None
                if found != (self.rows, self.rows, 0, self.rows - 1, self.rows):
                    self.wrong.append(f"{table}: {found}")
        self._database.unlink()
