"""Nothing lost, nothing cut, nothing read twice for nothing: the tap's promise, end to end."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tap_m365hunting.instants import Instant
from tests.tap.harness import HOUR, NOW, Run, Tenant, at
from tests.tap.hearing import heard
from tests.tap.test_coverage import catalog
from tests.tap.test_reader import OLD, answer, read, row

EVENTS = {"name": "events", "query": "DeviceEvents\n| project Timestamp, ReportId, DeviceId"}
TOO_BIG = ["result_size", "preempted", "bad_gateway", "timed_out"]


def event(number: int, timestamp: str | Instant) -> dict[str, Any]:
    """Return an event as the service holds it."""
    return {"Timestamp": str(timestamp), "ReportId": number, "DeviceId": f"d{number % 7}"}


def exact(run: Run, rows: int, *, stream: str = "events", column: str = "ReportId") -> bool:
    """Say if each of so many numbered rows was written, and none of them as two."""
    numbers = Counter(run.values(stream, column))
    ids = Counter(run.values(stream, "_row_id"))
    return (
        run.failed == {} and set(numbers) == set(range(rows)) and set(ids.values()) <= {1}
        and len(ids) == rows
    )  # fmt: skip


def coverage(run: Run) -> list[dict[str, Any]]:
    """Return the windows told of, each checked to start where the one before ended."""
    told = run.records("hunting_windows")
    for before, after in pairwise(told):
        assert before["window_end"] == after["window_start"]
    return told


def test_two_backfills_that_share_a_bound_share_no_row(tenant: Tenant) -> None:
    """The last tick before a bound belongs to one, the bound itself to the other."""
    start, middle, end = (Instant.parse(at(days=days)) for days in (3, 2, 1))
    edges = [bound.plus(ticks) for bound in (start, middle, end) for ticks in (-1, 0, 1)]
    tenant.emulator.engine.load("DeviceEvents", map(event, range(9), edges))

    first = tenant.sync(EVENTS, start_date=str(start), end_date=str(middle))
    second = tenant.sync(EVENTS, start_date=str(middle), end_date=str(end))

    assert first.values("events", "ReportId") == [1, 2, 3]
    assert second.values("events", "ReportId") == [4, 5, 6]


@pytest.mark.parametrize("refused", [pytest.param([kind], id=kind) for kind in TOO_BIG])
def test_rows_at_the_edges_of_seconds_survive_every_cut(tenant: Tenant, refused: list[str]) -> None:
    """Windows end on whole seconds or on rows; a row on either side of any cut comes once."""
    tenant.emulator.configure(row_cap=10)
    seconds = [Instant.parse(at(minutes=10 + minute)) for minute in range(30)]
    edges = [second.plus(ticks) for second in seconds for ticks in (-1, 0, 1)]
    tenant.emulator.engine.load("DeviceEvents", map(event, range(len(edges)), edges))
    tenant.emulator.fail_at_random(0.2, seed=3, names=refused)

    run = tenant.sync(EVENTS, max_rows_per_call=10)

    assert exact(run, len(edges))


def test_instant_with_more_rows_than_an_answer_holds_is_read_in_parts(tenant: Tenant) -> None:
    """Time cannot be cut below its tick; a hash of the row can, and a count proves the sum."""
    tenant.emulator.configure(row_cap=100)
    crowd = [event(n, at(days=2)) for n in range(250)]
    others = [event(250 + n, at(days=1, minutes=n)) for n in range(40)]
    tenant.emulator.engine.load("DeviceEvents", crowd + others)

    run = tenant.sync(EVENTS, catalog=catalog(tenant, EVENTS), max_rows_per_call=100)

    assert exact(run, 290)
    (instant,) = [told for told in coverage(run) if told["window_start"] == at(days=2)]
    assert (instant["rows"], instant["expected_rows"]) == (250, 250)
    assert instant["splits"] >= 1


def test_equal_rows_of_one_instant_are_all_kept(tenant: Tenant) -> None:
    """Two events that say the same are two events, in an answer or in hash parts."""
    tenant.emulator.configure(row_cap=100)
    twins = [{**event(n, at(days=2)), "DeviceId": ""} for n in range(150) for _ in range(2)]
    tenant.emulator.engine.load("DeviceEvents", twins)

    first = tenant.sync(EVENTS, max_rows_per_call=100)
    tenant.emulator.configure(row_cap=1000)
    second = tenant.sync(EVENTS)

    ids = first.values("events", "_row_id")
    assert len(set(ids)) == len(ids) == 300
    assert set(second.values("events", "_row_id")) == set(ids)


BAGS = "CloudAppEvents | project Timestamp, AccountId, RawEventData"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"name": "bags", "query": BAGS}, id="instant"),
        pytest.param(
            {"name": "bags", "query": f"{BAGS} | project-away Timestamp"}, id="whole-table"
        ),
        pytest.param(
            {
                "name": "bags",
                "query": f"{BAGS} | where Timestamp >= window_start and Timestamp < window_end",
            },
            id="window",
        ),
    ],
)
def test_equal_rows_whose_keys_are_ordered_otherwise_are_all_kept(
    tenant: Tenant, query: dict[str, str]
) -> None:
    """They say the same, but a hash of their text does not, so they may be in different parts."""
    bags = [{"x": 1, "y": {"a": 2, "b": 3}}, {"y": {"b": 3, "a": 2}, "x": 1}]
    rows = [
        {"Timestamp": at(days=2), "AccountId": f"a{n}", "RawEventData": bag}
        for n in range(150)
        for bag in bags
    ]
    tenant.emulator.engine.load("CloudAppEvents", rows)
    tenant.emulator.configure(row_cap=100)

    run = tenant.sync(query, max_rows_per_call=100)

    ids = run.values("bags", "_row_id")
    assert run.failed == {}
    assert len(set(ids)) == len(ids) == 300


@pytest.mark.parametrize("refused", [*([kind] for kind in TOO_BIG), TOO_BIG], ids="-".join)
def test_backfill_ends_although_a_third_of_its_calls_is_too_big(
    tenant: Tenant, refused: list[str]
) -> None:
    """Each way to say "too much" narrows the window, and every row still comes once."""
    streams = catalog(tenant, EVENTS)
    tenant.emulator.configure(row_cap=100)
    tenant.emulator.engine.load(
        "DeviceEvents", [event(n, at(minutes=10 + 7 * n)) for n in range(500)]
    )
    tenant.emulator.fail_at_random(1 / 3, seed=1, names=refused)

    run = tenant.sync(EVENTS, catalog=streams, max_rows_per_call=100)

    told = coverage(run)
    assert exact(run, 500)
    assert sum(window["rows"] for window in told) == 500
    assert {window["status"] for window in told} == {"complete"}
    assert sum(window["calls"] for window in told) == len(tenant.emulator.calls) - 1
    assert len(tenant.emulator.calls) < 100


@pytest.mark.parametrize("parallel", [1, 4])
def test_rows_of_a_rounded_cursor_come_once(tenant: Tenant, parallel: int) -> None:
    """A bin that is cut at the cap is read again as a whole, so nothing of it is written before."""
    tenant.emulator.configure(row_cap=100)
    tenant.emulator.engine.load(
        "DeviceEvents", [event(n, at(hours=2, minutes=7 * n)) for n in range(1000)]
    )
    query = "DeviceEvents | extend Timestamp = bin(Timestamp, 1h) | project Timestamp, ReportId"

    run = tenant.sync(
        {"name": "events", "query": query}, max_rows_per_call=100, max_parallel_calls=parallel
    )

    assert sorted(run.values("events", "ReportId")) == list(range(1000))


@pytest.mark.parametrize("width", ["1h", "4h", "1d"])
def test_late_row_of_a_bin_that_is_wider_than_the_lookback_is_read(
    tenant: Tenant, width: str
) -> None:
    """The lookback reads the bin again that it reaches into, or rows that came late are missed."""
    query = (
        f"DeviceEvents | extend Timestamp = bin(Timestamp, {width}) | project Timestamp, ReportId"
    )
    events = {"name": "events", "query": query}
    tenant.emulator.clock.set(NOW.replace(hour=0, minute=6))
    tenant.emulator.engine.load("DeviceEvents", [event(0, at(hours=15))])
    first = tenant.sync(events)
    tenant.emulator.engine.load("DeviceEvents", [event(1, at(hours=12, minutes=10))])
    tenant.emulator.clock.set(NOW.replace(minute=6) + 24 * HOUR)

    second = tenant.sync(events, state=first.state)

    assert first.values("events", "ReportId") == [0]
    assert 1 in second.values("events", "ReportId")


def test_bins_that_retention_cuts_are_told_as_lost_up_to_where_reading_begins(
    tenant: Tenant,
) -> None:
    """Nothing lies between the gap and what is read."""
    window = "Timestamp >= window_start and Timestamp < window_end"
    days = f"DeviceEvents | where {window} | summarize N = count() by Day = bin(Timestamp, 1d)"
    sums = {"name": "sums", "query": days}
    streams = catalog(tenant, sums)
    first = tenant.sync(sums, catalog=streams)
    tenant.emulator.clock.advance(31 * 24 * HOUR)

    gap, *_ = coverage(tenant.sync(sums, catalog=streams, state=first.state))

    assert gap["status"] == "gap_retention"
    assert gap["window_end"][11:19] == "00:00:00"


def test_service_that_answers_nothing_is_not_taken_for_unreadable_rows(tenant: Tenant) -> None:
    """A hole is for a window that fails among others that do not; an outage ends the run."""
    streams = catalog(tenant, EVENTS)
    tenant.emulator.fail_next("timed_out", times=None)

    run = tenant.sync(
        EVENTS,
        catalog=streams,
        start_date=at(minutes=8),
        on_unreadable_window="skip",
    )

    assert "cannot answer" in run.failed["events"]
    assert len(coverage(run)) == 1


@pytest.mark.parametrize("refused", TOO_BIG)
def test_columns_are_asked_for_again_if_the_service_was_too_busy(
    tenant: Tenant, refused: str
) -> None:
    """No rows are asked for, so there is nothing to narrow; what refused it may pass."""
    tenant.emulator.engine.load("DeviceEvents", [event(0, at(days=1))])
    tenant.emulator.fail_next(refused, times=2)

    assert exact(tenant.sync(EVENTS), 1)


@pytest.mark.parametrize("hours", [-24, 0, 1, 24])
def test_clock_that_is_ahead_calls_nothing_complete(tenant: Tenant, hours: int) -> None:
    """Local time taken for UTC, for instance: rows of hours to come would never be read."""
    tenant.emulator.engine.load("DeviceEvents", [event(0, at(days=2))])
    tenant.ahead = hours * HOUR

    run = tenant.sync(EVENTS)

    assert (run.states == []) is (hours > 0)
    if hours > 0:
        said = f"is {timedelta(hours=hours)} (h:mm:ss) ahead of the service's (2026-03-01"
        assert said in run.failed["events"]
    else:
        assert exact(run, 1)


def test_steady_run_with_nothing_new_spends_one_call_a_stream(tenant: Tenant) -> None:
    """With a catalog there is nothing else to ask, and what comes again is the lookback alone."""
    queries = [{**EVENTS, "name": f"events_{n}"} for n in range(3)]
    tenant.emulator.engine.load(
        "DeviceEvents", [event(n, at(minutes=10 + 11 * n)) for n in range(300)]
    )
    streams = catalog(tenant, *queries)
    first = tenant.sync(*queries, catalog=streams)
    tenant.emulator.clock.advance(HOUR / 4)
    spent = len(tenant.emulator.calls)

    second = tenant.sync(*queries, catalog=streams, state=first.state)

    assert len(tenant.emulator.calls) - spent == 3
    for query in queries:
        again = second.records(query["name"])
        assert {row["_row_id"] for row in again} <= {
            row["_row_id"] for row in first.records(query["name"])
        }
        assert all(row["Timestamp"] >= at(minutes=65) for row in again)


def test_steady_run_without_lookback_reads_no_row_twice(tenant: Tenant) -> None:
    """The bookmark is the first instant not yet read, so nothing comes again."""
    tenant.emulator.engine.load(
        "DeviceEvents", [event(n, at(minutes=5 - n / 10)) for n in range(-20, 20)]
    )
    first = tenant.sync(EVENTS, lookback_minutes=0)
    tenant.emulator.clock.set(NOW + HOUR)

    second = tenant.sync(EVENTS, lookback_minutes=0, state=first.state)

    numbers = first.values("events", "ReportId") + second.values("events", "ReportId")
    assert sorted(numbers) == list(range(-20, 20))


DEVICES = {"name": "devices", "query": "DeviceEvents | project ReportId, DeviceId"}
VERSIONED: dict[str, Any] = {"emit_activate_version_messages": True}


def activations(run: Run) -> list[int]:
    """Return the versions that were activated; each stands behind the records it is of."""
    found = [line["version"] for line in run.lines if line["type"] == "ACTIVATE_VERSION"]
    kinds = [line["type"] for line in run.lines if line["type"] in {"RECORD", "ACTIVATE_VERSION"}]
    assert kinds == sorted(kinds, key=["RECORD", "ACTIVATE_VERSION"].index)
    return found


def test_table_larger_than_an_answer_is_read_in_parts(tenant: Tenant) -> None:
    """Without a time to cut by, a hash cuts, and the parts hold as many rows as were counted."""
    tenant.emulator.configure(row_cap=100)
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(days=1)) for n in range(450)])

    run = tenant.sync(DEVICES, catalog=catalog(tenant, DEVICES), max_rows_per_call=100)

    (told,) = coverage(run)
    assert exact(run, 450, stream="devices")
    assert (told["rows"], told["expected_rows"], told["status"]) == (450, 450, "complete")
    assert told["calls"] == len(tenant.emulator.calls) - 1


def test_version_is_activated_once_every_part_has_arrived(tenant: Tenant) -> None:
    """A loader drops the rows of the run before when those of this one are there, not sooner."""
    tenant.emulator.configure(row_cap=100)
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(days=1)) for n in range(150)])

    run = tenant.sync(DEVICES, EVENTS, max_rows_per_call=100, **VERSIONED)

    (version,) = {line["version"] for line in run.lines if line["type"] == "ACTIVATE_VERSION"}
    versions = [
        (line["stream"], line.get("version")) for line in run.lines if line["type"] == "RECORD"
    ]
    assert set(versions) == {("devices", version), ("events", None)}
    last = max(n for n, line in enumerate(run.lines) if line.get("stream") == "devices")
    assert run.lines[last]["type"] == "ACTIVATE_VERSION"


def test_runs_right_after_one_another_have_versions_of_their_own(tenant: Tenant) -> None:
    """With one version for two runs a loader would keep a row that is gone from the table."""
    tenant.emulator.engine.load("DeviceEvents", [event(1, at(days=1))])

    found = [activations(tenant.sync(DEVICES, **VERSIONED))[0] for _ in range(5)]

    assert found == sorted(set(found))


def test_version_is_not_activated_if_a_part_is_missing(tenant: Tenant) -> None:
    """Half a table must not take the place of a whole one."""
    tenant.emulator.configure(row_cap=100)
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(days=1)) for n in range(150)])
    tenant.emulator.fail_next("result_size", times=None, when=", 2) == 1")
    tenant.emulator.fail_next("result_size", times=None, when=") == ")

    run = tenant.sync(DEVICES, max_rows_per_call=100, **VERSIONED)

    assert "devices" in run.failed
    assert activations(run) == []


def test_version_is_sent_only_if_asked_for(tenant: Tenant) -> None:
    """Loaders differ in what they make of it, so it is off unless it is set."""
    tenant.emulator.engine.load("DeviceEvents", [event(0, at(days=1))])

    run = tenant.sync(DEVICES)

    assert activations(run) == []
    assert [line.get("version") for line in run.lines if line["type"] == "RECORD"] == [None]


def test_bookmark_of_another_cursor_is_told_and_not_used(tenant: Tenant) -> None:
    """What is complete by arrival says nothing about what is complete by time."""
    tenant.emulator.engine.load("DeviceEvents", [event(0, at(days=9))])
    table = {"name": "events", "table": "DeviceEvents"}
    first = tenant.sync({**table, "replication_key": "ingestion_time"})

    with heard() as log:
        second = tenant.sync(table, state=first.state)

    assert second.values("events", "ReportId") == [0]
    assert "one of IngestionTime, which says nothing about Timestamp" in log.getvalue()


def test_answer_as_long_as_a_former_row_cap_is_told() -> None:
    """The service does not say that it cuts; a number of rows that it once cut at is a hint."""
    with heard() as log:
        read([answer(OLD, *[row(1, Port=n) for n in range(10_000)])], row_cap=100_000)

    assert "Exactly 10000 rows" in log.getvalue()
