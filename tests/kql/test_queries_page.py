"""What docs/queries.md tells is what the tap does."""

import re
from pathlib import Path

from tap_m365hunting import kql
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode, operators
from tap_m365hunting.planning.windows import TimeWindow

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text("utf-8")
EXAMPLES = re.findall(r"```kql\n(.*?)\n```", PAGE, re.DOTALL)
FIRST_DAY = TimeWindow(Instant.parse("2026-01-01"), Instant.parse("2026-01-02"))


def test_the_example_is_sent_as_shown() -> None:
    """To the letter."""
    query = kql.read(EXAMPLES[0])

    verdict = kql.assess(query)

    assert (verdict.mode, verdict.cursor, verdict.problems) == (Mode.INCREMENTAL, "Timestamp", ())
    assert kql.window(query, "Timestamp", FIRST_DAY) == EXAMPLES[1]


def test_the_example_of_a_windowed_query_is_one() -> None:
    """With whole hours as windows."""
    verdict = kql.assess(kql.read(EXAMPLES[2]))

    assert (verdict.mode, verdict.ok, str(verdict.bin)) == (Mode.WINDOWED, True, "1:00:00")


def test_every_operator_that_is_known_is_on_the_page() -> None:
    """Refused or fit, it can be looked up."""
    known = {*operators.REFUSED, *operators.SOURCES_REFUSED, *operators.ROW_WISE}

    missing = {name for name in known if not re.search(rf"`{name}\b", PAGE)}

    assert missing == {
        "assert-schema", "consume", "filter", "mvapply", "mvexpand", "sort",
    }  # fmt: skip
