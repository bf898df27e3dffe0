"""Clients that nobody here wrote sign in, query and are refused. Run by `make clients`."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from hunting_emulator import Emulator
from hunting_emulator.settings import Application, Secret, Settings, Tenant
from tests.clients.jobs import QUERIES, Client, JsonObject, run, statuses
from tests.tap.identities import owner

GRAPH_SDK: Final = Client("msgraph", "graph_sdk.py")
GRAPH_CLIENT: Final = Client("node", "graph_client.mjs")
MSTICPY: Final = Client("msticpy", "msticpy_provider.py", "M365DGraph")
MSTICPY_OF_ENDPOINT: Final = Client("msticpy", "msticpy_provider.py", "MDE")

SCHEMA: Final = {
    "Moment": "DateTime",
    "Flag": "SByte",
    "Count": "Int64",
    "Text": "String",
    "Nothing": "Int32",
    "Bag": "Object",
}
REFUSED: Final = (
    "'project' operator: Failed to resolve scalar expression named 'Nope'. Fix semantic errors in "
    "your query."
)


@pytest.fixture(autouse=True)
def bad_day(emulator: Emulator) -> None:
    """One call is throttled for a second, and one finds its token revoked."""
    emulator.fail_next("throttled", when="// throttled")
    emulator.fail_next("token_revoked", when="// revoked")


def need(client: Client) -> None:
    """Skip where a client is not installed."""
    if not client.is_there():
        pytest.skip("`make clients` runs it, where Node is there for its client")


def waited(emulator: Emulator) -> timedelta:
    """Return the time between the throttled call and the next one."""
    first, second = [c for c in emulator.calls if c.query == QUERIES["throttled"]]
    return second.at - first.at


def with_certificate(emulator: Emulator, folder: Path) -> Path:
    """Register a certificate, beside a secret that nobody has; return the client's file."""
    held = owner("client")
    application = Application(secrets=(Secret("unused"),), certificates=(held.pem,))
    emulator.settings = Settings(tenants=(Tenant(applications=(application,)),))
    file = folder / "certificate.pem"
    file.write_text(held.key_pem + held.pem, "utf-8")
    return file


@pytest.mark.parametrize("way", ["secret", "certificate"])
@pytest.mark.parametrize("client", [GRAPH_SDK, GRAPH_CLIENT], ids=lambda c: c.environment)
def test_microsofts_graph_clients_hunt(
    client: Client, way: str, emulator: Emulator, tmp_path: Path
) -> None:
    """The SDK for Python and the client for JavaScript, signed in by their identity libraries."""
    need(client)
    certificate = with_certificate(emulator, tmp_path) if way == "certificate" else None

    answers = run(client, emulator, certificate=certificate)

    (row,) = answers["typed"]["rows"]
    assert answers["typed"]["schema"] == SCHEMA
    assert (row["Flag"], row["Count"], row["Text"], row["Nothing"]) == (1, 5, "Größe", {})
    assert row["Moment"][11:26] == "08:00:00.123456"
    assert (row["Bag"]["a"], row["Bag"]["inner"]["b"]) == (1, True)
    refused = answers["refused"]
    assert (refused["status"], refused["code"]) == (400, "BadRequest")
    assert refused["message"] == REFUSED
    assert refused["request_id"]
    assert answers["throttled"]["rows"] == [{"n": 1}]
    assert statuses(emulator, "throttled") == [429, 200]
    assert waited(emulator) >= timedelta(seconds=1)
    assert {call.timespan for call in emulator.calls} == {"P7D"}


def test_the_sdk_answers_a_claims_challenge(emulator: Emulator) -> None:
    """A revoked token is replaced by one that meets the claims, unseen by who calls."""
    need(GRAPH_SDK)

    answers = run(GRAPH_SDK, emulator, version="beta")

    assert answers["revoked"]["rows"] == [{"n": 2}]
    assert statuses(emulator, "revoked") == [401, 200]


@pytest.mark.parametrize(
    ("client", "api", "kinds"),
    [
        pytest.param(MSTICPY, "graph", {"Bag.@odata.type": "object"}, id="graph"),
        pytest.param(MSTICPY_OF_ENDPOINT, "endpoint", {}, id="endpoint"),
    ],
)
def test_msticpy_hunts(client: Client, api: str, kinds: JsonObject, emulator: Emulator) -> None:
    """Both providers make the same table of both forms of answer."""
    need(client)

    answers = run(client, emulator)

    (row,) = answers["typed"]["rows"]
    types = answers["typed"]["schema"]
    assert types["Moment"] == "datetime64[ns, UTC]"
    assert row["Moment"].startswith("2026-03-01T08:00:00.123456")
    assert (row["Flag"], row["Count"], row["Text"]) == (1, 5, "Größe")
    assert (row["Bag.a"], row["Bag.inner.b"]) == (1, True)
    assert kinds.items() <= types.items()
    assert (answers["refused"]["status"], answers["refused"]["message"]) == (400, REFUSED)
    assert answers["throttled"]["rows"] == [{"n": 1}]
    assert statuses(emulator, "throttled") == [429, 200]
    assert answers["revoked"]["status"] == 401
    assert {call.api for call in emulator.calls} == {api}
