"""Answers without rows that prove nothing, and gaps that are told to later runs."""

from datetime import timedelta
from typing import Any

from tests.soak.cases import without_arrivals
from tests.tap.harness import HOUR, NOW, Tenant, at, reading
from tests.tap.test_exactness import EVENTS, event

ENDED = NOW.replace(year=2027, month=2)


def defender(tenant: Tenant, *queries: dict[str, Any], **more: Any) -> Any:  # noqa: ANN401 - a run
    """Run the tap on the older API."""
    return tenant.sync(*queries, api="defender", **more)


def test_api_that_returns_no_data_any_more_completes_nothing(tenant: Tenant) -> None:
    """From that day on an answer without rows says nothing."""
    tenant.emulator.clock.set(ENDED)

    run = defender(tenant, EVENTS)

    assert "set api to graph" in run.failed["events"]
    assert not any("replication_key_value" in str(state) for state in run.states)


def test_api_that_goes_on_after_its_end_is_believed(tenant: Tenant) -> None:
    """A run with rows is one that the service answers."""
    tenant.emulator.clock.set(ENDED)
    when = f"{ENDED - HOUR:%Y-%m-%dT%H:%M:%S}.0000000Z"
    tenant.emulator.engine.load("DeviceEvents", [event(1, when)])
    quiet = {"name": "quiet", "query": "AlertInfo"}

    run = defender(tenant, EVENTS, quiet)

    assert run.failed == {}
    assert set(run.state["bookmarks"]) == {"events", "quiet"}


def test_api_without_rows_before_its_end_is_complete(tenant: Tenant) -> None:
    """A quiet tenant is no failure."""
    assert defender(tenant, EVENTS).failed == {}


def test_gap_of_a_backfill_is_tried_again_by_later_runs(tenant: Tenant) -> None:
    """It lies before the bookmark, where no run looks by itself."""
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(hours=n)) for n in range(1, 100)])
    first = tenant.sync(EVENTS, start_date=at(hours=1, minutes=30))
    bad = reading(at(hours=50), at(hours=50, seconds=-1))
    tenant.emulator.fail_next("preempted", times=None, when=bad)
    backfill = tenant.sync(
        EVENTS,
        state=first.state,
        start_date=at(hours=60),
        end_date=at(hours=2),
        on_unreadable_window="skip",
    )
    tenant.emulator.clear()
    tenant.emulator.clock.set(NOW + timedelta(hours=1))

    later = tenant.sync(EVENTS, state=backfill.state, on_unreadable_window="skip")

    assert backfill.bookmark("events") == first.bookmark("events")
    missed = set(range(3, 61)) - set(backfill.values("events", "ReportId"))
    assert missed
    assert missed <= set(later.values("events", "ReportId"))
    assert "holes" not in later.state["bookmarks"]["events"]


def test_ingestion_time_that_is_null_everywhere_is_no_empty_table() -> None:
    """No window ever holds such rows, so a first run that finds none asks once."""
    life = without_arrivals()

    (said,) = life.said
    assert "no ingestion_time for 61 rows" in said
    assert life.complete == []
