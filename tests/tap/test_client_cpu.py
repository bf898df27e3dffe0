"""The CPU that a tenant has: learned from one 429, then kept to, to the end of the run."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest

from hunting_emulator.engine import Engine
from tests.tap.harness import NOW, Run, Tenant, at

ROWS: Final = 240
CAP: Final = 10
SECONDS_A_QUERY: Final = 5.0
QUARTER: Final = timedelta(minutes=15)
QUERY: Final = {"name": "events", "query": "DeviceEvents\n| project Timestamp, ReportId"}


def told(_: Tenant) -> Iterator[float]:
    """Count CPU time of which every query takes the same."""
    return count(0.0, SECONDS_A_QUERY)


def felt(tenant: Tenant) -> Iterator[float]:
    """Count it so that a query takes as long as it burns."""
    for reading in told(tenant):
        if reading / SECONDS_A_QUERY % 2:  # the end of a query
            tenant.emulator.clock.advance(timedelta(seconds=SECONDS_A_QUERY))
        yield reading


def run_with(
    tenant: Tenant,
    cpu: Callable[[Tenant], Iterator[float]],
    **settings: Any,  # noqa: ANN401 - JSON
) -> Run:
    """Read rows with far more calls than one quarter of an hour has CPU for."""
    engine = Engine(cpu=cpu(tenant).__next__)
    tenant.emulator.use_engine(engine)
    rows = [{"Timestamp": at(minutes=60 + n), "ReportId": n} for n in range(ROWS)]
    engine.load("DeviceEvents", rows)
    tenant.emulator.configure(row_cap=CAP, cpu_seconds_per_cycle=30.0)
    return tenant.sync(QUERY, max_rows_per_call=CAP, lookback_minutes=0, **settings)


@pytest.mark.parametrize(
    ("api", "cpu", "calls"),
    [
        pytest.param("defender", told, 1, id="the-answer-tells"),
        pytest.param("defender", told, 2, id="with-two-calls-at-once"),
        pytest.param("defender", told, 4, id="with-four-calls-at-once"),
        # two at once would each be taken to need the time of both
        pytest.param("graph", felt, 1, id="elapsed-time-stands-in"),
    ],
)
def test_cpu_quota_is_met_once_a_run(
    tenant: Tenant, api: str, cpu: Callable[[Tenant], Iterator[float]], calls: int
) -> None:
    """After one 429 the tap stops before the next, waits for the quarter, and loses nothing."""
    run = run_with(tenant, cpu, api=api, max_parallel_calls=calls)

    statuses = [call.status for call in tenant.emulator.calls]
    refused = [call.at for call in tenant.emulator.calls if call.status == 429]
    assert run.failed == {}
    assert sorted(run.values("events", "ReportId")) == list(range(ROWS))
    assert 1 <= len(refused) <= calls  # with one, others may have been on their way
    assert refused[-1] - refused[0] < QUARTER
    needed = len(statuses) * SECONDS_A_QUERY / 30.0 + 2
    assert tenant.emulator.clock.now() - NOW <= needed * QUARTER


def test_share_of_the_cpu_quota_is_left_to_analysts(tenant: Tenant) -> None:
    """Half of what was let through, from the first full quarter on."""
    run = run_with(tenant, told, api="defender", quota_share_percent=60)

    calls = [call for call in tenant.emulator.calls if call.status == 200]
    quarters = [(call.at - NOW) // QUARTER for call in calls]
    spent = [quarters.count(n) * SECONDS_A_QUERY for n in range(1, quarters[-1])]
    assert run.failed == {}
    assert spent
    assert set(spent) == {20.0}
