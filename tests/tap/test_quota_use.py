"""The calls of a whole run, as the service saw them: never too many, and hardly ever too few."""

import json
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from singer_sdk.singerlib import Message
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

from hunting_emulator.engine import Engine
from tests.tap.harness import Run, Tenant, at

STREAMS: Final = 12
WINDOWS: Final = 20
CAP: Final = 10
QUOTA: Final = 45
MINUTE: Final = timedelta(minutes=1)
SETTINGS: Final[dict[str, Any]] = {"max_rows_per_call": CAP, "lookback_minutes": 0}


def queries() -> list[dict[str, Any]]:
    """Return queries that share a table, and no row."""
    where = "DeviceEvents\n| where ReportId % {0} == {1}\n| project Timestamp, ReportId"
    return [{"name": f"s{n}", "query": where.format(STREAMS, n)} for n in range(STREAMS)]


def load(tenant: Tenant) -> None:
    """Put rows for so many windows of each stream behind the tenant."""
    rows = range(STREAMS * WINDOWS * CAP)
    tenant.emulator.engine.load(
        "DeviceEvents", [{"Timestamp": at(minutes=60 + n), "ReportId": n} for n in rows]
    )
    tenant.emulator.configure(row_cap=CAP, cpu_seconds_per_cycle=None)


def total(run: Run) -> int:
    """Return how many rows came, each counted once."""
    return sum(len(set(run.values(f"s{n}", "ReportId"))) for n in range(STREAMS))


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
    load(tenant)

    run = tenant.sync(*queries(), **SETTINGS, max_parallel_calls=calls)

    made = sorted(call.at for call in tenant.emulator.calls)
    in_minutes = [bisect_left(made, first + MINUTE) - n for n, first in enumerate(made)]
    whole = (made[-1] - made[0]) // MINUTE
    used = bisect_left(made, made[0] + whole * MINUTE)
    assert run.failed == {}
    assert {call.status for call in tenant.emulator.calls} == {200}
    assert max(in_minutes) <= QUOTA
    assert whole >= STREAMS * WINDOWS // QUOTA
    assert used >= 0.95 * QUOTA * whole
    assert total(run) == STREAMS * WINDOWS * CAP


class Pages(SimpleSingerWriter):
    """Takes the messages of one of several taps in this process."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    @override
    def write_message(self, message: Message) -> None:
        self.lines.append(json.loads(self.format_message(message)))


def test_two_taps_on_one_tenant_both_end(tenant: Tenant) -> None:
    """They know of one another by 429s alone: each waits, comes back, and has every row."""
    load(tenant)
    taps, pages = [], [Pages(), Pages()]
    for page in pages:
        config = tenant.config(*queries()[:4], **SETTINGS)
        taps.append(tenant.tap(config, message_writer=page))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda tap: tap.sync_all(), taps))

    runs = [Run(page.lines, {}) for page in pages]
    made = [call.at for call in tenant.emulator.calls if call.status == 200]
    assert [tap.conclude() for tap in taps] == [[], []]
    assert [total(run) for run in runs] == [4 * WINDOWS * CAP] * 2
    assert 429 in {call.status for call in tenant.emulator.calls}
    assert len(tenant.emulator.calls) < 1.5 * len(made)
    assert made[-1] - made[0] < 2 * len(made) / QUOTA * MINUTE
