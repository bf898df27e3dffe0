"""A run over many tenants, killed at any byte, loses nothing and reads little again."""

import json
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from hunting_emulator import Emulator
from tests.soak.processes import start, tell
from tests.soak.test_kills import wait_for
from tests.tap.fleet import Fleet

pytestmark = pytest.mark.soak

TENANTS: Final = 20
ROWS: Final = 20
STREAMS: Final = tuple(f"stream_{number}" for number in range(3))
TEXT: Final = "AlertInfo | project Timestamp, AlertId"
KILLS: Final = int(os.environ.get("SOAK_FLEET_KILLS", "100"))

Row = tuple[str, str, str]


@pytest.fixture
def config(emulator: Emulator, tmp_path: Path) -> Path:
    """Settings of many tenants with three streams each, whose rows are all settled."""
    emulator.configure(calls_per_minute=None, calls_per_hour=None, cpu_seconds_per_cycle=None)
    fleet = Fleet(emulator, TENANTS, now=datetime.now(UTC))
    fleet.load(ROWS)
    queries = ({"name": name, "query": TEXT} for name in STREAMS)
    quotas = {"max_calls_per_minute": 10**6, "max_calls_per_hour": 10**8}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(fleet.config(*queries, lookback_minutes=0, **quotas)), "utf-8")
    return file


@dataclass(frozen=True)
class Tail:
    """A killed run: its rows, its last state, and the bytes behind that, beside the bound.

    The bound is the length of the last STATE line, plus the records of one window.
    """

    rows: list[Row]
    state: dict[str, Any] | None
    state_bytes: int
    bytes_behind: int
    widest: int

    @classmethod
    def read(cls, output: Path) -> "Tail":
        """Read the whole lines of a run."""
        rows, state, length, behind, window = list[Row](), None, 0, 0, dict[tuple[str, str], int]()
        for line, message in _whole_lines(output):
            behind += len(line)
            if message["type"] == "RECORD":
                record = message["record"]
                rows.append((message["stream"], record["tenant_id"], record["AlertId"]))
                part = (message["stream"], record["tenant_id"])
                window[part] = window.get(part, 0) + len(line)
            elif message["type"] == "STATE" and message["value"].get("bookmarks"):
                state, length, behind = message["value"], len(line), 0
        return cls(rows, state, length, behind, max(window.values(), default=0))


def _whole_lines(output: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with output.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield line, json.loads(line)


def test_kills_of_a_run_over_many_tenants_cost_a_state_line_at_most(
    config: Path, tmp_path: Path
) -> None:
    """After a kill no row is lost; behind the last state stand as many bytes as it has, or fewer.

    To these bytes come the records of one window, which are written before its state is.
    """
    draw, kills, again, most = random.Random(22), 0, 0, 0.0
    output, saved, whole = tmp_path / "out.jsonl", tmp_path / "state.json", 300_000
    while kills < KILLS:
        saved.unlink(missing_ok=True)
        seen, ended = set[Row](), False
        while not ended:
            process = start(config, output, saved if saved.exists() else None)
            if kills < KILLS:
                wait_for(output, draw.randrange(whole), process)
                process.kill()
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL)
            ended = process.exitcode == 0
            kills += not ended
            if not ended and not kills % 10:
                tell(f"{kills} kills so far, {again} rows written twice")
            tail = Tail.read(output)
            if tail.state_bytes:
                assert tail.bytes_behind <= tail.state_bytes + tail.widest
                most = max(most, tail.bytes_behind / tail.state_bytes)
                saved.write_text(json.dumps(tail.state), "utf-8")
            again += sum(row in seen for row in tail.rows)
            seen |= set(tail.rows)
            whole = output.stat().st_size if ended else whole
            output.unlink()
        assert len(seen) == TENANTS * len(STREAMS) * ROWS

    tell(
        f"{kills} kills over {TENANTS} tenants x {len(STREAMS)} streams: 0 rows lost, {again} "
        f"written twice, at most {most:.2f} STATE lines of bytes behind the last STATE"
    )
