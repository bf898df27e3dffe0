"""Queries that bound themselves: windows lie on a fixed grid, and a bin replaces itself."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.tap.harness import HOUR, NOW, Run, Tenant, at
from tests.tap.test_coverage import catalog, spans
from tests.tap.test_exactness import event

BOUNDED = "DeviceEvents | where Timestamp >= window_start and Timestamp < window_end"
BINS = {
    "name": "sums",
    "query": f"{BOUNDED} | summarize N = count() by Hour = bin(Timestamp, 1h), DeviceId",
}
NO_BINS = {"name": "sums", "query": f"{BOUNDED} | summarize N = count() by DeviceId"}
ALL = {"name": "sums", "query": f"{BOUNDED} | count"}
ROWS = {"name": "rows", "query": f"{BOUNDED} | project Timestamp, ReportId, DeviceId"}
START = at(hours=6)

Loaded = dict[str, dict[str, Any]]


def fill(tenant: Tenant, first: int = -360, last: int = 120) -> None:
    """Put in an event a minute, on seven devices, each there from its minute on."""
    rows = [
        {**event(n, at(minutes=-n)), "_ingestion_time": at(minutes=-n)} for n in range(first, last)
    ]
    tenant.emulator.engine.load("DeviceEvents", rows)


def load(into: Loaded, run: Run, name: str = "sums", *, before_state: bool = False) -> Loaded:
    """Load records by their key as a loader does; perhaps only what was written before STATE."""
    key = next(line["key_properties"] for line in run.lines if line.get("stream") == name)
    for line in run.lines:
        if line["type"] == "STATE" and before_state:
            if "replication_key_value" in line["value"]["bookmarks"].get(name, {}):
                break
            continue
        if line["type"] == "RECORD" and line["stream"] == name:
            into[str([line["record"][column] for column in key])] = line["record"]
    return into


def total(loaded: Loaded) -> int:
    """Return how many events the loaded sums tell of."""
    return sum(record["N"] if "N" in record else record["Count"] for record in loaded.values())


def events_before(run: Run, name: str = "sums") -> int:
    """Return how many events there are from the start to the bookmark."""
    return sum(START <= at(minutes=-n) < run.bookmark(name) for n in range(-360, 120))


@pytest.mark.parametrize("query", [BINS, NO_BINS, ALL], ids=["bins", "no-bins", "all"])
@pytest.mark.parametrize("settings", [{}, {"row_id": False}], ids=["row-id", "columns"])
def test_run_that_was_killed_before_its_state_doubles_nothing(
    tenant: Tenant, query: dict[str, Any], settings: Mapping[str, Any]
) -> None:
    """Windows are the same in the next run, whenever that is, so their rows have the same key."""
    fill(tenant)
    killed = tenant.sync(query, start_date=START, **settings)
    tenant.emulator.clock.advance(HOUR / 2)

    again = tenant.sync(query, start_date=START, **settings)

    loaded = load(load({}, killed, before_state=True), again)
    assert again.failed == {}
    assert total(loaded) == events_before(again) > 300


def test_windows_that_are_halved_in_the_next_run_double_nothing(tenant: Tenant) -> None:
    """Rows carry their bin, and are known by it whatever the window."""
    fill(tenant)
    killed = tenant.sync(BINS, start_date=START)
    tenant.emulator.fail_next("preempted", times=2, when="window_start")

    again = tenant.sync(BINS, start_date=START)

    assert total(load(load({}, killed, before_state=True), again)) == events_before(again)


@pytest.mark.parametrize("query", [BINS, NO_BINS], ids=["bins", "no-bins"])
def test_backfill_over_loaded_hours_replaces_them(tenant: Tenant, query: dict[str, Any]) -> None:
    """Rows that came late are in the sums then."""
    fill(tenant)
    first = tenant.sync(query, start_date=START)
    late = [event(1_000 + n, at(hours=3.5)) for n in range(10)]
    tenant.emulator.engine.load("DeviceEvents", late)

    again = tenant.sync(query, start_date=at(hours=4), end_date=at(hours=2))

    assert total(load(load({}, first), again)) == events_before(first) + 10


def test_window_that_could_not_be_read_is_the_same_window_when_it_can(tenant: Tenant) -> None:
    """What stops a run before a bin changes no bound of the windows before it."""
    fill(tenant)
    bad = f"window_end = datetime({at(hours=2)})"
    tenant.emulator.fail_next("timed_out", times=None, when=lambda text: bad in text)
    stopped = tenant.sync(NO_BINS, start_date=START)
    tenant.emulator.clear()
    tenant.emulator.clock.set(NOW)

    again = tenant.sync(NO_BINS, start_date=START, state=stopped.state)

    assert stopped.failed
    assert total(load(load({}, stopped), again)) == events_before(again)


def test_queries_without_bins_are_asked_step_by_step(tenant: Tenant) -> None:
    """Each row says of which window it is; with bins one call is enough for all of them."""
    fill(tenant)
    streams = catalog(tenant, NO_BINS)
    before = len(tenant.emulator.calls)

    run = tenant.sync(NO_BINS, catalog=streams, start_date=START)

    assert len(tenant.emulator.calls) - before == 5
    assert {window[1] for window in spans(run)} == {at(hours=n) for n in range(1, 6)}
    assert set(run.values("sums", "window_start")) == {at(hours=n) for n in range(2, 7)}
    assert "window_start" in run.schemas("sums")[0]["schema"]["properties"]

    before = len(tenant.emulator.calls)
    tenant.sync(BINS, catalog=catalog(tenant, BINS), start_date=START)
    assert len(tenant.emulator.calls) - before == 2  # of which one asks for the columns


@pytest.mark.parametrize("minutes", [15, 180])
def test_width_of_windows_is_a_setting(tenant: Tenant, minutes: int) -> None:
    """Windows start at whole multiples of it, so that no run's own time is in them."""
    fill(tenant)
    narrow = {**NO_BINS, "window_minutes": minutes}

    run = tenant.sync(narrow, start_date=START)

    starts = {start[11:16] for start in run.values("sums", "window_start")}
    assert starts
    assert all((int(at[:2]) * 60 + int(at[3:])) % minutes == 0 for at in starts)
    assert total(load({}, run)) == events_before(run)


def test_rows_have_the_ids_of_a_stream_that_the_tap_bounds(tenant: Tenant) -> None:
    """The same event is the same row, however it was read."""
    fill(tenant)
    bounded = {"name": "rows", "query": "DeviceEvents | project Timestamp, ReportId, DeviceId"}

    own, taps = tenant.sync(ROWS, start_date=START), tenant.sync(bounded, start_date=START)

    ids = {record["ReportId"]: record["_row_id"] for record in taps.records("rows")}
    assert len(own.records("rows")) == 300
    assert all(ids[record["ReportId"]] == record["_row_id"] for record in own.records("rows"))
    assert "window_start" not in own.records("rows")[0]


def test_bins_that_the_window_does_not_bound_stop_the_stream(tenant: Tenant) -> None:
    """Rows of one bin in several windows would each time replace what was counted before."""
    fill(tenant)
    shifted = BINS["query"].replace("Timestamp >= window_start", "Timestamp >= window_start - 2h")

    run = tenant.sync({**BINS, "query": shifted}, start_date=at(hours=3))

    assert "Hour is not in" in run.failed["sums"]


@pytest.mark.parametrize("minutes", [0, 7, 90 * 24 + 1, 1441])
def test_windows_that_would_not_start_at_the_same_times_each_day_are_refused(
    tenant: Tenant, minutes: int
) -> None:
    """The message names a width that would."""
    with pytest.raises(Exception, match="Config validation failed"):
        tenant.sync({**NO_BINS, "window_minutes": minutes})


def test_start_date_within_a_step_reads_the_whole_step(tenant: Tenant) -> None:
    """All that is wanted is read, and the first sum is a true one."""
    fill(tenant)

    run = tenant.sync(BINS, start_date=at(hours=5, minutes=30))

    assert min(run.values("sums", "Hour")) == at(hours=6)
    assert NOW.minute == 0
