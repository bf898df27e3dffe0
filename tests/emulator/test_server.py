"""The emulator answers clients as the service does."""

import msal
import pytest
import requests

from hunting_emulator import Emulator


def msal_token(emulator: Emulator, resource: str) -> str:
    """Get a token as real clients do."""
    application = msal.ConfidentialClientApplication(
        emulator.client_id,
        authority=f"{emulator.authority_url}/{emulator.tenant_id}",
        client_credential=emulator.client_secret,
        instance_discovery=False,
    )
    answer = application.acquire_token_for_client([f"{resource}/.default"])
    return str(answer["access_token"])


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        pytest.param("https://graph.microsoft.com", "/v1.0/security/runHuntingQuery", id="graph"),
        pytest.param("https://api.security.microsoft.com", "/api/advancedhunting/run", id="legacy"),
    ],
)
def test_a_token_from_msal_opens_the_api(emulator: Emulator, resource: str, path: str) -> None:
    """The library that clients use needs no special treatment."""
    token = msal_token(emulator, resource)

    answer = requests.post(
        f"{emulator.url}{path}",
        json={"Query": "print n = 1"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )

    assert answer.status_code == 200
    assert emulator.calls[-1].rows == 1
