"""A loader, or a tap before it, that is killed at any byte loses nothing and doubles nothing."""

import os
import random
from pathlib import Path
from typing import Final

import pytest

from tests.bulk.kills import ROWS, Kills
from tests.soak.processes import tell

pytestmark = pytest.mark.soak

KILLS: Final = int(os.environ.get("SOAK_KILLS", "300"))


def test_kills_lose_no_row_and_double_none(tmp_path: Path) -> None:
    """Resumed from the last state that came out, every row is there once, as it was."""
    draw = random.Random(23)
    kills = Kills(tmp_path, draw)

    while kills.of_tap + kills.of_loader < KILLS:
        kills.backfill(draw.randrange(1, 12))

    assert kills.wrong == []
    tell(
        f"{kills.of_tap} kills of the tap and {kills.of_loader} of the loader over {kills.ended} "
        f"backfills of {ROWS} rows in 2 streams: 0 rows lost, 0 there twice"
    )
