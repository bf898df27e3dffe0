"""A key that the settings name is not believed: check counts it, and a run says if it fails."""

from pathlib import Path
from typing import Any

import pytest

from tests.tap.commands import CHECK, Commands
from tests.tap.harness import Tenant, at
from tests.tap.hearing import heard
from tests.tap.test_exactness import event

TEXT = "DeviceEvents | project Timestamp, ReportId, DeviceId"
EVENTS = {"name": "events", "query": TEXT}
WHOLE = {
    "name": "events",
    "query": "DeviceEvents | project ReportId, DeviceId",
    "replication_method": "FULL_TABLE",
}
SHARED = "keys (DeviceId) have more than one row"


@pytest.fixture(autouse=True)
def rows(tenant: Tenant) -> None:
    """Hold 40 events of seven devices."""
    tenant.emulator.engine.load("DeviceEvents", [event(n, at(minutes=10 + n)) for n in range(40)])


def remarks(tenant: Tenant, folder: Path, query: dict[str, Any]) -> list[str]:
    """Return what check finds, online."""
    commands = Commands(folder, tenant.emulator)
    config = commands.file(tenant.config(query))
    (found,) = commands.run("check", "--format", "json", "--config", config).json(CHECK)["queries"]
    assert found["ok"]
    return [problem["message"] for problem in found["problems"]]


@pytest.mark.parametrize("query", [EVENTS, WHOLE], ids=["windows", "whole-table"])
def test_check_counts_whether_a_configured_key_is_one(
    tenant: Tenant, tmp_path: Path, query: dict[str, Any]
) -> None:
    """A warning, as one row of each key may be what is wanted."""
    (told,) = remarks(tenant, tmp_path, {**query, "primary_keys": ["deviceid"]})

    assert told.startswith("primary_keys DeviceId: 40 rows have 7 keys")
    assert remarks(tenant, tmp_path, {**query, "primary_keys": ["ReportId", "DeviceId"]}) == []


@pytest.mark.parametrize("query", [EVENTS, WHOLE], ids=["windows", "whole-table"])
@pytest.mark.parametrize("row_id", [True, False])
@pytest.mark.parametrize("api", ["graph", "defender"])
def test_run_that_writes_different_rows_under_one_key_says_so_at_its_end(
    tenant: Tenant, query: dict[str, Any], *, row_id: bool, api: str
) -> None:
    """Behind the rows, once, with how many keys, and no value of any."""
    with heard() as log:
        run = tenant.sync({**query, "primary_keys": ["DeviceId"]}, row_id=row_id, api=api)

    assert run.failed == {}
    assert log.getvalue().count(SHARED) == 1
    assert f"Stream events: about 7 {SHARED}" in log.getvalue()


def test_rows_one_by_one_are_compared_as_well(tenant: Tenant) -> None:
    """A stream map has each record made for itself."""
    maps = {"events": {"Device": "DeviceId"}}

    with heard() as log:
        tenant.sync({**EVENTS, "primary_keys": ["DeviceId"]}, stream_maps=maps)

    assert f"about 7 {SHARED}" in log.getvalue()


@pytest.mark.parametrize("key", [["ReportId"], ["ReportId", "Timestamp"], None], ids=str)
def test_key_that_holds_is_not_spoken_of(tenant: Tenant, key: list[str] | None) -> None:
    """Nor is `_row_id`, which always holds; equal rows under one key are one row."""
    tenant.emulator.engine.load("DeviceEvents", [event(3, at(minutes=13))])

    with heard() as log:
        tenant.sync({**EVENTS, "primary_keys": key})

    assert "more than one row" not in log.getvalue()


def test_rows_of_two_tenants_have_keys_of_their_own(tenant: Tenant) -> None:
    """The tenant is first in the key."""
    config = tenant.config(EVENTS)
    one = {key: config.pop(key) for key in ("tenant_id", "client_id", "client_secret")}

    with heard() as log:
        tenant.sync(
            {**EVENTS, "primary_keys": ["DeviceId"]},
            tenants=[one],
            tenant_id=None,
            client_id=None,
            client_secret=None,
        )

    assert "about 7 keys (tenant_id, DeviceId) have more than one row" in log.getvalue()
