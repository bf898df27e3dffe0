"""What SCHEMA messages say of `_row_id`, for loaders that need not write a row again."""

import pytest

from tests.tap.harness import NOW, Tenant

COUNT = "AlertInfo | where Timestamp between (window_start .. window_end) | summarize N = count()"
PLAIN = {"type": ["string"]}


@pytest.mark.parametrize(
    ("query", "property_"),
    [
        pytest.param({"query": "AlertInfo"}, {**PLAIN, "format": "x-content-hash"}, id="by-time"),
        pytest.param(
            {"query": "AlertInfo", "replication_method": "FULL_TABLE"},
            {**PLAIN, "format": "x-content-hash"},
            id="whole",
        ),
        pytest.param({"query": COUNT}, PLAIN, id="windowed"),
    ],
)
def test_schema_says_whether_an_id_follows_from_the_content(
    query: dict[str, str], property_: object, tenant: Tenant
) -> None:
    """An aggregate that is read again may have another value under the same id."""
    when = f"{NOW:%Y-%m-%dT10:00:00}.0000001Z"
    tenant.emulator.engine.load("AlertInfo", [{"Timestamp": when, "AlertId": "a"}])

    run = tenant.sync({"name": "alerts", **query}, start_date=f"{NOW:%Y-%m-%dT09:00:00Z}")

    properties = run.schemas("alerts")[-1]["schema"]["properties"]
    assert properties["_row_id"] == property_
