"""The control endpoint does from another process what the Python API does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hunting_emulator.settings import CLIENT_SECRET
from tests.emulator.conftest import Client


def order(client: Client, what: str, **members: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """Post to the control endpoint."""
    url = f"{client.emulator.url}/_emulator/{what}"
    answer = client.session.post(url, json=members, timeout=30)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def look(client: Client, what: str) -> dict[str, Any]:
    """Get from the control endpoint."""
    url = f"{client.emulator.url}/_emulator/{what}"
    body: dict[str, Any] = client.session.get(url, timeout=30).json()
    return body


def test_health_needs_no_token(client: Client) -> None:
    """A Makefile can wait for it."""
    assert look(client, "health")["ready"] is True


def test_the_clock_is_set_and_moved(client: Client) -> None:
    """`now()` follows."""
    order(client, "clock", set="2026-03-01T00:00:00Z")
    order(client, "clock", advance_seconds=90)

    assert look(client, "clock")["now"] == "2026-03-01T00:01:30Z"
    assert client.hunt("print t = now()").json()["results"] == [{"t": "2026-03-01T00:01:30Z"}]


def test_the_log_tells_what_was_asked(client: Client) -> None:
    """Query, timespan, status, rows and bytes of each call."""
    client.hunt("range n from 1 to 3 step 1", Timespan="P1D")
    client.hunt("Nowhere", api="defender")

    first, second = look(client, "calls")["calls"]

    assert first["query"] == "range n from 1 to 3 step 1"
    assert (first["api"], first["timespan"], first["status"]) == ("graph", "P1D", 200)
    assert (first["rows"], first["bytes"]) == (3, len('{"n":1},{"n":2},{"n":3}'))
    assert (second["api"], second["status"], second["rows"]) == ("defender", 400, 0)
    assert second["tenant_id"] == client.emulator.tenant_id


def test_faults_are_scripted(client: Client) -> None:
    """By status or name, for so many calls."""
    order(client, "faults", fail=503, times=2)
    order(client, "faults", fail="slow", how={"pause": 0.0})

    assert [client.hunt("print 1").status_code for _ in range(3)] == [503, 503, 200]


def test_faults_are_drawn(client: Client) -> None:
    """From a seed, at a rate, among some."""
    order(client, "faults", rate=1.0, seed=3, names=["timed_out"])

    assert client.hunt("print 1").status_code == 504


def test_rows_are_loaded(client: Client) -> None:
    """Into the first tenant's table."""
    now = datetime.now(UTC).isoformat()

    order(client, "load", table="DeviceInfo", rows=[{"Timestamp": now, "DeviceName": "a"}])

    seen = client.hunt("DeviceInfo | project DeviceName").json()["results"]
    assert seen == [{"DeviceName": "a"}]


def test_settings_change_until_the_reset(client: Client) -> None:
    """Limits and forms by name; a reset brings the old ones back."""
    order(client, "settings", row_cap=1)
    cut = client.hunt("range n from 1 to 3 step 1").json()["results"]
    order(client, "reset")

    assert len(cut) == 1
    assert look(client, "settings")["limits"]["row_cap"] == 100_000
    assert client.emulator.calls == ()


def test_a_sign_in_is_finished(client: Client) -> None:
    """For a device code that waits; there may be none."""
    emulator = client.emulator
    waiting = client.session.post(
        f"{emulator.authority_url}/{emulator.tenant_id}/oauth2/v2.0/devicecode",
        data={"client_id": emulator.client_id, "scope": "https://graph.microsoft.com/.default"},
        timeout=30,
    ).json()

    assert order(client, "devices", user_code="WRONG") == {"decided": 0}
    assert order(client, "devices", user_code=waiting["user_code"]) == {"decided": 1}


def test_what_fills_an_answer_may_be_text(client: Client) -> None:
    """JSON has no bytes."""
    how = {"filler": "1,", "fillers": 3}
    order(client, "faults", fail=200, body="[", headers={}, how=how)

    assert client.hunt("print 1").text == "[1,1,1,"


def test_tokens_are_revoked(client: Client) -> None:
    """All that were issued."""
    client.token()

    order(client, "revoke")

    assert client.hunt("print 1").status_code == 401


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        pytest.param("nothing", b"{}", 404, id="unknown-order"),
        pytest.param("clock", b"{", 400, id="no-json"),
        pytest.param("clock", b'{"set": "noon"}', 400, id="no-time"),
        pytest.param("faults", b'{"fail": "gremlins"}', 400, id="unknown-fault"),
        pytest.param("faults", b"{}", 400, id="no-fault"),
        pytest.param("settings", b'{"rowcap": 1}', 400, id="unknown-setting"),
        pytest.param("load", b'{"table": "Nowhere", "rows": [{}]}', 400, id="unknown-table"),
    ],
)
def test_a_wrong_order_is_explained(client: Client, what: str, body: bytes, status: int) -> None:
    """With what is wrong, and nothing done."""
    url = f"{client.emulator.url}/_emulator/{what}"

    answer = client.session.post(url, data=body, timeout=30)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_control_is_in_no_log(client: Client) -> None:
    """The log has the calls of the APIs alone."""
    look(client, "health")

    assert client.emulator.calls == ()


def test_tenants_come_and_go(client: Client) -> None:
    """A test in another process breaks a tenant, and mends it."""
    client.hunt("print 1")
    usual = {"tenant_id": client.emulator.tenant_id}

    order(client, "tenants", tenants=[{**usual, "name": "A", "without": ["AlertInfo"]}])
    unlicensed = client.hunt("AlertInfo").status_code, client.hunt("DeviceInfo").status_code
    order(client, "tenants", tenants=[{**usual, "client_secret": "other"}])
    login = client.login(client_secret=CLIENT_SECRET)
    listed = look(client, "tenants")
    mended = client.hunt("AlertInfo").status_code

    assert unlicensed == (400, 200)
    assert login.json()["error_codes"] == [7000215]
    assert listed == {"tenants": [{**usual, "name": "", "without": [], "workspaces": []}]}
    assert mended == 200


def test_sentinel_is_connected_from_elsewhere(client: Client) -> None:
    """Workspaces come with a list of tenants, and rows go into any of them."""
    first, second = (f"0000000{n}-1111-2222-3333-444444444444" for n in (1, 2))
    tenant = {"tenant_id": client.emulator.tenant_id, "workspaces": [first, second]}

    listed = order(client, "tenants", tenants=[tenant])["tenants"]
    order(client, "load", table="Syslog", rows=[{"Computer": "a"}], workspace_id=second)
    order(client, "settings", timespan="ignored", table_retention_days={"Syslog": 7})
    limits = look(client, "settings")["limits"]

    assert listed[0]["workspaces"] == [first, second]
    assert client.hunt("Syslog | count").json()["results"] == [{"Count": 0}]
    counted = client.hunt("Syslog | count", workspaceId=second)
    assert counted.json()["results"] == [{"Count": 1}]
    assert limits["table_retention_days"] == {"Syslog": 7}


def test_consent_may_be_missing(client: Client) -> None:
    """An application that nothing was granted gets a token, and no answer."""
    usual = {"tenant_id": client.emulator.tenant_id}

    order(client, "tenants", tenants=[{**usual, "granted": False}])

    assert client.hunt("print 1").status_code == 403


def test_columns_come_and_go(client: Client) -> None:
    """The service changes its tables without notice."""
    changed = order(
        client, "alter", table="AlertInfo", add={"Confidence": "long"}, drop=["Category"]
    )

    found = client.hunt("AlertInfo | project Confidence")
    lost = client.hunt("AlertInfo | project Category")

    assert "Confidence" in changed["columns"]
    assert (found.status_code, lost.status_code) == (200, 400)
    assert found.json()["schema"] == [{"name": "Confidence", "type": "Int64"}]
