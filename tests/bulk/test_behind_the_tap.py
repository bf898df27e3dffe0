"""The tap's own lines, as they come from a tenant."""

import json
from collections.abc import Mapping

from bulk_loader.lines import runs
from hunting_emulator.engine import Engine
from hunting_emulator.tables import Table
from tests.bulk.loads import Database, Json
from tests.tap.harness import HOUR, NOW, Run, Tenant

TEN = f"{NOW:%Y-%m-%dT10:00:00}.1234567Z"
LATER = f"{NOW:%Y-%m-%dT12:30:00}.7654321Z"
EVENTS: Mapping[str, Json] = {"name": "events", "table": "Events"}


def load(database: Database, run: Run) -> None:
    """Load what the tap wrote."""
    database.load_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in run.lines))


def test_column_that_changes_its_type_keeps_its_values(tenant: Tenant, database: Database) -> None:
    """A number that becomes a text at the service is text from then on, the old rows too."""
    table = Table.of("Events", {"Timestamp": "datetime", "Code": "long"})
    tenant.emulator.use_engine(Engine(tables=[table]))
    tenant.emulator.engine.load("Events", [{"Timestamp": TEN, "Code": 2**62 + 1}])
    first = tenant.sync(EVENTS)
    changed = Table.of("Events", {"Timestamp": "datetime", "Code": "string"})
    tenant.emulator.use_engine(Engine(tables=[changed]))
    tenant.emulator.engine.load("Events", [{"Timestamp": LATER, "Code": "0x7f"}])
    tenant.emulator.clock.advance(HOUR)
    second = tenant.sync(EVENTS, state=first.state)

    load(database, first)
    load(database, second)

    assert (first.failed, second.failed) == ({}, {})
    held = database.ask("SELECT Timestamp::VARCHAR, Code FROM events ORDER BY 1")
    assert held == [
        (f"{NOW:%Y-%m-%d} 10:00:00.1234567", str(2**62 + 1)),
        (f"{NOW:%Y-%m-%d} 12:30:00.7654321", "0x7f"),
    ]


def test_windows_say_what_was_read(tenant: Tenant, database: Database) -> None:
    """`hunting_windows` is a table whose windows join, and count the rows that are there."""
    tenant.emulator.engine.load("AlertInfo", [{"Timestamp": TEN, "AlertId": "a"}])
    query = {"name": "alerts", "query": "AlertInfo"}
    catalog = json.loads(tenant.tap(tenant.config(query)).catalog_json_text)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = True

    first = tenant.sync(query, catalog=catalog)
    load(database, first)
    tenant.emulator.clock.advance(HOUR)
    load(database, tenant.sync(query, catalog=catalog, state=first.state))

    [(rows, runs, statuses)] = database.ask(
        "SELECT sum(rows), count(DISTINCT run_id), list(DISTINCT status) FROM hunting_windows"
    )
    assert (rows >= database.rows("alerts"), runs, statuses) == (True, 2, ["complete"])
    assert database.types("hunting_windows")["window_end"] == "TIMESTAMP_NS"


def test_row_that_is_read_again_is_one_row(tenant: Tenant, database: Database) -> None:
    """The lookback reads rows twice; the table has them once."""
    recent = f"{NOW:%Y-%m-%dT11:40:00}.0000001Z"
    tenant.emulator.engine.load(
        "AlertInfo", [{"Timestamp": when, "AlertId": "a"} for when in (TEN, recent, recent)]
    )
    query = {"name": "alerts", "query": "AlertInfo"}
    first = tenant.sync(query)
    tenant.emulator.clock.advance(HOUR)
    second = tenant.sync(query, state=first.state, lookback_minutes=120)

    load(database, first)
    load(database, second)

    assert len(second.records("alerts")) > 0
    assert database.rows("alerts") == 3


def test_rows_of_several_answers_are_one_run(tenant: Tenant) -> None:
    """Lines that are told apart by the time of their answer alone are not looked at one by one."""
    rows = [{"Timestamp": f"{TEN[:-9]}.{n:07}Z", "AlertId": f"{n}"} for n in range(4)]
    tenant.emulator.engine.load("AlertInfo", rows)
    done = tenant.sync({"name": "alerts", "query": "AlertInfo"}, max_rows_per_call=2)
    records = [line for line in done.lines if line["type"] == "RECORD"]
    text = b"".join(json.dumps(line).encode() + b"\n" for line in records)

    assert len({line["time_extracted"] for line in records}) > 1
    assert [(run.stream, run.lines) for run in runs(text)] == [(b"alerts", 4)]
