"""Each seeded bug has its place in the code, so that `make seeded-bugs` gets to its end."""

from pathlib import Path

import pytest

from tests.bulk import seeded_bugs as of_loader
from tests.emulator import seeded_bugs as of_emulator
from tests.soak.seeded_bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "bug", [*BUGS, *of_emulator.BUGS, *of_loader.BUGS], ids=lambda bug: bug.name
)
def test_bug_has_its_place_once(bug: Bug) -> None:
    """A bug that finds no place would end the run before the others are tried."""
    text = (ROOT / bug.package / bug.module).read_text("utf-8")

    file, _, test = bug.test.partition("::")
    assert text.count(bug.right) == 1
    assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")
