"""Data kept longer than 30 days is read whole, or told as a gap; never complete on belief."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator.settings import Settings, made_up
from tests.tap.commands import CHECK, Commands
from tests.tap.harness import NOW, Run, Tenant, at
from tests.tap.test_coverage import catalog

DAY = timedelta(days=1)
KEPT_DAYS = 90
ROWS = 900
SIGNINS = {
    "name": "signins",
    "query": "SigninLogs | project TimeGenerated, CorrelationId",
    "retention_days": KEPT_DAYS,
}
EVENTS = {"name": "events", "query": "DeviceEvents | project Timestamp, ReportId"}
FIRST, SECOND = made_up(1, workspaces=2)[0].workspaces


@pytest.fixture
def connected(tenant: Tenant) -> Iterator[Tenant]:
    """A tenant connected to two Sentinel workspaces, with 90 days of rows in two tables."""
    before = tenant.emulator.settings
    tenant.emulator.settings = Settings(made_up(1, workspaces=2))
    hours = [(n + 0.5) * KEPT_DAYS * 24 / ROWS for n in range(ROWS)]
    tenant.emulator.load(
        "SigninLogs",
        [{"TimeGenerated": at(hours=h), "CorrelationId": str(n)} for n, h in enumerate(hours)],
    )
    tenant.emulator.load(
        "DeviceEvents",
        [{"Timestamp": at(hours=h), "ReportId": n} for n, h in enumerate(hours)],
    )
    yield tenant
    tenant.emulator.settings = before


def read(tenant: Tenant, *queries: dict[str, Any], **settings: Any) -> Run:  # noqa: ANN401 - JSON
    """Run once, with the coverage of every window."""
    return tenant.sync(*queries, catalog=catalog(tenant, *queries), **settings)


def complete_before(run: Run, days: float) -> list[dict[str, Any]]:
    """Return the windows of signins that are called complete and begin before so many days."""
    return [
        window
        for window in run.records("hunting_windows")
        if window["stream"] == "signins"
        and window["status"] == "complete"
        and window["window_start"] < at(days=days)
    ]


def test_every_row_of_ninety_days_is_read(connected: Tenant) -> None:
    """The other query keeps to its 30 days, and the calls stay within the promise."""
    streams = catalog(connected, SIGNINS, EVENTS)
    spent = len(connected.emulator.calls)

    run = connected.sync(SIGNINS, EVENTS, catalog=streams, max_rows_per_call=100)

    assert run.failed == {}
    assert sorted(map(int, run.values("signins", "CorrelationId"))) == list(range(ROWS))
    young = [n for n in range(ROWS) if (n + 0.5) * KEPT_DAYS / ROWS < 30]
    assert sorted(run.values("events", "ReportId")) == young
    assert {w["status"] for w in run.records("hunting_windows")} == {"complete"}
    calls = connected.emulator.calls[spent:]
    assert len(calls) <= 2 + 2 + 1.1 * (ROWS + len(young)) / 100
    assert all(call.timespan is None for call in calls if "DeviceEvents" in call.query)


def test_no_timespan_is_sent_where_thirty_days_are_enough(connected: Tenant) -> None:
    """A steady run asks as if nothing were kept longer, and proves nothing again."""
    streams = catalog(connected, SIGNINS)
    first = connected.sync(SIGNINS, catalog=streams)
    connected.emulator.clock.advance(DAY)
    spent = len(connected.emulator.calls)

    second = connected.sync(SIGNINS, catalog=streams, state=first.state)

    assert second.failed == {}
    assert [call.timespan for call in connected.emulator.calls[spent:]] == [None]


def test_timespan_has_a_margin_at_both_ends(connected: Tenant) -> None:
    """No page says if its ends are inclusive, or which column it looks at."""
    streams = catalog(connected, SIGNINS)
    spent = len(connected.emulator.calls)

    connected.sync(SIGNINS, catalog=streams)

    spans = {call.timespan for call in connected.emulator.calls[spent:]} - {None}
    oldest, newest = (NOW - (KEPT_DAYS + 1) * DAY, NOW + DAY)
    assert spans == {f"{oldest:%Y-%m-%dT%H:%M:%SZ}/{newest:%Y-%m-%dT%H:%M:%SZ}"}


@pytest.mark.parametrize("mode", ["ignored", "refused"])
def test_timespan_without_effect_is_a_gap(
    connected: Tenant, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    """Nothing beyond 30 days is called complete; what is within is read as ever."""
    connected.emulator.configure(timespan=mode)

    run = read(connected, SIGNINS)

    assert run.failed == {}
    assert complete_before(run, 30) == []
    (gap,) = [w for w in run.records("hunting_windows") if w["status"] == "gap_retention"]
    assert (gap["window_start"], gap["window_end"]) == (at(days=KEPT_DAYS), at(days=30))
    assert "Timespan" in gap["message"]
    young = [n for n in range(ROWS) if (n + 0.5) * KEPT_DAYS / ROWS < 30]
    assert sorted(map(int, run.values("signins", "CorrelationId"))) == young
    assert any("are not shown" in r.message for r in caplog.records if r.levelname == "WARNING")


def test_timespan_taken_for_ingestion_calls_nothing_complete_that_is_not(
    connected: Tenant,
) -> None:
    """Whatever the service makes of it, complete windows hold all of their rows."""
    connected.emulator.configure(timespan="ingestion")

    run = read(connected, SIGNINS)

    seen = set(map(int, run.values("signins", "CorrelationId")))
    for window in complete_before(run, 0):
        for n in range(ROWS):
            moment = at(hours=(n + 0.5) * KEPT_DAYS * 24 / ROWS)
            inside = window["window_start"] <= moment < window["window_end"]
            assert not inside or n in seen


def test_data_younger_than_the_setting_is_told(connected: Tenant) -> None:
    """A table that was connected 50 days ago shows nothing older, and nobody can say why."""
    connected.emulator.configure(sentinel_retention_days=50)

    run = read(connected, SIGNINS)

    (gap,) = [w for w in run.records("hunting_windows") if w["status"] == "gap_retention"]
    assert at(days=50) <= gap["window_end"] < at(days=49)
    assert "oldest row" in gap["message"]
    assert complete_before(run, 50) == []


@pytest.mark.parametrize(
    "row", [{}, {"__rows": "many"}, {"__rows": -1}, {"__rows": 5, "__oldest": "long ago"}]
)
def test_count_of_old_rows_that_is_none_fails_its_stream_alone(
    connected: Tenant, row: dict[str, object]
) -> None:
    """Nothing is known then of what the service shows."""
    streams = catalog(connected, SIGNINS, EVENTS)
    columns = [{"name": name, "type": "String"} for name in ("__rows", "__oldest")]
    body = {"schema": columns, "results": [row]}
    connected.emulator.fail_next(200, body=body, times=None, when="__oldest")

    run = connected.sync(SIGNINS, EVENTS, catalog=streams)

    assert "answered with something else" in run.failed["signins"]
    assert list(run.failed) == ["signins"]
    assert run.values("events", "ReportId")


@pytest.mark.parametrize(
    ("query", "settings", "asked"),
    [
        pytest.param({}, {}, None, id="not-set"),
        pytest.param({}, {"workspace_id": SECOND}, SECOND, id="for-all"),
        pytest.param({"workspace_id": SECOND}, {"workspace_id": FIRST}, SECOND, id="of-the-query"),
    ],
)
def test_workspace_is_sent_only_if_set(
    connected: Tenant, query: dict[str, Any], settings: dict[str, Any], asked: str | None
) -> None:
    """Its own goes before that for all, in probes and reads alike."""
    run = connected.sync({**SIGNINS, **query}, **settings)

    assert run.failed == {}
    assert {call.workspace_id for call in connected.emulator.calls} == {asked}


def test_workspace_that_is_refused_is_told_in_words(connected: Tenant) -> None:
    """The metadata of Graph v1.0 do not have the parameter."""
    connected.emulator.configure(workspace_id="refused")

    run = connected.sync({**SIGNINS, "workspace_id": SECOND})

    assert "workspace_id" in run.failed["signins"]


VIEW = {"name": "view", "query": "SigninLogs\n| project Timestamp = tostring(TimeGenerated)"}
BOTH = {"name": "both", "query": "DeviceEvents\n| project TimeGenerated, Timestamp, ReportId"}
ACCESS = """\
Token and permission are good: Microsoft Graph, tenant aaaabbbb-0000-cccc-1111-dddd2222eeee
"""
GOLDEN = {
    "signins": f"""\
ok  signins  incremental  TimeGenerated
         10 rows a day; a daily run: 10 rows, 1 call, 0.1 min
         key: _row_id
         2 columns: TimeGenerated DateTime, CorrelationId String
{ACCESS}""",
    "view": f"""\
warning  view  full_table
         1:1 warning: Timestamp is String in the result, no datetime, so it bounds no windows and
         each run reads all rows anew. Keep the column as the table has it, convert it with
         todatetime(), or set replication_key
             SigninLogs
             ^
         a daily run: 300 rows, 1 call, 0.1 min
         key: _row_id
         1 column: Timestamp String
{ACCESS}""",
    "both": f"""\
ok  both  incremental  Timestamp
         10 rows a day; a daily run: 10 rows, 1 call, 0.1 min
         key: _row_id
         3 columns: TimeGenerated DateTime, Timestamp DateTime, ReportId Int64
{ACCESS}""",
}
NO_DATETIME = "Timestamp is text or a number in the result, no datetime, so it bounds no windows"


@pytest.mark.parametrize("query", [SIGNINS, VIEW, BOTH], ids=lambda query: str(query["name"]))
def test_check_names_the_cursor_with_the_service_and_without(
    connected: Tenant, tmp_path: Path, query: dict[str, Any]
) -> None:
    """The only time of Sentinel's tables; of two the event's own; and none that is text."""
    commands = Commands(tmp_path, connected.emulator)
    config = commands.file(connected.config(query))

    online = commands.run("check", "--config", config).output
    offline = commands.run("check", "--offline", "--config", config).output
    found = commands.run("check", "--format", "json", "--config", config).json(CHECK)

    assert online.lstrip().startswith(GOLDEN[query["name"]])
    assert len(found["queries"][0]["problems"]) == (query is VIEW)
    assert (NO_DATETIME in " ".join(offline.split())) == (query is VIEW)
