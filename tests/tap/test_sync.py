"""The tap from settings to Singer lines, against the emulator."""

from typing import Any

import pytest

from tests.tap.harness import HOUR, Tenant, at

ALERTS = {"name": "alerts", "query": "AlertInfo\n| project Timestamp, AlertId, Title // all"}


def alert(number: int, timestamp: str) -> dict[str, Any]:
    """Return an alert as the service holds it."""
    return {"Timestamp": timestamp, "AlertId": f"da{number}", "Title": f"Alert {number}"}


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_rows_arrive_with_schema_before_and_state_after(tenant: Tenant, api: str) -> None:
    """A first run reads what the service has, and says how far it is complete."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2)), alert(2, at(hours=1))])

    run = tenant.sync(ALERTS, api=api)

    assert run.values("alerts", "AlertId") == ["da1", "da2"]
    assert [line["type"] for line in run.lines][-3:] == ["RECORD", "RECORD", "STATE"]
    assert run.lines[0]["type"] == "SCHEMA"
    assert run.schemas("alerts")[0]["key_properties"] == ["_row_id"]
    assert run.bookmark("alerts") == at(minutes=5)
    assert run.failed == {}


def test_next_run_reads_what_is_new_and_the_lookback(tenant: Tenant) -> None:
    """The bookmark is where the last run ended; an hour before it is read again for late rows."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2)), alert(2, at(minutes=30))])
    first = tenant.sync(ALERTS)
    tenant.emulator.engine.load("AlertInfo", [alert(3, at(minutes=4))])
    tenant.emulator.clock.advance(HOUR)

    second = tenant.sync(ALERTS, state=first.state)

    assert second.values("alerts", "AlertId") == ["da2", "da3"]
    again = {record["AlertId"]: record["_row_id"] for record in first.records("alerts")}
    assert second.records("alerts")[0]["_row_id"] == again["da2"]


def test_run_without_rows_still_advances(tenant: Tenant) -> None:
    """An empty window is a complete one; retention must not overtake a quiet stream."""
    run = tenant.sync(ALERTS)

    assert run.records("alerts") == []
    assert run.bookmark("alerts") == at(minutes=5)


def test_backfill_leaves_the_bookmark_alone(tenant: Tenant) -> None:
    """With an end date a span is read once, whatever the state says."""
    tenant.emulator.engine.load(
        "AlertInfo", [alert(1, at(days=9)), alert(2, at(days=7)), alert(3, at(days=1))]
    )
    first = tenant.sync(ALERTS)

    run = tenant.sync(ALERTS, state=first.state, start_date=at(days=9), end_date=at(days=7))

    assert run.values("alerts", "AlertId") == ["da1"]
    assert run.state == first.state


def test_whole_table_is_read_by_arrival_so_that_late_rows_are_found(tenant: Tenant) -> None:
    """With ingestion time as cursor a row is read when it arrives, however old it is."""
    devices = {"table": "DeviceInfo", "replication_key": "ingestion_time"}
    tenant.emulator.engine.load("DeviceInfo", [{"Timestamp": at(hours=3), "DeviceId": "on-time"}])
    first = tenant.sync(devices)
    late = {"Timestamp": at(days=3), "DeviceId": "late", "_ingestion_time": at(minutes=-10)}
    tenant.emulator.engine.load("DeviceInfo", [late])
    tenant.emulator.clock.advance(HOUR)

    second = tenant.sync(devices, state=first.state)

    assert second.values("device_info", "DeviceId") == ["late"]
    assert first.schemas("device_info")[0]["bookmark_properties"] == ["IngestionTime"]


def test_table_without_time_is_read_whole_each_run(tenant: Tenant) -> None:
    """A snapshot has no bookmark."""
    row = {"DeviceId": "d1", "CveId": "CVE-2026-1"}
    tenant.emulator.engine.load("DeviceTvmSoftwareVulnerabilities", [row])
    query = {"table": "DeviceTvmSoftwareVulnerabilities", "name": "vulnerabilities"}

    first = tenant.sync(query)
    second = tenant.sync(query, state=first.state)

    assert first.records("vulnerabilities") == second.records("vulnerabilities")
    assert second.values("vulnerabilities", "CveId") == ["CVE-2026-1"]


def test_aggregate_bounds_itself_by_the_window(tenant: Tenant) -> None:
    """A query that uses the window's names is asked for each window, and bookmarks its end."""
    counts = {
        "name": "counts",
        "query": "AlertInfo\n| where Timestamp >= window_start and Timestamp < window_end\n"
        "| summarize Alerts = count() by Title",
        "start_date": at(days=3),  # a call for each hour from there on
    }
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2)), alert(1, at(days=1))])

    first = tenant.sync(counts)
    tenant.emulator.clock.advance(HOUR)
    second = tenant.sync(counts, state=first.state)

    assert first.values("counts", "Alerts") == [1, 1]
    assert first.values("counts", "window_start") == [at(days=2), at(days=1)]
    assert second.records("counts") == []
    assert first.bookmark("counts") < second.bookmark("counts")


def test_query_that_the_service_refuses_fails_alone(tenant: Tenant) -> None:
    """One misspelled table must not stop the hunt."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2))])

    run = tenant.sync({"name": "misspelled", "query": "AlertInfos"}, ALERTS)

    assert run.values("alerts", "AlertId") == ["da1"]
    assert list(run.failed) == ["misspelled"]
    assert "'AlertInfos'" in run.failed["misspelled"]


@pytest.mark.parametrize("expression", ["int(Title)", "nosuch(Title)", "Title / 2"])
def test_stream_map_that_fails_stops_its_stream_alone_and_shows_no_value(
    tenant: Tenant, caplog: pytest.LogCaptureFixture, expression: str
) -> None:
    """An expression's error may quote what is in the row."""
    caplog.set_level("DEBUG")
    secret = {**alert(1, at(days=1)), "Title": "Malware on PC-7"}
    tenant.emulator.engine.load("AlertInfo", [secret])
    maps = {"alerts": {"Title": expression}}

    run = tenant.sync(ALERTS, {**ALERTS, "name": "others"}, stream_maps=maps)

    assert "A stream map of alerts fails on a record (" in run.failed["alerts"]
    assert "replication_key_value" not in run.state["bookmarks"].get("alerts", {})
    assert run.values("others", "AlertId") == ["da1"]
    assert "PC-7" not in caplog.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("NoSuchTable", "answered 400: Failed to resolve table", id="refused"),
        pytest.param(ALERTS["query"], "The catalog does not have it", id="new"),
    ],
)
def test_query_that_the_catalog_has_not_is_named_with_the_cause(
    tenant: Tenant, text: str, words: str
) -> None:
    """One call tells if discovery left it out for a cause that holds, or it is new since."""
    catalog = tenant.tap(tenant.config(ALERTS)).catalog_dict
    earlier = len(tenant.emulator.calls)

    run = tenant.sync(ALERTS, {"name": "new", "query": text}, catalog=catalog)

    assert len(tenant.emulator.calls) - earlier == 2
    assert words in run.failed["new"]
    assert {line["stream"] for line in run.lines if "stream" in line} == {"alerts"}


def test_more_rows_than_one_answer_holds_are_all_read(tenant: Tenant) -> None:
    """The service cuts silently at the row cap; the tap goes on where it was cut."""
    tenant.emulator.configure(row_cap=10)
    tenant.emulator.engine.load("AlertInfo", [alert(n, at(hours=n)) for n in range(1, 96)])

    run = tenant.sync(ALERTS, max_rows_per_call=10)

    assert sorted(run.values("alerts", "AlertId")) == sorted(f"da{n}" for n in range(1, 96))
    assert len(set(run.values("alerts", "_row_id"))) == 95
