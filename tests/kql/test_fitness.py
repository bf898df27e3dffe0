"""What is said of a query before any call."""

import pytest

from tap_m365hunting import kql
from tests.kql.corpus import CASES, Case


def assessed(case: Case) -> kql.Verdict:
    """Assess the query with what is configured for it."""
    return kql.assess(
        kql.read(case.text),
        method=case.settings.get("method"),
        cursor=case.settings.get("key"),
        unsafe=case.unsafe,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_query_gets_its_verdict(case: Case) -> None:
    """Mode, cursor, bins, and each problem at its place; nothing is said beside."""
    verdict = assessed(case)

    problems = {(p.severity, p.operator or "-", f"{p.line}:{p.column}") for p in verdict.problems}
    assert (verdict.mode.value, verdict.cursor) == (case.mode, case.cursor)
    assert problems == case.problems
    assert str(verdict.bin or "") == case.settings.get("bin", "")
    assert verdict.ok is all(severity != "error" for severity, *_ in case.problems)
