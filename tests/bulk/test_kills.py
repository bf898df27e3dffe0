"""A few kills; `make soak` makes three hundred."""

import random
from pathlib import Path

from tests.bulk.kills import Kills


def test_kills_lose_no_row_and_double_none(tmp_path: Path) -> None:
    """Resumed from the last state that came out, every row is there once, as it was."""
    kills = Kills(folder=tmp_path, draw=random.Random(7))

    kills.backfill(6)

    assert kills.of_tap > 0
    assert kills.of_loader > 0
    assert kills.wrong == []
