"""A quarter of the calls of many tenants fails; each tenant's rows are whole, and its own."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from hunting_emulator import Emulator
from tests.tap.fleet import Fleet
from tests.tap.harness import Run, at
from tests.tap.test_chaos import MOST_RUNS, SURVIVABLE

ROWS: Final = 60
CAP: Final = 20
QUERY: Final[dict[str, Any]] = {
    "name": "events",
    "query": "DeviceEvents | project Timestamp, DeviceName, ReportId",
}


def load(fleet: Fleet) -> None:
    """Give each tenant as many rows, of which some share an instant."""
    for shift, name in enumerate(fleet.ids):
        times = [at(days=3)] * 10 + [at(minutes=10 + shift + 97 * n) for n in range(ROWS - 10)]
        rows = [
            {"Timestamp": time, "DeviceName": name, "ReportId": number}
            for number, time in enumerate(times)
        ]
        fleet.emulator.engine_of(name).load("DeviceEvents", rows)


def survive(fleet: Fleet) -> list[Run]:
    """Run the tap until it succeeds, each time with the state that the last run left."""
    runs, state = list[Run](), dict[str, Any]()
    while len(runs) < MOST_RUNS:
        runs.append(
            fleet.sync(
                QUERY,
                state=state,
                max_rows_per_call=CAP,
                max_parallel_tenants=3,
                lookback_minutes=0,
                start_date=at(days=20),
            )
        )
        if not runs[-1].failed:
            break
        state = runs[-1].states[-1] if runs[-1].states else state
        fleet.emulator.clock.advance(timedelta(minutes=20))
    return runs


@pytest.mark.parametrize("seed", range(4))
def test_each_tenant_s_rows_are_whole_and_its_own(emulator: Emulator, seed: int) -> None:
    """Answers come in any order from tenants at once; none is lost, doubled, or another's."""
    fleet = Fleet(emulator, 6)
    load(fleet)
    emulator.configure(row_cap=CAP)
    emulator.fail_at_random(0.25, seed=seed, names=SURVIVABLE)

    runs = survive(fleet)

    records = [record for run in runs for record in run.records("events")]
    assert runs[-1].failed == {}
    assert all(record["DeviceName"] == record["tenant_id"] for record in records)
    rows = {(record["tenant_id"], record["ReportId"]) for record in records}
    assert Counter(name for name, _ in rows) == dict.fromkeys(fleet.ids, ROWS)
    assert len({(record["tenant_id"], record["_row_id"]) for record in records}) == len(rows)
