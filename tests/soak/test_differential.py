"""Many random lives over a plain list of rows: nothing is lost or doubled without a word."""

import os

import pytest

from tests.soak.differential import play, told
from tests.soak.processes import tell

pytestmark = pytest.mark.soak

RUNS = int(os.environ.get("SOAK_SCENARIOS", "2000"))


def test_what_the_service_holds_is_what_was_loaded_or_a_run_said_otherwise() -> None:
    """A seed that fails is played again alone: `python -m tests.soak.differential --seed N`."""
    outcomes = list(play(range(RUNS)))

    tell(told(outcomes))
    assert [outcome.seed for outcome in outcomes if outcome.wrong] == []
