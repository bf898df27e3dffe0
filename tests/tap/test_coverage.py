"""Coverage and state: every window is accounted for, gaps above all."""

from typing import Any

import pytest

from tests.tap.harness import HOUR, NOW, Run, Tenant, at, reading
from tests.tap.test_sync import ALERTS, alert

SELECTED = {"breadcrumb": [], "metadata": {"selected": True}}


def catalog(tenant: Tenant, *queries: dict[str, Any]) -> dict[str, Any]:
    """Return the catalog of these queries with every stream selected, coverage too."""
    found: dict[str, Any] = tenant.tap(tenant.config(*queries)).catalog_dict
    for stream in found["streams"]:
        stream["metadata"] = [entry for entry in stream["metadata"] if entry["breadcrumb"]]
        stream["metadata"].append(SELECTED)
    return found


def spans(run: Run) -> list[tuple[str, str, str, int]]:
    """Return start, end, status and rows of each window told of."""
    return [
        (row["window_start"], row["window_end"], row["status"], row["rows"])
        for row in run.records("hunting_windows")
    ]


def test_coverage_is_off_unless_selected(tenant: Tenant) -> None:
    """A loader should get no table that nobody asked for."""
    assert tenant.sync(ALERTS).records("hunting_windows") == []


KEY = "replication_key_value"


def test_each_window_is_told_before_the_state_that_follows_it(tenant: Tenant) -> None:
    """A killed run leaves the coverage of what its state says is complete."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=1))])

    run = tenant.sync(ALERTS, catalog=catalog(tenant, ALERTS))

    assert spans(run) == [(at(days=30), at(minutes=5), "complete", 1)]
    kinds = [(line["type"], line.get("stream")) for line in run.lines]
    told = kinds.index(("RECORD", "hunting_windows"))
    states = [n for n, line in enumerate(run.lines) if line["type"] == "STATE"]
    saved = next(n for n in states if run.lines[n]["value"]["bookmarks"]["alerts"].get(KEY))
    assert kinds.index(("SCHEMA", "hunting_windows")) < told < saved


def test_rows_older_than_retention_are_told_as_a_gap(tenant: Tenant) -> None:
    """A bookmark that retention has overtaken names the span that nobody can read any more."""
    streams = catalog(tenant, ALERTS)
    first = tenant.sync(ALERTS, catalog=streams)
    tenant.emulator.clock.advance(31 * 24 * HOUR)

    second = tenant.sync(ALERTS, state=first.state, catalog=streams)

    lost, read = spans(second)
    assert lost == (at(minutes=5), at(days=-1), "gap_retention", 0)
    assert read[0] == at(days=-1)
    assert second.bookmark("alerts") == at(days=-31, minutes=5)


def test_unreadable_window_stops_the_stream_before_it(tenant: Tenant) -> None:
    """What cannot be read is not skipped unless the settings say so."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(minutes=5, seconds=1))])
    tenant.emulator.fail_next("preempted", times=None, when="order by")

    run = tenant.sync(ALERTS, start_date=at(minutes=5, seconds=2))

    assert "on_unreadable_window" in run.failed["alerts"]
    assert run.bookmark("alerts") == at(minutes=5, seconds=1)


def test_skipped_window_is_a_hole_that_later_runs_fill(tenant: Tenant) -> None:
    """A window given up is kept beside the bookmark, and read once the service can."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(minutes=5, seconds=1))])
    tenant.emulator.fail_next("preempted", times=None, when="order by")
    skipping: dict[str, Any] = {
        "start_date": at(minutes=5, seconds=2),
        "on_unreadable_window": "skip",
    }
    first = tenant.sync(ALERTS, **skipping)
    tenant.emulator.clear()
    tenant.emulator.clock.set(NOW + 2 * HOUR)

    second = tenant.sync(ALERTS, state=first.state, **skipping, lookback_minutes=0)

    holes = first.state["bookmarks"]["alerts"]["holes"]
    assert first.failed == {}
    assert {hole["attempts"] for hole in holes} == {1}
    assert second.values("alerts", "AlertId") == ["da1"]
    assert "holes" not in second.state["bookmarks"]["alerts"]


@pytest.mark.parametrize("parallel", [1, 2, 4])
@pytest.mark.parametrize("seconds", [1, 3])
def test_holes_that_stay_unreadable_keep_no_later_row(
    tenant: Tenant, parallel: int, seconds: int
) -> None:
    """A run tries them first; that nothing there is answered is no sign of an outage."""
    tenant.emulator.engine.load("AlertInfo", [alert(n, at(hours=n + 0.5)) for n in range(1, 20)])
    skipping: dict[str, Any] = {
        "start_date": at(days=1),
        "on_unreadable_window": "skip",
        "max_parallel_calls": parallel,
        "max_calls_per_minute": 1000,
        "max_calls_per_hour": 100_000,
    }
    tenant.emulator.configure(calls_per_minute=None)
    bad = reading(at(hours=9), at(hours=9, seconds=-seconds))
    tenant.emulator.fail_next("timed_out", times=None, when=bad)
    runs = [tenant.sync(ALERTS, **skipping)]

    for new in range(100, 104):
        tenant.emulator.clock.advance(HOUR)
        now = tenant.emulator.clock.now()
        tenant.emulator.engine.load("AlertInfo", [alert(new, f"{now - HOUR / 2:%FT%T}.0000000Z")])
        runs.append(tenant.sync(ALERTS, state=runs[-1].state, **skipping))

    assert [run.failed for run in runs] == [{}] * 5
    assert [f"da{new}" in run.values("alerts", "AlertId") for new, run in enumerate(runs, 99)] == [
        False, True, True, True, True
    ]  # fmt: skip
    holes = runs[-1].state["bookmarks"]["alerts"]["holes"]
    assert at(hours=9, seconds=1) < holes[0]["start"] <= at(hours=9)
    assert at(hours=9, seconds=-seconds) <= holes[-1]["end"] < at(hours=9, seconds=-seconds - 1)
    assert {hole["attempts"] for hole in holes} == {5}


def test_rows_of_a_gap_whose_parts_came_are_not_written(tenant: Tenant) -> None:
    """Without all parts there is no proof of any; the gap is tried again, and has no rows."""
    tenant.emulator.configure(row_cap=100)
    tenant.emulator.engine.load("AlertInfo", [alert(n, at(hours=2)) for n in range(400)])
    streams = catalog(tenant, ALERTS)
    tenant.emulator.fail_next("preempted", times=None, when="0) == 1")
    tenant.emulator.fail_next("preempted", times=None, when=") == 3")

    run = tenant.sync(ALERTS, catalog=streams, on_unreadable_window="skip", max_rows_per_call=100)

    told = run.records("hunting_windows")
    assert {window["status"] for window in told} == {"complete", "gap_unreadable"}
    assert sum(window["rows"] for window in told) == len(run.records("alerts")) == 0
    assert run.state["bookmarks"]["alerts"]["holes"]


def test_coverage_of_earlier_runs_is_never_dropped(tenant: Tenant) -> None:
    """A version on it would have loaders delete what earlier runs have told."""
    devices = {"name": "zz", "query": "DeviceInfo", "replication_method": "FULL_TABLE"}

    run = tenant.sync(
        ALERTS,
        devices,
        catalog=catalog(tenant, ALERTS, devices),
        emit_activate_version_messages=True,
    )

    versioned = {line["stream"] for line in run.lines if "version" in line}
    assert versioned == {"zz"}
    assert len(run.records("hunting_windows")) == 2


def test_state_of_another_cursor_is_not_used(tenant: Tenant) -> None:
    """A bookmark of one column says nothing about another."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2))])
    state = {
        "bookmarks": {
            "alerts": {"replication_key": "IngestionTime", "replication_key_value": at(hours=1)}
        }
    }

    assert tenant.sync(ALERTS, state=state).values("alerts", "AlertId") == ["da1"]


def test_bookmark_that_is_ahead_of_the_clock_is_told_of(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is read until then, which nobody may want."""
    bookmark = {"replication_key": "Timestamp", "replication_key_value": at(hours=-2)}

    run = tenant.sync(ALERTS, state={"bookmarks": {"alerts": bookmark}})

    assert run.failed == {}
    said = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    ahead = f"the bookmark {at(hours=-2)} is ahead of the clock"
    assert sum(ahead in line for line in said) == 1


@pytest.mark.parametrize("given", [True, False])
def test_state_of_another_cursor_is_not_used_with_a_catalog_of_that_time(
    tenant: Tenant, caplog: pytest.LogCaptureFixture, *, given: bool
) -> None:
    """Windows are bounded by the query's cursor, so the state is about that, not about a label."""
    query = {
        "name": "alerts",
        "query": "AlertInfo | project Timestamp, AlertId, D = Timestamp + 1d",
    }
    tenant.emulator.engine.load("AlertInfo", [alert(n, at(hours=n)) for n in range(1, 60)])
    streams = catalog(tenant, {**query, "replication_key": "D"})
    first = tenant.sync({**query, "replication_key": "D"}, catalog=streams)

    second = tenant.sync(query, catalog=streams if given else None, state=first.state)

    assert len(second.records("alerts")) == 59
    assert second.state["bookmarks"]["alerts"]["replication_key"] == "Timestamp"
    assert second.schemas("alerts")[0]["bookmark_properties"] == ["Timestamp"]
    assert ("is read by Timestamp, not by D" in caplog.text) is given


@pytest.mark.parametrize("holes", [None, "x", {}, [None], [[]]])
def test_holes_of_another_hand_stop_their_stream_alone(tenant: Tenant, holes: object) -> None:
    """The other streams are read, whichever comes first."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2))])
    bookmark = {"replication_key": "Timestamp", "replication_key_value": at(hours=5)}
    state = {"bookmarks": {"b": {**bookmark, "holes": holes}}}

    run = tenant.sync({**ALERTS, "name": "a"}, {**ALERTS, "name": "b"}, state=state)

    assert len(run.records("a")) == 1
    assert set(run.failed) == {"b"}
    assert "mend it or remove it" in run.failed["b"]


def test_state_that_cannot_be_read_stops_the_stream(tenant: Tenant) -> None:
    """A bookmark that is none must not become a fresh start, nor a skipped span."""
    state = {
        "bookmarks": {"alerts": {"replication_key": "Timestamp", "replication_key_value": "soon"}}
    }

    run = tenant.sync(ALERTS, state=state)

    assert "mend it or remove it" in run.failed["alerts"]
    assert run.state == state


def test_table_is_covered_up_to_when_its_reading_began(tenant: Tenant) -> None:
    """A row that comes while it is read may be in it, or not."""
    devices = {"name": "devices", "query": "DeviceInfo", "replication_method": "FULL_TABLE"}
    streams = catalog(tenant, devices)
    tenant.emulator.fail_next(429, headers={"Retry-After": "600"})

    run = tenant.sync(devices, catalog=streams, state={"bookmarks": {"devices": {"holes": "x"}}})

    (covered,) = run.records("hunting_windows")
    assert covered["window_end"] == at()
    assert covered["finished_at"] > at()
