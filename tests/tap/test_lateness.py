"""What came late is counted and told, and a bookmark stays with the query that it is of."""

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.tap.commands import PLAN, Commands
from tests.tap.harness import HOUR, NOW, Run, Tenant, at
from tests.tap.hearing import heard
from tests.tap.test_coverage import catalog
from tests.tap.test_exactness import EVENTS, event

FILTERED = {"name": "events", "query": "DeviceEvents\n| where ReportId >= 0 // all"}


def load(tenant: Tenant, *minutes: float) -> None:
    """Put events into the table, so many minutes before now; they are there from here on."""
    rows = [event(n, at(minutes=back)) for n, back in enumerate(minutes)]
    tenant.emulator.engine.load("DeviceEvents", rows)


def late_rows(run: Run) -> list[int | None]:
    """Return what is told of each window, oldest first."""
    return [told["late_rows"] for told in run.records("hunting_windows")]


def twice(tenant: Tenant, *late: float, **settings: Any) -> tuple[Run, str]:  # noqa: ANN401 - JSON
    """Run, let rows come late, and run again an hour after; return that run and what it logs."""
    streams = catalog(tenant, EVENTS)
    first = tenant.sync(EVENTS, catalog=streams, **settings)
    assert set(late_rows(first)) == {0}
    load(tenant, *late)
    tenant.emulator.clock.set(NOW + HOUR)
    with heard() as log:
        second = tenant.sync(EVENTS, catalog=streams, state=first.state, **settings)
    assert second.failed == {}
    return second, log.getvalue()


def test_late_rows_are_counted_and_the_lookback_is_judged(tenant: Tenant) -> None:
    """The rows that a run finds behind the bookmark, and did not find before, came late."""
    load(tenant, 7, 30, 64)

    run, log = twice(tenant, 6, 30, 40)

    assert late_rows(run) == [3]
    # the bookmark is five minutes before the run, and bins are four minutes wide
    assert "events: 3 rows came late: lookback_minutes 36 would have sufficed (set: 60)" in log


def test_rows_as_late_as_can_be_seen_are_warned_of(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """At the far end of the lookback begins what nobody looks at."""
    with caplog.at_level(logging.WARNING):
        run, _ = twice(tenant, 64)

    assert late_rows(run) == [1]
    assert "lookback_minutes is 60, and what is older is missed; raise it" in caplog.text


def test_without_late_rows_nothing_is_said(tenant: Tenant) -> None:
    """New rows, and rows that are read again, are not late."""
    load(tenant, 7, 30, 64)

    run, log = twice(tenant, 4, -20)

    assert late_rows(run) == [0]
    assert "came late" not in log


@pytest.mark.parametrize("calls", [1, 3])
def test_late_rows_add_up_however_windows_are_cut(tenant: Tenant, calls: int) -> None:
    """A full answer ends a window anywhere; what it is told of is not told of twice."""
    tenant.emulator.configure(row_cap=100)
    load(tenant, *[6 + n / 10 for n in range(500)])

    run, _ = twice(
        tenant,
        *[6 + n / 4 for n in range(220)],
        max_rows_per_call=100,
        max_parallel_calls=calls,
    )

    assert len(late_rows(run)) > 3
    assert sum(rows or 0 for rows in late_rows(run)) == 220


def test_late_rows_of_one_instant_that_is_read_in_parts_are_counted(tenant: Tenant) -> None:
    """Hash parts come one after another, each in order of its own."""
    tenant.emulator.configure(row_cap=100)
    load(tenant, *[20.0] * 250)

    run, _ = twice(tenant, *[20.0] * 30, *[21.0] * 40, max_rows_per_call=100)

    assert sum(rows or 0 for rows in late_rows(run)) == 70


def test_after_a_change_of_the_lookback_nothing_is_known(tenant: Tenant) -> None:
    """Rows that were not looked at before may have been there."""
    first = tenant.sync(EVENTS)
    load(tenant, 20, 100)
    tenant.emulator.clock.set(NOW + HOUR)

    run = tenant.sync(
        EVENTS, state=first.state, catalog=catalog(tenant, EVENTS), lookback_minutes=120
    )

    assert late_rows(run) == [None]


def test_rows_of_a_hole_are_not_late(tenant: Tenant) -> None:
    """They could not be read; when they came, nobody knows."""
    streams = catalog(tenant, EVENTS)
    load(tenant, 5 + 1 / 60)
    tenant.emulator.fail_next("preempted", times=None, when="order by")
    skipping: dict[str, Any] = {
        "start_date": at(minutes=5, seconds=2),
        "on_unreadable_window": "skip",
    }
    first = tenant.sync(EVENTS, catalog=streams, **skipping)
    tenant.emulator.clear()
    tenant.emulator.clock.set(NOW + HOUR)

    second = tenant.sync(EVENTS, catalog=streams, state=first.state, **skipping)

    assert None in late_rows(first)
    assert second.values("events", "ReportId") == [0, 0]
    assert late_rows(second) == [None, None]
    assert "holes" not in second.state["bookmarks"]["events"]


def test_backfill_knows_of_no_late_rows(tenant: Tenant) -> None:
    """It has no run before it to compare with."""
    load(tenant, 60)

    run = tenant.sync(
        EVENTS,
        catalog=catalog(tenant, EVENTS),
        start_date=at(days=1),
        end_date=at(minutes=10),
    )

    assert set(late_rows(run)) == {None}
    assert "lookback" not in str(run.states)


def test_state_keeps_the_tally_only_at_the_end_of_a_run(tenant: Tenant) -> None:
    """In the middle of a span it would be that of another bookmark."""
    tenant.emulator.configure(row_cap=100)
    load(tenant, *[6 + n / 10 for n in range(500)])

    run = tenant.sync(EVENTS, max_rows_per_call=100)

    kept = [state["bookmarks"]["events"].get("lookback") for state in run.states]
    assert len(kept) > 3
    assert not any(kept[:-1])
    assert kept[-1]["end"] == run.bookmark("events")
    assert sum(kept[-1]["rows"]) == 500


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param("DeviceEvents | where ReportId >= 0", [], id="comment-and-lines"),
        pytest.param("DeviceEvents | where ReportId >= 1", [1, 2], id="value"),
    ],
)
def test_another_query_is_read_anew(tenant: Tenant, text: str, read: list[int]) -> None:
    """What the old text has read says nothing about the new one; a comment is no new text."""
    load(tenant, 3_000, 2_000, 1_000)
    first = tenant.sync(FILTERED)

    with heard() as log:
        second = tenant.sync({**FILTERED, "query": text}, state=first.state)

    assert second.values("events", "ReportId") == read
    said = "Stream events: the bookmark is one of another query text"
    assert (said in log.getvalue()) == bool(read)
    assert set(late_rows(second)) <= {0}


def test_plan_of_another_query_is_to_read_all(tenant: Tenant, tmp_path: Path) -> None:
    """What a change of the text comes to is seen before the run that pays for it."""
    load(tenant, 3_000, 2_000, 1_000)
    commands = Commands(tmp_path, tenant.emulator)
    state = commands.file(tenant.sync(FILTERED).state, "state.json")
    tenant.emulator.clock.set(NOW + HOUR)
    same, other = (
        commands.file(tenant.config({**FILTERED, "query": text}), name)
        for name, text in [
            ("same.json", "DeviceEvents | where ReportId >= 0"),
            ("other.json", "DeviceEvents | where ReportId >= 1"),
        ]
    )

    plans = [
        commands.run("plan", "--format", "json", "--config", config, "--state", state).json(PLAN)
        for config in (same, other)
    ]
    text = commands.run("plan", "--config", other, "--state", state).output

    (kept,), (anew,) = (plan["streams"] for plan in plans)
    assert (kept["rows"], "note" in kept) == (0, False)
    assert anew["rows"] == 2
    assert anew["note"].startswith("The bookmark is one of another query text")
    assert anew["note"] in " ".join(text.split())


def test_bookmark_can_be_kept_on_purpose(tenant: Tenant) -> None:
    """Whoever takes the fingerprint out of the state says that the texts mean the same."""
    load(tenant, 3_000, 10)
    changed = {**FILTERED, "query": "DeviceEvents | where ReportId >= 1"}
    state = tenant.sync(FILTERED).state
    del state["bookmarks"]["events"]["query"]
    tenant.emulator.clock.set(NOW + HOUR)

    run = tenant.sync(changed, state=state, catalog=catalog(tenant, changed))

    assert run.values("events", "ReportId") == [1]
    assert late_rows(run) == [None]
    assert run.state["bookmarks"]["events"]["query"].startswith("incremental-")


def test_window_of_the_query_s_own_has_a_fingerprint_too(tenant: Tenant) -> None:
    """A query that bounds itself is read anew as well if its text changes."""
    load(tenant, 3_000, 2_000)
    text = (
        "DeviceEvents | where Timestamp >= window_start and Timestamp < window_end "
        "| summarize N = count() by ReportId"
    )
    query = {"name": "events", "query": text, "window_minutes": 1440}
    first = tenant.sync(query)

    second = tenant.sync({**query, "query": f"{text} | where N > 0"}, state=first.state)

    assert sorted(second.values("events", "ReportId")) == [0, 1]
    assert first.state["bookmarks"]["events"]["query"].startswith("windowed-")


def test_tenants_have_tallies_and_fingerprints_of_their_own(tenant: Tenant) -> None:
    """What came late in one tenant is not late in another."""
    config = tenant.config(EVENTS)
    one = {key: config.pop(key) for key in ("tenant_id", "client_id", "client_secret")}
    load(tenant, 3_000)

    run = tenant.sync(EVENTS, tenants=[one], tenant_id=None, client_id=None, client_secret=None)

    (part,) = run.state["bookmarks"]["events"]["partitions"]
    assert part["query"].startswith("incremental-")
    assert part["lookback"]["end"] == part["replication_key_value"]
