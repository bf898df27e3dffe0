"""Documented identities are those of the tables as they are documented."""

import pytest

from hunting_emulator.tables import CATALOG
from tap_m365hunting import kql
from tap_m365hunting.kql.documented_keys import IDENTITIES, documented_identity
from tests.samples import identities


def test_identities_are_the_documented_ones() -> None:
    """Every table that has one, and no other; a table's columns are there."""
    documented = {name: set(columns) for name, columns in identities().items() if columns}

    assert {name: set(columns) for name, columns in IDENTITIES.items()} == documented
    for name, columns in IDENTITIES.items():
        assert set(columns) <= {column.name for column in CATALOG[name].columns}


def test_every_documented_table_is_looked_at() -> None:
    """A table without an identity is known to have none."""
    assert identities().keys() == CATALOG.keys()


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
