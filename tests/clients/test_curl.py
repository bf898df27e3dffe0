"""The emulator as Microsoft's pages of 2021 show the service: by curl alone."""

import json
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest

from hunting_emulator import Emulator
from tests.clients.jobs import PROGRAMS, trusting

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")

DEFENDER = "/api/advancedhunting/run"
ENDPOINT = "/api/advancedqueries/run"
GRAPH = "/v1.0/security/runHuntingQuery"


def hunted(
    emulator: Emulator, login: str, resource: str, path: str, query: str
) -> tuple[int, dict[str, Any]]:
    """Sign in and run a query; return the status and the body of the answer."""
    done = subprocess.run(
        [
            str(PROGRAMS / "curl.sh"),
            f"{emulator.authority_url}/{emulator.tenant_id}{login}",
            resource,
            f"{emulator.url}{path}",
        ],
        input=json.dumps({"Query": query}),
        capture_output=True,
        text=True,
        env={
            **trusting(emulator),
            "CLIENT_ID": emulator.client_id,
            "CLIENT_SECRET": emulator.client_secret,
        },
        timeout=60,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize(
    ("login", "resource", "path"),
    [
        pytest.param(
            "/oauth2/v2.0/token",
            "scope=https://securitycenter.onmicrosoft.com/windowsatpservice/.default",
            ENDPOINT,
            id="page-of-2021",
        ),
        pytest.param(
            "/oauth2/token", "resource=https://api.security.microsoft.com", DEFENDER, id="older"
        ),
        pytest.param(
            "/oauth2/token",
            "resource=https://api.securitycenter.microsoft.com",
            DEFENDER,
            id="older-resource",
        ),
        pytest.param(
            "/oauth2/v2.0/token", "scope=https://graph.microsoft.com/.default", GRAPH, id="graph"
        ),
    ],
)
def test_curl_hunts(emulator: Emulator, login: str, resource: str, path: str) -> None:
    """A typed answer, a documented error, and a wait of as long as the service says."""
    emulator.fail_next("throttled", when="throttled")

    status, answer = hunted(emulator, login, resource, path, "print Flag = true, n = 1")
    refused, error = hunted(emulator, login, resource, path, "DeviceInfo | project Nope")
    again, _ = hunted(emulator, login, resource, path, "print 'throttled'")

    folded = {name.lower(): value for name, value in answer.items()}
    schema = [{k.lower(): v for k, v in column.items()} for column in folded["schema"]]
    assert status == 200
    assert schema == [{"name": "Flag", "type": "SByte"}, {"name": "n", "type": "Int64"}]
    assert {"Flag": 1, "n": 1}.items() <= folded["results"][0].items()
    assert (refused, error["error"]["code"]) == (400, "BadRequest")
    assert "Failed to resolve scalar expression named 'Nope'" in error["error"]["message"]
    throttled, taken = emulator.calls[-2:]
    assert (throttled.status, taken.status, again) == (429, 200, 200)
    assert taken.at - throttled.at >= timedelta(seconds=1)
