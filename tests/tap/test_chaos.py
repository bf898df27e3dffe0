"""A quarter of all calls fails, in every way that the service has; the rows must not show it."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from hunting_emulator.effects import NAMED
from tests.tap.harness import Run, Tenant, at
from tests.tap.hearing import heard
from tests.tap.test_coverage import catalog

ROWS: Final = 240
CAP: Final = 30
QUERY: Final = {
    "name": "events",
    "query": "DeviceEvents\n| project Timestamp, ReportId, FileName",
}
MARK: Final = "marked-cell"
#: What no later run could cure, or costs only real time: no licence, and answers that never end.
FATAL: Final = {"no_licence", "redirected", "hang", "slow", "endless_body", "bomb"}
SURVIVABLE: Final = sorted(set(NAMED) - FATAL)
MOST_RUNS: Final = 12


def rows() -> list[dict[str, Any]]:
    """Return events of which a third share an instant, more than an answer holds."""
    crowd, others = range(ROWS // 3), range(ROWS // 3, ROWS)
    times = [at(days=3) for _ in crowd] + [at(minutes=10 + 97 * n) for n in others]
    return [
        {"Timestamp": time, "ReportId": number, "FileName": f"{MARK}-{number}"}
        for number, time in enumerate(times)
    ]


def survive(tenant: Tenant, seed: int, calls: int) -> list[Run]:
    """Run the tap until it succeeds, each time with the state that the last run left."""
    tenant.emulator.engine.load("DeviceEvents", rows())
    streams = catalog(tenant, QUERY)
    tenant.emulator.configure(row_cap=CAP)
    tenant.emulator.fail_at_random(0.25, seed=seed, names=SURVIVABLE)
    runs, state = list[Run](), dict[str, Any]()
    for _ in range(MOST_RUNS):
        runs.append(
            tenant.sync(
                QUERY,
                catalog=streams,
                state=state,
                max_rows_per_call=CAP,
                max_parallel_calls=calls,
                lookback_minutes=0,
                start_date=at(days=20),
            )
        )
        if not runs[-1].failed:
            return runs
        state = runs[-1].states[-1] if runs[-1].states else state
        tenant.emulator.clock.advance(timedelta(minutes=20))
    return runs


def verdict(runs: list[Run]) -> tuple[int, int, bool]:
    """Return how many rows were lost, how many written as two, and if the last run succeeded."""
    numbers = {number for run in runs for number in run.values("events", "ReportId")}
    ids = Counter(
        (record["ReportId"], record["_row_id"]) for run in runs for record in run.records("events")
    )
    return ROWS - len(numbers), len(ids) - len(numbers), not runs[-1].failed


@pytest.mark.parametrize(
    ("seed", "calls"), [(seed, calls) for seed in range(9) for calls in (1, 2, 4)]
)
def test_no_row_is_lost_or_doubled_whatever_the_service_does(
    tenant: Tenant, seed: int, calls: int
) -> None:
    """Runs go on from where the last one got to, and the end is the same as on a good day."""
    with heard() as log:
        runs = survive(tenant, seed, calls)

    said = log.getvalue()
    assert verdict(runs) == (0, 0, True)
    assert len(tenant.emulator.calls) < 200
    assert "Skipping parse of env var settings" in said  # the libraries were heard
    assert tenant.emulator.client_secret not in said
    assert MARK not in said
    assert "eyJ" not in said  # how a token begins
    assert runs[-1].bookmark("events") >= at(minutes=5)
