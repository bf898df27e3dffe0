"""Windows are held against the service's own clock when their answers come."""

from collections.abc import Callable
from datetime import timedelta
from itertools import cycle, pairwise
from random import Random
from typing import Any

import pytest

from tests.tap.harness import NOW, Run, Tenant, at
from tests.tap.test_coverage import catalog, spans
from tests.tap.test_exactness import EVENTS, event

CPU = "You have exceeded processing resources allocated to this tenant. Run again in 15 minutes."
WINDOW = "Timestamp >= window_start and Timestamp < window_end"
HOURS = {
    "name": "hours",
    "query": f"DeviceEvents | where {WINDOW} | summarize N = count() by Hour = bin(Timestamp, 1h)",
}


def every_sixth(tenant: Tenant) -> None:
    """Let the CPU quota be spent after every five answers."""
    calls = iter(range(1, 1_000))
    body = {"error": {"code": "TooManyRequests", "message": CPU}}
    tenant.emulator.fail_next(429, body=body, times=None, when=lambda _: next(calls) % 6 == 0)


def unexplained(run: Run, rows: dict[int, str], column: str = "ReportId") -> list[int]:
    """Return the rows that a window called complete holds, and that did not come."""
    came = set(run.values("events", column))
    complete = [window[:2] for window in spans(run) if window[2] == "complete"]
    return [
        number
        for number, when in rows.items()
        if number not in came and any(start <= when < end for start, end in complete)
    ]


@pytest.mark.parametrize("calls", [1, 2])
def test_rows_that_retention_passes_by_while_the_run_waits_are_a_gap(
    tenant: Tenant, calls: int
) -> None:
    """A first backfill begins at the edge, and the edge moves on by a quarter hour a wait."""
    draw = Random(5)
    rows = {n: at(days=30, seconds=-draw.randrange(1800)) for n in range(2_000)}
    tenant.emulator.engine.load("DeviceEvents", [event(n, when) for n, when in rows.items()])
    tenant.emulator.configure(row_cap=100)
    streams = catalog(tenant, EVENTS)
    every_sixth(tenant)

    run = tenant.sync(EVENTS, catalog=streams, max_rows_per_call=100, max_parallel_calls=calls)

    lost = [window for window in spans(run) if window[2] == "gap_retention"]
    assert lost
    assert len(set(run.values("events", "ReportId"))) < 2_000
    assert unexplained(run, rows) == []
    assert run.bookmark("events") == spans(run)[-1][1]
    bounds = [window[:2] for window in spans(run)]
    assert all(one[1] == other[0] for one, other in pairwise(bounds))


def test_gap_of_retention_is_never_a_hole_to_be_tried_again(tenant: Tenant) -> None:
    """No later run can read what the service no longer has."""
    rows = [event(n, at(days=30, seconds=-n)) for n in range(1_000)]
    tenant.emulator.engine.load("DeviceEvents", rows)
    tenant.emulator.configure(row_cap=100)
    streams = catalog(tenant, EVENTS)
    every_sixth(tenant)

    run = tenant.sync(EVENTS, catalog=streams, max_rows_per_call=100, start_date=at(days=30))

    assert "gap_retention" in {window[2] for window in spans(run)}
    assert "holes" not in run.state["bookmarks"]["events"]


def test_first_answer_of_a_run_without_a_start_says_where_rows_begin(tenant: Tenant) -> None:
    """As far back as there is data: that a call takes time is no loss."""
    tenant.emulator.engine.load("DeviceEvents", [event(0, at(days=29))])
    streams = catalog(tenant, EVENTS)
    tenant.emulator.fail_next(429, headers={"Retry-After": "60"})

    (window,) = spans(tenant.sync(EVENTS, catalog=streams))

    assert window[0] > at(days=30)
    assert window[2:] == ("complete", 1)


def test_bin_that_retention_cuts_while_the_run_waits_is_lost_as_a_whole(tenant: Tenant) -> None:
    """A count of half an hour would take the place of one of the whole hour."""
    rows = [event(n, at(days=29, hours=23, minutes=58, seconds=-n)) for n in range(3_000)]
    tenant.emulator.engine.load("DeviceEvents", rows)
    streams = catalog(tenant, HOURS)
    tenant.emulator.fail_next(429, headers={"Retry-After": "900"})

    run = tenant.sync(HOURS, catalog=streams, start_date=at(days=30))

    lost, *read = spans(run)
    assert lost == (at(days=30), at(days=29, hours=23), "gap_retention", 0)
    assert {window[2] for window in read} == {"complete"}
    assert run.values("hours", "Hour") == []


def hourly(tenant: Tenant, query: dict[str, Any], minutes: int, **settings: Any) -> set[int]:  # noqa: ANN401
    """Run every ten minutes with rows that come every ten seconds; return what was never read."""
    streams, state, came = catalog(tenant, query), None, set[int]()
    tenant.ahead = timedelta(minutes=minutes, seconds=-1)
    for run_number in range(6):
        now = NOW + timedelta(minutes=10 * run_number)
        tenant.emulator.clock.set(now)
        rows = range(60 * run_number - 60, 60 * run_number)
        tenant.emulator.engine.load("DeviceEvents", [event(n, at(seconds=-10 * n)) for n in rows])
        run = tenant.sync(query, catalog=streams, state=state, start_date=at(hours=1), **settings)
        assert run.failed == {}
        state = run.state
        came |= set(run.values(query["name"], "ReportId"))
    bookmark = run.bookmark(query["name"])
    return {n for n in range(-60, 300) if at(seconds=-10 * n) < bookmark} - came


@pytest.mark.parametrize("settle", [0, 1, 5])
@pytest.mark.parametrize("ahead", [0, 5])
def test_clock_that_is_ahead_ends_no_window_in_the_service_s_future(
    tenant: Tenant, settle: int, ahead: int
) -> None:
    """A window ends no later than the service's time less the settle time."""
    settings = {"settle_minutes": settle, "lookback_minutes": 0}

    assert hourly(tenant, EVENTS, ahead, **settings) == set()


@pytest.mark.parametrize("settle", [0, 1, 5])
def test_clock_that_is_ahead_ends_no_bounded_query_in_the_future(
    tenant: Tenant, settle: int
) -> None:
    """Where the query bounds itself, an answer that reaches too far is asked for again."""
    bounded = {**EVENTS, "query": f"{EVENTS['query']} | where {WINDOW}", "window_minutes": 10}
    del bounded["window_minutes"]

    assert hourly(tenant, bounded, 5, settle_minutes=settle) == set()


def test_right_clock_costs_no_call_more(tenant: Tenant) -> None:
    """One call a run, in the first second of a minute as in the last."""
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(minutes=n)) for n in range(90)])
    streams = catalog(tenant, EVENTS, HOURS)
    state = tenant.sync(EVENTS, HOURS, catalog=streams).state
    for seconds in (3600, 3600.7, 3599.3):
        tenant.emulator.clock.advance(timedelta(seconds=seconds))
        before = len(tenant.emulator.calls)
        state = tenant.sync(EVENTS, HOURS, catalog=streams, state=state).state
        assert len(tenant.emulator.calls) - before == 2


@pytest.mark.parametrize("calls", [1, 2])
def test_streams_are_read_by_turns_where_the_edge_is_near(tenant: Tenant, calls: int) -> None:
    """Else all that the edge passes by while the first is read would be lost to the second."""
    names = ("events", "others", "thirds")
    queries = [{**EVENTS, "name": name} for name in names]
    rows = {n: at(days=30, seconds=-12 * n) for n in range(1_000)}
    tenant.emulator.engine.load("DeviceEvents", [event(n, when) for n, when in rows.items()])
    tenant.emulator.configure(row_cap=100)
    streams = catalog(tenant, *queries)
    tenant.emulator.fail_next(429, headers={"Retry-After": "60"}, times=None, when=by_turns())

    run = tenant.sync(*queries, catalog=streams, max_rows_per_call=100, max_parallel_calls=calls)

    lost = {name: 1_000 - len(set(run.values(name, "ReportId"))) for name in names}
    assert run.failed == {}
    assert max(lost.values()) < 40
    for name in names:
        told = [w for w in run.records("hunting_windows") if w["stream"] == name]
        bounds = [(w["window_start"], w["window_end"]) for w in told]
        assert all(one[1] == other[0] for one, other in pairwise(bounds))
        assert run.bookmark(name) == bounds[-1][1]


def by_turns() -> Callable[[str], bool]:
    """Return what refuses every other call, so that each takes a minute."""
    turns = cycle([True, False])
    return lambda _: next(turns)
