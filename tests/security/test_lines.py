"""Each scenario stands in a line of the table of `make security-before`."""

import re

import pytest

from tests.security.before import Outcome, table, wrong
from tests.security.lines import LINES, POINTS


def test_each_scenario_is_in_one_line(request: pytest.FixtureRequest) -> None:
    """Else the table would leave it out, or count it twice."""
    scenarios = [
        item.name
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and "tests/security/" in item.nodeid
        and {"world", "tmp_path"} & {*item.fixturenames}
    ]
    for name in scenarios:
        titles = [line.title for line in LINES if line.has(name)]
        assert len(titles) == 1, (name, titles)


def outcomes(*, held: bool) -> dict[str, Outcome]:
    """Return an outcome of a test for each line."""
    names = (
        line.tests.replace(".*", "x").replace(r"\[", "[").replace(r"\]", "]") for line in LINES
    )
    return {re.sub(r"\(\?:([^|)]*)[^)]*\)\??", r"\1", name): Outcome(held, ()) for name in names}


def test_table_asks_each_point_for_what_failed_before() -> None:
    """A point whose tests hold on both revisions shows nothing, and is named."""
    good, bad = outcomes(held=True), outcomes(held=False)

    assert list(wrong(bad, good)) == []
    assert list(wrong(good, good)) == [f"Nothing failed before: {point}" for point in POINTS]
    assert [line for line in wrong(bad, bad) if line.startswith("Fails now")] == [
        f"Fails now: {name}" for name in bad
    ]
    assert len(list(table(bad, good))) == 2 + len(LINES) - 1 + len(POINTS)
