"""A tap that is asked to end leaves whole lines, a true state, and a status that says so."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator import Emulator

ROWS = 240
LONG = "x" * 30_000


@pytest.fixture
def config(emulator: Emulator, tmp_path: Path) -> Path:
    """Settings for a table of long rows, read ten at a time."""
    now = datetime.now(UTC)
    emulator.configure(row_cap=11, calls_per_minute=None)
    emulator.engine.load(
        "DeviceProcessEvents",
        [
            {
                "Timestamp": f"{now - timedelta(minutes=10 + n):%Y-%m-%dT%H:%M:%S.%f}0Z",
                "ReportId": n,
                "ProcessCommandLine": LONG,
            }
            for n in range(ROWS)
        ],
    )
    file = tmp_path / "config.json"
    settings = {
        "tenant_id": emulator.tenant_id,
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "api_url": emulator.url,
        "authority_url": emulator.authority_url,
        "max_rows_per_call": 11,
        "max_calls_per_minute": 10_000,
        "queries": [
            {
                "name": "commands",
                "query": "DeviceProcessEvents | project Timestamp, ReportId, ProcessCommandLine",
            }
        ],
    }
    file.write_text(json.dumps(settings), "utf-8")
    return file


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the tap as a command, its output in a pipe that nobody reads yet."""
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(config)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ
    ) as tap:
        yield tap
        tap.kill()


def lines(output: bytes) -> list[dict[str, Any]]:
    """Parse every line; a line that was cut is an error."""
    assert output == b"" or output.endswith(b"\n")
    return [json.loads(line) for line in output.splitlines()]


def untrue(found: list[dict[str, Any]], rows: dict[int, str]) -> list[int]:
    """Return the rows that a state says are written but are not before it."""
    written: set[int] = set()
    missing = list[int]()
    for line in found:
        if line["type"] == "RECORD":
            written.add(line["record"]["ReportId"])
        elif line["type"] == "STATE":
            mark = line["value"]["bookmarks"]["commands"].get("replication_key_value", "")
            missing += [n for n, at in rows.items() if at < mark and n not in written]
    return missing


def full(config: Path) -> dict[int, str]:
    """Return every row's time by its number, from a run that nobody disturbs."""
    with running(config) as tap:
        output, _ = tap.communicate(timeout=120)
    assert tap.returncode == 0
    records = [line["record"] for line in lines(output) if line["type"] == "RECORD"]
    return {record["ReportId"]: record["Timestamp"] for record in records}


@pytest.mark.parametrize(
    ("signum", "status"),
    [
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
        pytest.param(signal.SIGINT, 130, id="SIGINT"),
    ],
)
def test_signal_cuts_no_line_and_leaves_a_true_state(
    config: Path, signum: signal.Signals, status: int
) -> None:
    """Asked to end while a slow reader holds it up, the tap finishes its line and no more."""
    rows = full(config)
    draw = random.Random(7)
    assert len(rows) == ROWS
    for _ in range(3):
        with running(config) as tap:
            assert tap.stdout is not None
            output = os.read(tap.stdout.fileno(), 1 << 16)
            time.sleep(draw.random() / 2)
            tap.send_signal(signum)
            output += tap.stdout.read()
            tap.wait(timeout=60)

        found = lines(output)
        assert tap.returncode == status
        assert untrue(found, rows) == []
        assert sum(line["type"] == "RECORD" for line in found) < ROWS


def test_reader_that_goes_away_ends_the_run_with_an_error(config: Path) -> None:
    """A loader that died must not look like a success."""
    with running(config) as tap:
        assert tap.stdout is not None
        os.read(tap.stdout.fileno(), 1 << 16)
        tap.stdout.close()

        assert tap.wait(timeout=60) not in (0, None)
