"""A tap that is killed at any byte loses nothing, and reads little again."""

import json
import os
import random
import signal
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import pytest

from hunting_emulator import Emulator
from tests.soak.data import fill, oldest, settings
from tests.soak.processes import Written, start, tell

pytestmark = pytest.mark.soak

ROWS: Final = 60_000
CAP: Final = 1_000
KILLS: Final = int(os.environ.get("SOAK_KILLS", "200"))
TERMS: Final = int(os.environ.get("SOAK_TERMS", "100"))
MOST_BYTES: Final = 4_000_000


@pytest.fixture
def config(emulator: Emulator, tmp_path: Path) -> Path:
    """Settings for a busy month, read a thousand rows at a time."""
    emulator.configure(row_cap=CAP, calls_per_minute=None, calls_per_hour=None)
    emulator.configure(cpu_seconds_per_cycle=None)
    fill(emulator.engine, ROWS, start=oldest())
    file = tmp_path / "config.json"
    more = {"max_rows_per_call": CAP, "max_calls_per_minute": 10**6, "max_calls_per_hour": 10**8}
    file.write_text(json.dumps(settings(emulator, **more)), "utf-8")
    return file


def wait_for(output: Path, size: int, process: ForkServerProcess) -> None:
    """Wait until so many bytes are written, or the process has ended."""
    while process.is_alive() and (not output.exists() or output.stat().st_size <= size):
        time.sleep(0.002)


def test_kills_lose_no_row(config: Path, tmp_path: Path) -> None:
    """The next run, given the last whole STATE line, reads the rest: exactly once but for a window.

    A backfill that got to its end is begun anew, until there were kills enough.
    """
    draw, kills, backfills, again = random.Random(20), 0, 0, 0
    output, saved = tmp_path / "out.jsonl", tmp_path / "state.json"
    while kills < KILLS:
        saved.unlink(missing_ok=True)
        rows, ended = dict[str, int](), False
        while not ended:
            process = start(config, output, saved if saved.exists() else None)
            if kills < KILLS:
                wait_for(output, draw.randrange(MOST_BYTES), process)
                process.kill()
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL)
            ended = process.exitcode == 0
            kills += process.exitcode == -signal.SIGKILL
            written = Written.read(output)
            repeated = sum(row_id in rows for _, row_id in written.rows)
            assert repeated < CAP
            again += repeated
            rows |= {row_id: number for number, row_id in written.rows}
            if written.state:
                saved.write_text(json.dumps(written.state), "utf-8")
            output.unlink()
        backfills += 1
        assert len(rows) == ROWS
        assert set(rows.values()) == set(range(ROWS))

    tell(f"{kills} kills over {backfills} backfills: 0 rows lost, {again} written twice")


def test_terms_cut_no_line(config: Path, tmp_path: Path) -> None:
    """Asked to end while a slow reader holds it up: whole lines, a true state, status 143."""
    draw = random.Random(21)
    pipe = tmp_path / "pipe"
    times = dict[int, str]()
    for _ in range(TERMS):
        os.mkfifo(pipe)
        process = start(config, pipe)
        with pipe.open("rb", buffering=0) as reader:
            text = reader.read(1 << 16)
            for _ in range(draw.randrange(40)):
                text += reader.read(1 << 16)
                time.sleep(draw.random() / 200)
            process.terminate()
            while piece := reader.read(1 << 16):
                text += piece
        process.join()
        pipe.unlink()
        assert process.exitcode == 128 + signal.SIGTERM
        assert untrue(text, times) == 0

    tell(f"{TERMS} terminations: no line cut, no state ahead of its rows")


def untrue(text: bytes, times: dict[int, str]) -> int:
    """Return how many rows a state calls written that are not before it; learn the rows' times."""
    assert text.endswith(b"\n")
    written, claims = set[int](), list[tuple[str, int]]()
    for line in map(json.loads, text.splitlines()):
        if line["type"] == "RECORD":
            written.add(line["record"]["Number"])
            times[line["record"]["Number"]] = line["record"]["Timestamp"]
        elif line["type"] == "STATE" and line["value"].get("bookmarks"):
            mark = line["value"]["bookmarks"]["narrow"].get("replication_key_value", "")
            claims.append((mark, len(written)))
    return sum(count < sum(at < mark for at in times.values()) for mark, count in claims)
