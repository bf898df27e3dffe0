"""A result whose columns change: within a run and between runs, with a catalog and without."""

from collections.abc import Mapping
from typing import Any

import pytest

from hunting_emulator.tables import Column, Table
from tests.tap.harness import HOUR, NOW, Run, Tenant, at
from tests.tap.test_coverage import catalog

EVENTS = {"name": "events", "query": "Events"}
NEW, GONE, CHANGED = "new", "gone", "changed"
POLICIES = ["evolve", "freeze", "fail"]


def event(number: int, timestamp: str, **more: object) -> dict[str, Any]:
    """Return a row of the table that will change."""
    return {"Timestamp": timestamp, "Id": number, **more}


class Drifting:
    """A table whose columns change after the first rows were read."""

    def __init__(self, tenant: Tenant, kind: str) -> None:
        self.tenant = tenant
        self._kind = kind
        columns = {"Timestamp": "datetime", "Id": "long", "Note": "string", "Port": "int"}
        self._engine = tenant.emulator.engine
        self._engine.create(Table.of("Events", columns))
        old = event(1, at(hours=5), Note="first", Port=80)
        self._engine.load("Events", [old])

    def change(self) -> None:
        """Change the columns and add a row that has them."""
        more: Mapping[str, object] = {"Note": "second", "Port": 443}
        if self._kind == NEW:
            self._engine.alter("Events", add=[Column("Added", "bool")])
            more = {**more, "Added": True}
        elif self._kind == GONE:
            self._engine.alter("Events", drop=["Port"])
            more = {"Note": "second"}
        else:
            self._engine.alter("Events", retype={"Port": "string"})
            more = {"Note": "second", "Port": "https"}
        self._engine.load("Events", [event(2, at(minutes=-10), **more)])

    def second(self, first: Run, streams: Mapping[str, Any] | None, policy: str) -> Run:
        """Run again an hour later, after the change."""
        self.change()
        self.tenant.emulator.clock.set(NOW + HOUR)
        return self.tenant.sync(
            EVENTS, state=first.state, catalog=streams, schema_drift=policy, lookback_minutes=0
        )


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", [NEW, GONE, CHANGED])
def test_change_between_runs_with_a_catalog(tenant: Tenant, kind: str, policy: str) -> None:
    """The catalog says what the loader knows; the policy says what may become of it."""
    drifting = Drifting(tenant, kind)
    streams = catalog(tenant, EVENTS)
    first = tenant.sync(EVENTS, catalog=streams)

    second = drifting.second(first, streams, policy)

    check(second, kind, policy)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", [NEW, GONE, CHANGED])
def test_change_between_runs_without_a_catalog(tenant: Tenant, kind: str, policy: str) -> None:
    """Without a catalog each run begins with the schema of the day, whatever the policy."""
    drifting = Drifting(tenant, kind)
    first = tenant.sync(EVENTS)

    second = drifting.second(first, None, policy)

    assert second.failed == {}
    assert len(second.schemas("events")) == 1
    assert second.values("events", "Id") == [2]


def check(run: Run, kind: str, policy: str) -> None:
    """Hold a run that met a change against what the policy promises."""
    if policy == "fail":
        assert "schema_drift" in run.failed["events"]
        assert run.records("events") == []
        return
    if policy == "freeze" and kind == CHANGED:
        assert "schema_drift" in run.failed["events"]
        return
    (record,) = run.records("events")
    properties = run.schemas("events")[-1]["schema"]["properties"]
    assert run.failed == {}
    assert set(record) <= set(properties)
    if kind == GONE:
        assert record["Port"] is None
    elif policy == "freeze":
        assert "Added" not in record
    elif kind == NEW:
        assert record["Added"] is True
    else:
        assert record["Port"] == "https"
        assert properties["Port"]["type"] == ["string", "null"]
