"""Tenants that are connected to Sentinel: tables, columns, workspaces, retention, Timespan."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hunting_emulator import Emulator
from hunting_emulator.settings import Settings, made_up
from hunting_emulator.table_view import TableView
from hunting_emulator.tables import CATALOG, SENTINEL, STREAMED, TYPES
from tests.emulator.conftest import Client, JsonObject

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KNOWN = (
    "SigninLogs",
    "AADNonInteractiveUserSignInLogs",
    "AuditLogs",
    "OfficeActivity",
    "SecurityEvent",
    "CommonSecurityLog",
    "Syslog",
    "AzureActivity",
    "SecurityAlert",
    "SecurityIncident",
)
FIRST, SECOND = made_up(1, workspaces=2)[0].workspaces


@pytest.fixture
def connected(emulator: Emulator) -> Iterator[Emulator]:
    """The emulator with one tenant, connected to two workspaces, at a set time."""
    before = emulator.settings
    emulator.settings = Settings(made_up(1, workspaces=2))
    emulator.clock.set(NOON)
    yield emulator
    emulator.settings = before


def found(client: Client, query: str, **more: str) -> list[JsonObject]:
    """Return the rows of an answer."""
    answer = client.hunt(query, **more)
    assert answer.status_code == 200, answer.text
    rows: list[JsonObject] = answer.json()["results"]
    return rows


def count(client: Client, table: str, *, api: str = "graph", **more: str) -> int:
    """Count a table's rows."""
    answer = client.hunt(f"{table} | count", api=api, **more).json()
    return int(answer.get("results", answer.get("Results"))[0]["Count"])


def days_ago(column: str, *days: float) -> list[JsonObject]:
    """Return a row for each of these ages, in days."""
    return [{column: (NOON - day * DAY).isoformat()} for day in days]


def test_the_catalog_has_the_best_known_tables_of_sentinel() -> None:
    """Names, columns and types of the Azure Monitor reference; all have TimeGenerated alone."""
    assert set(KNOWN) <= set(SENTINEL)
    for table in SENTINEL.values():
        assert table.time_column == "TimeGenerated"
        assert table.column("Timestamp") is None
        assert {column.type for column in table.columns} <= TYPES
        names = {"TenantId", "TimeGenerated", "SourceSystem", "Type"}
        assert names - {column.name for column in table.columns} <= {"SourceSystem"}
    assert len(SENTINEL["SecurityEvent"].columns) > 200
    types = {t: SENTINEL[t].column("LocationDetails") for t in KNOWN[:2]}
    assert [column and column.type for column in types.values()] == ["dynamic", "string"]


@pytest.mark.usefixtures("emulator")
def test_a_tenant_without_sentinel_has_none_of_it(client: Client) -> None:
    """Neither the tables nor the columns are there, in the service's own words."""
    table = client.hunt("SigninLogs | count")
    column = client.hunt("DeviceEvents | project TimeGenerated")

    assert "Failed to resolve table or column expression named 'SigninLogs'" in table.text
    assert "Failed to resolve scalar expression named 'TimeGenerated'" in column.text


@pytest.mark.parametrize("table", KNOWN)
@pytest.mark.usefixtures("connected")
def test_a_connected_tenant_has_the_tables(client: Client, table: str) -> None:
    """Each answers with its documented columns, though it has no row."""
    schema = client.hunt(f"{table} | take 1").json()["schema"]

    assert [column["name"] for column in schema] == [c.name for c in SENTINEL[table].columns]


def test_tables_of_defender_have_the_columns_of_the_workspace(
    client: Client, connected: Emulator
) -> None:
    """TimeGenerated is the event's time, or that of its coming if that is 48 hours later."""
    event, late = NOON - 10 * DAY, NOON - 7 * DAY
    rows = [
        {"Timestamp": event.isoformat(), "ActionType": "prompt"},
        {
            "Timestamp": event.isoformat(),
            "ActionType": "late",
            "_ingestion_time": late.isoformat(),
        },
    ]
    connected.load("DeviceEvents", rows)

    columns = "ActionType, Timestamp, TimeGenerated, SourceSystem, TenantId"
    first, second = found(client, f"DeviceEvents | order by ActionType desc | project {columns}")

    assert first["TimeGenerated"] == first["Timestamp"] == "2026-02-19T12:00:00Z"
    assert second["TimeGenerated"] == "2026-02-22T12:00:00Z"
    assert second["Timestamp"] == "2026-02-19T12:00:00Z"
    assert (first["SourceSystem"], first["TenantId"]) == ("Microsoft 365 Defender", FIRST)


@pytest.mark.usefixtures("connected")
def test_tables_that_are_not_streamed_stay_as_they_are(client: Client) -> None:
    """Of each streamed table the added columns come last; the others have none."""
    for name in ("DeviceEvents", "EmailEvents", "EntraIdSignInEvents", "ExposureGraphNodes"):
        schema = [c["name"] for c in client.hunt(f"{name} | take 0").json()["schema"]]
        own = [column.name for column in CATALOG[name].columns]
        added = ["TimeGenerated", "SourceSystem", "TenantId"] if name in STREAMED else []
        assert schema == own + added


def test_a_call_without_timespan_sees_the_last_thirty_days(
    client: Client, connected: Emulator
) -> None:
    """Whatever the retention; and whatever the query's own filter asks for."""
    connected.load("SigninLogs", days_ago("TimeGenerated", 1, 29, 31, 89, 91))

    assert count(client, "SigninLogs") == 2
    assert count(client, "SigninLogs | where TimeGenerated > ago(90d)") == 2
    assert count(client, "SigninLogs", Timespan="P90D") == 4
    assert count(client, "SigninLogs", Timespan="P365D") == 4
    assert count(client, "SigninLogs | where TimeGenerated > ago(30d)", Timespan="P90D") == 2


@pytest.mark.parametrize(
    ("timespan", "rows"),
    [
        pytest.param("P60D", 2, id="duration"),
        pytest.param("2026-01-01T00:00:00Z", 2, id="instant"),
        pytest.param("2025-12-01T00:00:00Z/2026-01-25T00:00:00Z", 2, id="start-end"),
        pytest.param("P40D/2026-01-25T00:00:00Z", 1, id="duration-end"),
        pytest.param("2025-12-01T00:00:00Z/P20D", 1, id="start-duration"),
    ],
)
def test_every_form_of_timespan_reaches_beyond_thirty_days(
    client: Client, connected: Emulator, timespan: str, rows: int
) -> None:
    """One row is a day old, one 50 days, one 80 days."""
    connected.load("SigninLogs", days_ago("TimeGenerated", 1, 50, 80))

    assert count(client, "SigninLogs", Timespan=timespan) == rows


def test_each_table_has_a_retention_of_its_own(client: Client, connected: Emulator) -> None:
    """90 days for Sentinel, 30 for Defender XDR, and any for a table that is named."""
    connected.load("DeviceEvents", days_ago("Timestamp", 1, 40, 100))
    connected.load("AuditLogs", days_ago("TimeGenerated", 1, 40, 100))

    usual = [count(client, table, Timespan="P1Y") for table in ("DeviceEvents", "AuditLogs")]
    connected.configure(table_retention_days={"DeviceEvents": 180, "AuditLogs": 30})
    changed = [count(client, table, Timespan="P1Y") for table in ("DeviceEvents", "AuditLogs")]
    connected.configure(sentinel_retention_days=365, table_retention_days={})

    assert (usual, changed) == ([1, 2], [3, 1])
    assert count(client, "AuditLogs", Timespan="P1Y") == 3


def test_a_service_may_ignore_timespan(client: Client, connected: Emulator) -> None:
    """A setting: the answer is that of a call without one, and nothing tells."""
    connected.load("SigninLogs", days_ago("TimeGenerated", 1, 50))
    connected.configure(timespan="ignored")

    assert count(client, "SigninLogs", Timespan="P90D") == 1
    assert count(client, "SigninLogs", Timespan="nonsense") == 1


@pytest.mark.usefixtures("connected")
def test_a_service_may_refuse_timespan(client: Client, connected: Emulator) -> None:
    """A setting: the parameter is unknown, in the words of OData."""
    connected.configure(timespan="refused")

    answer = client.hunt("print 1", Timespan="P90D")

    assert answer.status_code == 400
    assert "The parameter 'Timespan'" in answer.json()["error"]["message"]
    assert client.hunt("print 1").status_code == 200


def test_a_service_may_take_timespan_for_ingestion_time(
    client: Client, connected: Emulator
) -> None:
    """A setting: the span bounds when rows came, with or without a Timespan."""
    old = (NOON - 50 * DAY).isoformat()
    rows = [
        {"TimeGenerated": old, "_ingestion_time": (NOON - DAY).isoformat()},
        {"TimeGenerated": old, "_ingestion_time": (NOON - 49 * DAY).isoformat()},
    ]
    connected.load("SigninLogs", rows)
    usual = count(client, "SigninLogs"), count(client, "SigninLogs", Timespan="P60D/2026-02-01")
    connected.configure(timespan="ingestion")

    assert usual == (0, 2)
    assert count(client, "SigninLogs") == 1
    assert count(client, "SigninLogs", Timespan="P60D/2026-02-01") == 1
    assert count(client, "SigninLogs", Timespan="P60D") == 2


def test_the_defender_api_knows_nothing_of_sentinel(client: Client, connected: Emulator) -> None:
    """Thirty days of Defender XDR, with its own columns, whatever the retention."""
    connected.configure(retention_days=180)
    connected.load("DeviceEvents", days_ago("Timestamp", 1, 40))

    refused = client.hunt("SigninLogs | count", api="defender")

    assert refused.status_code == 400
    assert client.hunt("DeviceEvents | project TimeGenerated", api="defender").status_code == 400
    assert count(client, "DeviceEvents", api="defender") == 1
    assert count(client, "DeviceEvents", Timespan="P90D") == 2


def test_a_workspace_is_chosen_by_its_id(client: Client, connected: Emulator) -> None:
    """Without an id, and with one that is not the tenant's, the primary workspace answers."""
    connected.load("Syslog", [{"TimeGenerated": NOON.isoformat(), "Computer": "one"}])
    connected.load(
        "Syslog", [{"TimeGenerated": NOON.isoformat(), "Computer": "two"}], workspace_id=SECOND
    )
    query = "Syslog | project Computer, TenantId"

    answers = {
        given: found(client, query, **({"workspaceId": given} if given else {}))
        for given in ("", FIRST, SECOND, SECOND.upper(), "11111111-2222-3333-4444-555555555555")
    }

    first = [{"Computer": "one", "TenantId": FIRST}]
    second = [{"Computer": "two", "TenantId": SECOND}]
    assert list(answers.values()) == [first, first, second, second, first]
    assert [call.workspace_id for call in connected.calls][1:3] == [FIRST, SECOND]


def test_tables_of_defender_are_the_same_in_every_workspace(
    client: Client, connected: Emulator
) -> None:
    """They are the tenant's."""
    connected.load("DeviceInfo", days_ago("Timestamp", 1))

    assert count(client, "DeviceInfo", workspaceId=SECOND) == 1
    assert count(client, "Syslog", workspaceId=SECOND) == 0


@pytest.mark.usefixtures("connected")
def test_a_workspace_id_is_a_guid(client: Client) -> None:
    """What is none is a wrong body."""
    assert client.hunt("print 1", workspaceId="primary").status_code == 400


@pytest.mark.usefixtures("connected")
def test_a_service_may_refuse_workspace_ids(client: Client, connected: Emulator) -> None:
    """A setting, because the metadata of v1.0 lack the parameter."""
    connected.configure(workspace_id="refused")

    answer = client.hunt("print 1", workspaceId=FIRST)

    assert answer.status_code == 400
    assert "The parameter 'workspaceId'" in answer.json()["error"]["message"]


def test_rows_go_only_where_there_is_a_place_for_them(connected: Emulator) -> None:
    """A workspace holds the tables of Sentinel, and a tenant has only its own workspaces."""
    with pytest.raises(ValueError, match="No table 'DeviceInfo' in a workspace"):
        connected.load("DeviceInfo", [], workspace_id=SECOND)
    with pytest.raises(ValueError, match="No table 'Syslog' in a workspace"):
        connected.load("Syslog", [], workspace_id="11111111-2222-3333-4444-555555555555")


def test_every_workspace_is_filled() -> None:
    """Ninety days where Defender XDR has thirty, and other rows in the second workspace."""
    settings = Settings(made_up(1, workspaces=2))
    with Emulator(rows=2_000, anchor=NOON, settings=settings) as emulator:
        engine = emulator.engine
    sights = [
        TableView(primary=FIRST, workspace=workspace, kept_days=dict.fromkeys(SENTINEL, 90))
        for workspace in (FIRST, SECOND)
    ]

    for name in SENTINEL:
        kql = f"{name} | summarize count(), countif(TimeGenerated < ago(60d)), take_any(Type)"
        told = [
            next(engine.run(kql, now=NOON, table_view=table_view).rows()) for table_view in sights
        ]
        assert all(rows and old and kind == name for rows, old, kind in told), name
    first = "SigninLogs | summarize min(TimeGenerated)"
    assert (
        len(
            {
                next(engine.run(first, now=NOON, table_view=table_view).rows())
                for table_view in sights
            }
        )
        == 2
    )
    old = "SigninLogs | where isempty(UserPrincipalName) or isnull(Status.errorCode) | count"
    assert next(engine.run(old, now=NOON, table_view=sights[0]).rows()) == (0,)
