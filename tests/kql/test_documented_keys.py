"""Documented identities are those of the tables as they are documented."""

import json
from pathlib import Path
from typing import Any

import pytest

from tap_m365hunting import kql
from tap_m365hunting.kql.documented_keys import IDENTITIES, documented_identity

TABLES = Path(__file__).parents[3] / "shared" / "tables.json"


@pytest.mark.skipif(not TABLES.exists(), reason="the documented tables are not at hand")
def test_identities_are_the_documented_ones() -> None:
    """Every table that has one, and no other; a table's columns are there."""
    tables: dict[str, Any] = json.loads(TABLES.read_text("utf-8"))
    documented = {
        name: set(table["event_identity"])
        for name, table in tables.items()
        if table["event_identity"]
    }

    assert {name: set(columns) for name, columns in IDENTITIES.items()} == documented
    assert all(set(columns) <= set(tables[name]["columns"]) for name, columns in IDENTITIES.items())


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        pytest.param("EmailEvents", ("ReportId",), id="text"),
        pytest.param(kql.table_query("AlertInfo"), ("AlertId",), id="table"),
        pytest.param(
            kql.table_query("DeviceInfo", ingestion_time=True),
            ("Timestamp", "DeviceName", "ReportId"),
            id="table-by-ingestion-time",
        ),
        pytest.param(kql.table_query("AlertEvidence"), (), id="none-documented"),
        pytest.param("let AlertInfo = EmailEvents; AlertInfo", (), id="name-of-another"),
        pytest.param("AlertInfo | join AlertEvidence on AlertId", (), id="rows-multiplied"),
        pytest.param("AlertInfo, AlertInfo", (), id="no-table"),
    ],
)
def test_identity_is_that_of_a_whole_table(text: str, identity: tuple[str, ...]) -> None:
    """What a query makes of a table may have more rows than the table, or other columns."""
    assert documented_identity(kql.read(text)) == identity
