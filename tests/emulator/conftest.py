"""A client of the emulator that knows nothing but HTTP."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from hunting_emulator import Emulator

RESOURCES = {
    "graph": "https://graph.microsoft.com",
    "defender": "https://api.security.microsoft.com",
}
PATHS = {"graph": "/v1.0/security/runHuntingQuery", "defender": "/api/advancedhunting/run"}
JsonObject = dict[str, Any]


class Client:
    """Calls both APIs with a token per API, over one kept connection."""

    def __init__(self, emulator: Emulator, session: requests.Session) -> None:
        self.emulator = emulator
        self.session = session
        self._tokens: dict[str, str] = {}

    def login(self, **fields: str | None) -> requests.Response:
        """Ask for a token; a field given as `None` is left out."""
        emulator = self.emulator
        tenant = fields.pop("tenant", emulator.tenant_id)
        form = {
            "grant_type": "client_credentials",
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
            "scope": f"{RESOURCES['graph']}/.default",
            **fields,
        }
        url = f"{emulator.authority_url}/{tenant}/oauth2/v2.0/token"
        return self.session.post(url, data={k: v for k, v in form.items() if v}, timeout=30)

    def token(self, api: str = "graph") -> str:
        """Return a token for this API, the same one each time."""
        if api not in self._tokens:
            answer = self.login(scope=f"{RESOURCES[api]}/.default")
            self._tokens[api] = answer.json()["access_token"]
        return self._tokens[api]

    def send(
        self, body: object, *, api: str = "graph", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a body, which may be bytes, to an API."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        usual = {
            "Authorization": f"Bearer {self.token(api)}",
            "Content-Type": "application/json",
        }
        url = f"{self.emulator.url}{PATHS[api]}"
        return self.session.post(url, data=data, headers={**usual, **(headers or {})}, timeout=30)

    def hunt(self, query: str, *, api: str = "graph", **more: str) -> requests.Response:
        """Run a query."""
        return self.send({"Query": query, **more}, api=api)


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    """A client with the emulator's own credentials."""
    with requests.Session() as session:
        yield Client(emulator, session)


def same_but_ids(body: JsonObject, captured: JsonObject) -> bool:
    """Say whether two error bodies are alike, ids and dates aside."""
    return _without_ids(body) == _without_ids(captured)


def _without_ids(body: JsonObject) -> JsonObject:
    error = dict(body["error"])
    error.pop("target", None)
    error.pop("innerError", None)
    return error
