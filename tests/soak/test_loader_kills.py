"""A loader, or the tap before it, that is killed at any byte loses nothing and doubles nothing."""

import json
import os
import random
from pathlib import Path
from typing import Final

import pytest

from hunting_emulator import Emulator
from tests.bulk.kills import ROWS, Kills
from tests.soak.data import QUERY, fill, oldest, settings
from tests.soak.piped import Piped
from tests.soak.processes import tell

pytestmark = pytest.mark.soak

KILLS: Final = int(os.environ.get("SOAK_KILLS", "300"))
CAP: Final = 500
KEYED: Final = {**QUERY, "name": "keyed", "primary_keys": ["Number"]}


def test_kills_lose_no_row_and_double_none(tmp_path: Path) -> None:
    """Resumed from the last state that came out, every row is there once, as it was."""
    kills = Kills(folder=tmp_path, draw=random.Random(23))

    figures = kills.until(KILLS)

    assert kills.wrong == []
    tell(f"{figures} of {ROWS} rows in 2 streams: 0 rows lost, 0 there twice")


def test_kills_of_this_tap_or_the_loader_lose_no_row(emulator: Emulator, tmp_path: Path) -> None:
    """The tap itself before the loader, over the service in miniature, with a lookback."""
    emulator.configure(row_cap=CAP, calls_per_minute=None, calls_per_hour=None)
    emulator.configure(cpu_seconds_per_cycle=None)
    fill(emulator.engine, ROWS, start=oldest())
    calls = {"max_calls_per_minute": 10**6, "max_calls_per_hour": 10**8}
    more = {"max_rows_per_call": CAP, "lookback_minutes": 60, "queries": [QUERY, KEYED], **calls}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings(emulator, **more)), "utf-8")
    piped = Piped(folder=tmp_path, draw=random.Random(29), config=config, rows=ROWS)

    figures = piped.until(KILLS)

    assert piped.wrong == []
    tell(f"the real tap: {figures} of {ROWS} rows in 2 streams: 0 rows lost, 0 there twice")
