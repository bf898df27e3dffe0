"""One event has one id: in every run, after its columns changed, in any spelling of the tenant."""

from collections.abc import Mapping
from typing import Any

import pytest

from hunting_emulator import Emulator
from hunting_emulator.tables import Table
from tests.tap.fleet import Fleet
from tests.tap.harness import HOUR, Run, Tenant, at, reading

EVENTS = {"name": "events", "query": "Events"}
WHOLE = {"name": "events", "query": "Events", "replication_method": "FULL_TABLE"}
COLUMNS = {"Timestamp": "datetime", "Id": "long", "Note": "string", "Port": "int"}


def hold(tenant: Tenant, columns: Mapping[str, str], **more: object) -> None:
    """Have a table of five events of the last hour, and nothing else."""
    now = tenant.emulator.clock.now()
    tenant.emulator.clear(data=True)
    tenant.emulator.clock.set(now)
    tenant.emulator.engine.create(Table.of("Events", columns))
    rows = [
        {"Timestamp": at(minutes=10 * n + 6), "Id": n, "Note": f'{{"n": {n}}}', "Port": n, **more}
        for n in range(5)
    ]
    tenant.emulator.engine.load("Events", [{k: row[k] for k in columns} for row in rows])


def by_event(*runs: Run) -> dict[int, set[str]]:
    """Return the ids of each event, over the runs."""
    found: dict[int, set[str]] = {}
    for run in runs:
        assert run.failed == {}
        for record in run.records("events"):
            found.setdefault(record["Id"], set()).add(record["_row_id"])
    return found


@pytest.mark.parametrize("query", [EVENTS, WHOLE], ids=["lookback", "whole-table"])
@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({**COLUMNS, "Port": "real"}, id="int-to-real"),
        pytest.param({**COLUMNS, "Port": "long"}, id="int-to-long"),
        pytest.param({**COLUMNS, "Note": "dynamic"}, id="string-to-dynamic"),
        pytest.param({**COLUMNS, "New": "string"}, id="column-added-and-filled"),
    ],
)
def test_event_has_one_id_though_its_table_changed(
    tenant: Tenant, query: dict[str, str], columns: dict[str, str]
) -> None:
    """The lookback, or the whole table, is read again under other columns."""
    hold(tenant, COLUMNS)
    first = tenant.sync(query)
    hold(tenant, columns, New="x")
    tenant.emulator.clock.advance(HOUR / 4)

    second = tenant.sync(query, state=first.state)

    assert [len(ids) for ids in by_event(first, second).values()] == [1] * 5
    assert len(second.records("events")) == 5


@pytest.mark.parametrize("query", [EVENTS, WHOLE], ids=["windows", "whole-table"])
def test_event_of_a_killed_first_run_keeps_its_id(tenant: Tenant, query: dict[str, str]) -> None:
    """A kill right behind the first row: the state before it already says what makes ids."""
    hold(tenant, COLUMNS)
    first = tenant.sync(query)
    until = next(
        n
        for n, line in enumerate(first.lines)
        if line.get("stream") == "events" and line["type"] == "RECORD"
    )
    before = [line["value"] for line in first.lines[:until] if line["type"] == "STATE"]
    hold(tenant, {**COLUMNS, "New": "string"}, New="x")

    second = tenant.sync(query, state=before[-1])

    assert [len(ids) for ids in by_event(first, second).values()] == [1] * 5
    assert len(second.records("events")) == 5


def test_event_keeps_its_id_though_the_state_knows_a_gap_alone(tenant: Tenant) -> None:
    """A bookmark behind a window that cannot be read, before any answer, is not an old one."""
    hold(tenant, COLUMNS)
    settings: dict[str, Any] = {"start_date": at(hours=3), "on_unreadable_window": "skip"}
    bad = reading(at(hours=3), at(hours=3, seconds=-1))
    tenant.emulator.fail_next("preempted", times=None, when=bad)
    first = tenant.sync(EVENTS, **settings)
    told = [state["bookmarks"]["events"] for state in first.states]
    gap = next(n for n, state in enumerate(told) if "replication_key_value" in state)
    assert told[gap]["replication_key_value"] == at(hours=3, seconds=-1)

    second = tenant.sync(EVENTS, state=first.states[gap], **settings)

    assert [len(ids) for ids in by_event(first, second).values()] == [1] * 5


def test_backfill_gives_the_ids_of_the_runs_beside_it(tenant: Tenant) -> None:
    """It neither reads nor moves the bookmark, but knows which columns make ids."""
    hold(tenant, COLUMNS)
    first = tenant.sync(EVENTS)
    hold(tenant, {**COLUMNS, "New": "string"}, New="x")

    backfill = tenant.sync(
        EVENTS, state=first.state, start_date=at(hours=2), end_date=at(minutes=5)
    )

    assert [len(ids) for ids in by_event(first, backfill).values()] == [1] * 5


def test_tenant_in_capitals_is_the_same_tenant(tenant: Tenant) -> None:
    """Neither the bookmark nor an id depends on how its id is spelled."""
    hold(tenant, COLUMNS)
    first = tenant.sync(EVENTS)
    tenant.emulator.clock.advance(HOUR / 4)

    second = tenant.sync(EVENTS, state=first.state, tenant_id=tenant.emulator.tenant_id.upper())
    anew = tenant.sync(EVENTS, tenant_id=tenant.emulator.tenant_id.upper())

    assert [len(ids) for ids in by_event(first, second, anew).values()] == [1] * 5
    assert len(second.records("events")) == 5
    assert second.state["bookmarks"]["events"]["tenant_id"] == tenant.emulator.tenant_id.lower()


def test_listed_tenant_in_capitals_has_one_part_and_no_second_reading(emulator: Emulator) -> None:
    """A part for each spelling would read thirty days again."""
    fleet = Fleet(emulator, 3)
    fleet.load(3, hours_back=9)
    first = fleet.sync()
    entries = [{**entry, "tenant_id": entry["tenant_id"].upper()} for entry in fleet.entries()]

    second = fleet.sync(state=first.state, tenants=entries)

    (name,) = second.state["bookmarks"]
    parts = second.state["bookmarks"][name]["partitions"]
    assert len(parts) == len(entries)
    assert second.records(name) == []


def as_of_0_1(run: Run, spelled: str) -> dict[str, Any]:
    """Return a state as version 0.1 wrote it."""
    saved = {k: v for k, v in run.state["bookmarks"]["events"].items() if k != "row_id"}
    return {"bookmarks": {"events": {**saved, "tenant_id": spelled}}}


@pytest.mark.parametrize("change", [str.lower, str.upper], ids=["lower", "upper"])
def test_state_of_version_0_1_goes_on_with_its_ids(tenant: Tenant, change: Any) -> None:  # noqa: ANN401
    """Rows that were loaded are read again under the ids that they were given then."""
    spelled = change(tenant.emulator.tenant_id)
    hold(tenant, {**COLUMNS, "Port": "real"})
    first = tenant.sync(EVENTS)

    old, state = list[Run](), as_of_0_1(first, spelled)
    for _ in range(2):
        tenant.emulator.clock.advance(HOUR / 8)
        old.append(tenant.sync(EVENTS, state=state))
        state = old[-1].state

    ids = by_event(*old)
    assert [len(run.records("events")) for run in old] == [5, 5]
    assert [len(found) for found in ids.values()] == [1] * 5
    assert ids.keys() == by_event(first).keys()
    assert not {i for found in by_event(first).values() for i in found} & {
        i for found in ids.values() for i in found
    }
