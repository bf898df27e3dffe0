"""A catalog from other settings: what it says of keys is held against what they are now."""

from typing import Any

import pytest

from tests.tap.harness import Tenant, at
from tests.tap.test_coverage import catalog
from tests.tap.test_sync import ALERTS, alert

KEYED: dict[str, Any] = {**ALERTS, "primary_keys": ["AlertId"]}


@pytest.mark.parametrize(
    ("before", "after", "settings", "said"),
    [
        pytest.param(ALERTS, KEYED, {}, "the key _row_id, but .* say AlertId", id="keys-set"),
        pytest.param(KEYED, ALERTS, {}, "the key AlertId, but .* say _row_id", id="keys-gone"),
        pytest.param(
            ALERTS, ALERTS, {"row_id": False}, "the key _row_id, but .* say none", id="no-id"
        ),
        pytest.param(
            ALERTS,
            {**ALERTS, "primary_keys": ["Nope"]},
            {},
            "the key _row_id, but .* say Nope",
            id="key-misspelt",
        ),
    ],
)
def test_catalog_of_another_key_is_refused(
    tenant: Tenant,
    before: dict[str, Any],
    after: dict[str, Any],
    settings: dict[str, Any],
    said: str,
) -> None:
    """Rows under a key that they do not have would replace one another in a loader."""
    tenant.emulator.engine.load("AlertInfo", [alert(1, at(days=2))])
    other = {**KEYED, "name": "other"}

    run = tenant.sync(after, other, catalog=catalog(tenant, before, other), **settings)

    assert run.records("alerts") == []
    with pytest.raises(AssertionError, match=f"The catalog has {said}; run discovery again"):
        raise AssertionError(run.failed["alerts"])
    assert len(run.records("other")) == 1


def test_catalog_from_before_several_tenants_is_refused(tenant: Tenant) -> None:
    """Rows of two tenants would have one key."""
    config = tenant.config(ALERTS)
    tenants = [{"tenant_id": config.pop("tenant_id")}]

    run = tenant.sync(ALERTS, catalog=catalog(tenant, ALERTS), tenant_id=None, tenants=tenants)

    assert "the key _row_id, but" in run.failed["alerts"]
    assert "say tenant_id, _row_id" in run.failed["alerts"]


def test_catalog_without_a_key_is_refused(tenant: Tenant) -> None:
    """The SDK would send a schema without one."""
    streams = catalog(tenant, KEYED)
    for stream in streams["streams"]:
        stream.pop("key_properties", None)

    run = tenant.sync(KEYED, catalog=streams)

    assert "the key none, but primary_keys" in run.failed["alerts"]


def test_key_is_found_whatever_its_case(tenant: Tenant) -> None:
    """As without a catalog."""
    query = {**ALERTS, "primary_keys": ["alertid"]}

    run = tenant.sync(query, catalog=catalog(tenant, query))

    assert run.failed == {}
    assert run.schemas("alerts")[0]["key_properties"] == ["AlertId"]


def test_method_of_the_catalog_is_a_label(tenant: Tenant) -> None:
    """How a query is read follows from the query."""
    streams = catalog(tenant, ALERTS)
    for stream in streams["streams"]:
        stream["replication_method"] = "FULL_TABLE"

    run = tenant.sync(ALERTS, catalog=streams)

    assert run.bookmark("alerts") == at(minutes=5)
    assert run.schemas("alerts")[0]["bookmark_properties"] == ["Timestamp"]
