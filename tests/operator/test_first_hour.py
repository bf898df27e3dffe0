"""The first hour of an operator, with the installed commands. Run by `make first-hour`."""

import os
import sys
from pathlib import Path

import pytest

from hunting_emulator import Emulator
from tests.operator.first_hour import ROOT, TRIALS, bench_for

FIRST_HOUR = os.environ.get("FIRST_HOUR")
COMMANDS = Path(sys.executable).parent


@pytest.mark.skipif(FIRST_HOUR is None, reason="`make first-hour` runs it")
@pytest.mark.parametrize("name", TRIALS)
def test_outcome_is_right(emulator: Emulator, name: str) -> None:
    """The words of a command, its status, and what it wrote."""
    with bench_for(COMMANDS, ROOT, emulator) as bench:
        outcome = TRIALS[name](bench)

    assert outcome.right, outcome.seen


@pytest.mark.parametrize("name", ["forgotten Timestamp, run", "columns of stores and loaders"])
def test_trial_can_be_run(emulator: Emulator, name: str) -> None:
    """The bench itself works: commands, emulator, and settings."""
    with bench_for(COMMANDS, ROOT, emulator) as bench:
        outcome = TRIALS[name](bench)

    assert outcome.right, outcome.seen
