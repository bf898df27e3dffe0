"""Rows as a real tenant has them come back through the tap, value for value."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from hunting_emulator.tables import Table
from tap_m365hunting.instants import canonical
from tests.samples import rows
from tests.tap.harness import Tenant

Row = Mapping[str, Any]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Return the rows in one order, whatever theirs was."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def type_of(values: list[Any]) -> str:
    """Return the Kusto type that holds a column's captured values."""
    there = [value for value in values if value is not None]
    if any(isinstance(value, dict | list) for value in there):
        return "dynamic"
    if all(isinstance(value, int) for value in there):
        return "long"
    return "datetime" if all(canonical(value) for value in there) else "string"


def written(value: Any, kind: str, api: str) -> Any:  # noqa: ANN401 - JSON
    """Return a captured value as a record has it.

    Graph writes an empty bag for a dynamic null, which nothing tells from an empty bag.
    """
    if kind == "dynamic":
        nothing: object = {} if api == "graph" else None
        return nothing if value is None else value
    if kind == "string":
        return value or ""
    return canonical(value) if kind == "datetime" and value else value


def read(record: Row, types: Mapping[str, str]) -> Row:
    """Return a record with its JSON texts parsed."""
    return {
        name: json.loads(record[name]) if kind == "dynamic" and record[name] else record[name]
        for name, kind in types.items()
    }


@pytest.mark.parametrize("api", ["graph", "defender"])
@pytest.mark.parametrize("table", ["device_events", "cloud_events"])
def test_real_rows_survive_both_dialects(tenant: Tenant, table: str, api: str) -> None:
    """Nothing is rounded, renamed or lost on the way, the seventh digit included."""
    tenant.emulator.clock.set(datetime(2021, 8, 20, tzinfo=UTC))
    sent = rows(table)
    types = {name: type_of([row[name] for row in sent]) for name in sent[0]}
    tenant.emulator.engine.create(Table.of("Captured", types))
    tenant.emulator.engine.load("Captured", sent)

    run = tenant.sync({"table": "Captured"}, api=api)

    records = [read(record, types) for record in run.records("captured")]
    expected = ({n: written(row[n], kind, api) for n, kind in types.items()} for row in sent)
    assert in_order(records) == in_order(expected)
