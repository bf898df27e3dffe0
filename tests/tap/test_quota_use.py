"""The calls of a whole run, as the service saw them: never too many, and hardly ever too few."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest

from hunting_emulator.engine import Engine
from tests.tap.harness import Run, Tenant, at

STREAMS: Final = 12
WINDOWS: Final = 20
CAP: Final = 10
QUOTA: Final = 45
MINUTE: Final = timedelta(minutes=1)


def queries() -> list[dict[str, Any]]:
    """Return queries that share a table, and no row."""
    where = "DeviceEvents\n| where ReportId % {0} == {1}\n| project Timestamp, ReportId"
    return [{"name": f"s{n}", "query": where.format(STREAMS, n)} for n in range(STREAMS)]


def run_all(tenant: Tenant, **settings: Any) -> Run:  # noqa: ANN401 - JSON
    """Read streams of so many windows each."""
    rows = range(STREAMS * WINDOWS * CAP)
    tenant.emulator.engine.load(
        "DeviceEvents", [{"Timestamp": at(minutes=60 + n), "ReportId": n} for n in rows]
    )
    tenant.emulator.configure(row_cap=CAP, cpu_seconds_per_cycle=None)
    return tenant.sync(*queries(), max_rows_per_call=CAP, lookback_minutes=0, **settings)


def taking(tenant: Tenant, seconds: float) -> Iterator[float]:
    """Count CPU time of a service whose queries take so long."""
    for reading in count(0.0, seconds):
        tenant.emulator.clock.advance(timedelta(seconds=seconds / 2))  # looked at twice a query
        yield reading


@pytest.mark.parametrize(
    ("calls", "seconds"),
    [
        pytest.param(2, 0.0, id="two-calls-at-once"),
        pytest.param(4, 0.5, id="four-calls-that-take-their-time"),
    ],
)
def test_a_busy_run_uses_what_the_quota_allows_and_no_more(
    tenant: Tenant, calls: int, seconds: float
) -> None:
    """Never above the quota in any minute, and at 95 % of it at least while work is left."""
    tenant.emulator.use_engine(Engine(cpu=taking(tenant, seconds).__next__))

    run = run_all(tenant, max_parallel_calls=calls)

    made = sorted(call.at for call in tenant.emulator.calls)
    in_minutes = [bisect_left(made, first + MINUTE) - n for n, first in enumerate(made)]
    whole = (made[-1] - made[0]) // MINUTE
    used = bisect_left(made, made[0] + whole * MINUTE)
    assert run.failed == {}
    assert {call.status for call in tenant.emulator.calls} == {200}
    assert max(in_minutes) <= QUOTA
    assert whole >= STREAMS * WINDOWS // QUOTA
    assert used >= 0.95 * QUOTA * whole
    assert all(len(run.records(f"s{n}")) == WINDOWS * CAP for n in range(STREAMS))
