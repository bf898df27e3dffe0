"""Bounds in time that no run can honour are errors before any call."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tests.tap.commands import CHECK, PLAN, Commands
from tests.tap.harness import Run, Tenant, at
from tests.tap.test_exactness import EVENTS, event
from tests.tap.test_windowed import BINS, BOUNDED, NO_BINS


def refused(tenant: Tenant, query: dict[str, Any], **settings: Any) -> str:  # noqa: ANN401 - JSON
    """Return why a run is refused; it makes no call."""
    with pytest.raises(ConfigValidationError) as caught:
        tenant.sync(query, **settings)
    assert not tenant.emulator.calls
    return "; ".join(caught.value.errors)


def test_end_that_is_not_settled_is_refused(tenant: Tenant) -> None:
    """Chained backfills that begin two minutes past midnight would each lose three minutes."""
    said = refused(tenant, EVENTS, start_date=at(days=1), end_date=at(minutes=2))

    assert f"are settled from {at(minutes=-3)} on" in said
    assert f"end the backfill at {at(minutes=5)}" in said


def test_chained_backfills_that_keep_to_what_is_said_read_every_row(tenant: Tenant) -> None:
    """The bounds that the message names are bounds that work."""
    rows = [event(n, at(minutes=n)) for n in range(5, 2_000)]
    tenant.emulator.engine.load("DeviceEvents", rows)
    came = set[int]()
    for start, end in ((at(days=2), at(days=1)), (at(days=1), at(minutes=5))):
        run = tenant.sync(EVENTS, start_date=start, end_date=end)
        came |= set(run.values("events", "ReportId"))

    assert came == set(range(6, 2_000))  # one at the end is the next one's


@pytest.mark.parametrize("query", [BINS, NO_BINS], ids=["bins", "window_minutes"])
def test_backfill_that_cuts_a_step_is_refused(tenant: Tenant, query: dict[str, Any]) -> None:
    """The step would be read by neither of two backfills that share the bound."""
    said = refused(tenant, query, start_date=at(hours=6), end_date=at(hours=3, minutes=30))

    assert f"nearest that do not: {at(hours=6)} to {at(hours=3)}" in said


def test_backfill_within_a_step_is_refused(tenant: Tenant) -> None:
    """It would read nothing, and end well."""
    said = refused(
        tenant, BINS, start_date=at(hours=2, minutes=50), end_date=at(hours=2, minutes=10)
    )

    assert f"nearest that do not: {at(hours=3)} to {at(hours=2)}" in said


@pytest.mark.parametrize("width", ["30d", "35d"])
def test_bins_that_are_never_whole_within_retention_are_refused(tenant: Tenant, width: str) -> None:
    """A hundred runs would each end well, and make no call."""
    bins = {"name": "sums", "query": f"{BOUNDED} | summarize count() by bin(Timestamp, {width})"}

    assert "never whole in the 30 days" in refused(tenant, bins)


def test_query_that_leaves_out_the_start_of_its_window_is_refused(tenant: Tenant) -> None:
    """A row at a bound would be in no window."""
    open_start = BINS["query"].replace(">= window_start", "> window_start")

    said = refused(tenant, {**BINS, "query": open_start})

    assert "'> window_start' leaves out the start of the window" in said


def test_every_bound_that_does_not_fit_is_named_at_once(tenant: Tenant) -> None:
    """Each with its stream."""
    said = refused(
        tenant, BINS, start_date=at(hours=6), end_date=str(at(minutes=-30)), settle_minutes=5
    )

    assert said.count("sums: ") == 2


def test_check_and_plan_tell_of_bounds_as_the_run_does(tenant: Tenant, tmp_path: Path) -> None:
    """Who checks before the run need not wait for the run to be refused; no call is made."""
    bounds = {"start_date": at(hours=6), "end_date": at(hours=3, minutes=30)}
    said = refused(tenant, BINS, **bounds)
    commands = Commands(tmp_path, tenant.emulator)
    config = commands.file(tenant.config(BINS, EVENTS, **bounds))

    checked = commands.run("check", "--offline", "--format", "json", "--config", config)
    planned = commands.run("plan", "--config", config)

    bins, events = checked.json(CHECK)["queries"]
    assert [f"{bins['name']}: {p['message']}" for p in bins["problems"]] == [said]
    assert (checked.status, bins["ok"], events["ok"]) == (1, False, True)
    assert planned.status == 1
    assert said in planned.errors
    assert not tenant.emulator.calls


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param(EVENTS, lambda run: len(run.values("events", "ReportId")), id="incremental"),
        pytest.param(BINS, lambda run: sum(run.values("sums", "N")), id="windowed"),
    ],
)
def test_run_waits_until_its_end_is_settled_if_told_to(
    tenant: Tenant, query: dict[str, Any], count: Callable[[Run], int]
) -> None:
    """A chained backfill that begins two minutes past its end reads the last minutes, too."""
    rows = [event(n, at(minutes=n)) for n in range(1, 121)]
    tenant.emulator.engine.load("DeviceEvents", rows)
    tenant.emulator.clock.advance(timedelta(minutes=2))

    run = tenant.sync(query, start_date=at(hours=2), end_date=at(), on_unsettled_end="wait")

    assert tenant.slept == [180]
    assert (run.failed, count(run)) == ({}, 120)


def test_run_that_need_not_wait_for_its_end_does_not(tenant: Tenant) -> None:
    """Nor does a run without an end."""
    settled = tenant.sync(
        EVENTS, on_unsettled_end="wait", start_date=at(hours=2), end_date=at(hours=1)
    )
    endless = tenant.sync(EVENTS, on_unsettled_end="wait")

    assert (settled.failed, endless.failed, tenant.slept) == ({}, {}, [])


def test_no_run_waits_longer_than_a_day_for_its_end(tenant: Tenant) -> None:
    """A date of another year is a slip, and a run that hangs until then is found by nobody."""
    bounds = {"start_date": at(hours=2), "end_date": at(days=-1), "on_unsettled_end": "wait"}

    assert "let on_unsettled_end wait" in refused(tenant, EVENTS, **bounds)
    assert tenant.slept == []


def test_plan_counts_to_the_end_that_the_run_waits_for(tenant: Tenant, tmp_path: Path) -> None:
    """Rows of the last minutes are not settled yet, and are when the run begins to read."""
    rows = [event(n, at(minutes=n)) for n in range(1, 121)]
    tenant.emulator.engine.load("DeviceEvents", rows)
    commands = Commands(tmp_path, tenant.emulator)
    bounds = {"start_date": at(hours=2), "end_date": at(), "on_unsettled_end": "wait"}
    config = commands.file(tenant.config(EVENTS, **bounds))

    found = commands.run("plan", "--format", "json", "--config", config)

    assert [stream["rows"] for stream in found.json(PLAN)["streams"]] == [120]


def test_check_allows_an_end_that_the_run_waits_for(tenant: Tenant, tmp_path: Path) -> None:
    """And refuses the end that no run waits for."""
    commands = Commands(tmp_path, tenant.emulator)
    bounds = {"start_date": at(hours=2), "end_date": at(minutes=2)}
    ways = {way: tenant.config(EVENTS, on_unsettled_end=way, **bounds) for way in ("wait", "stop")}

    found = {
        way: commands.run("check", "--offline", "--config", commands.file(config)).status
        for way, config in ways.items()
    }

    assert found == {"wait": 0, "stop": 1}
