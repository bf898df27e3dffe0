"""A table larger than an answer that changes while it is read: all of one state, or none."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.tap.harness import Tenant, at
from tests.tap.test_coverage import catalog
from tests.tap.test_exactness import activations, event

DEVICES = {"name": "devices", "query": "DeviceEvents | project ReportId, DeviceId"}
CAP = 100
CAPPED: dict[str, Any] = {"max_rows_per_call": CAP}


@pytest.fixture(autouse=True)
def table(tenant: Tenant) -> None:
    """Hold more rows than an answer."""
    tenant.emulator.configure(row_cap=CAP)
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(days=1)) for n in range(250)])


def grows(tenant: Tenant, *, times: int) -> Callable[[str], bool]:
    """Return what adds a row so many times, each before a hash part is read; it fails no call."""
    numbers = count(250)

    def changed(query: str) -> bool:
        if ") == " in query and next(numbers) < 250 + times:
            tenant.emulator.engine.load("DeviceEvents", [event(next(numbers), at(days=1))])
        return False

    return changed


def test_table_that_changes_once_is_read_again_and_nothing_of_before_is_written(
    tenant: Tenant,
) -> None:
    """Rows wait on disk until two counts with all values agree with them."""
    tenant.emulator.fail_next(503, times=None, when=grows(tenant, times=1))

    run = tenant.sync(DEVICES, catalog=catalog(tenant, DEVICES), **CAPPED)

    ids = Counter(run.values("devices", "_row_id"))
    assert run.failed == {}
    assert len(ids) == ids.total() == 251
    (told,) = run.records("hunting_windows")
    assert (told["status"], told["rows"], told["expected_rows"]) == ("complete", 251, 251)


def test_table_that_always_changes_fails_and_writes_nothing(tenant: Tenant) -> None:
    """It is read four times; then the stream fails, says why, and what to do."""
    tenant.emulator.fail_next(503, times=None, when=grows(tenant, times=100))

    run = tenant.sync(DEVICES, emit_activate_version_messages=True, **CAPPED)

    assert "agrees in none of 4 readings" in run.failed["devices"]
    assert "set on_changing_rows to take" in run.failed["devices"]
    assert run.records("devices") == []
    assert activations(run) == []


def test_table_that_always_changes_is_taken_by_a_setting_and_not_called_complete(
    tenant: Tenant,
) -> None:
    """The last reading is written, once, and coverage says that it does not agree."""
    tenant.emulator.fail_next(503, times=None, when=grows(tenant, times=100))

    run = tenant.sync(DEVICES, catalog=catalog(tenant, DEVICES), on_changing_rows="take", **CAPPED)

    (told,) = run.records("hunting_windows")
    ids = Counter(run.values("devices", "_row_id"))
    assert run.failed == {}
    assert told["status"] == "changed"
    assert "agrees in none of 4 readings" in told["message"]
    assert len(ids) == ids.total() == told["rows"]


def test_proof_costs_a_table_at_rest_one_call(tenant: Tenant) -> None:
    """One call that is cut, a count, the parts, and a count that agrees."""
    streams = catalog(tenant, DEVICES)
    before = len(tenant.emulator.calls)

    tenant.sync(DEVICES, catalog=streams, **CAPPED)

    parts = -(-250 * 12 // (10 * CAP))
    assert len(tenant.emulator.calls) - before == 1 + 1 + parts + 1
