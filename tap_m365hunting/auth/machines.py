"""Tokens of a managed identity: whoever runs on the machine has them."""

import logging
import threading
from typing import Any, Final

import msal
import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_m365hunting.auth.answers import access_token, translated
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import ManagedIdentity

# at debug level it writes what an endpoint answered, if it was no JSON
logging.getLogger("msal.managed_identity").setLevel(logging.INFO)
# The endpoint is on the machine; where nothing answers there, the machine is not in Azure.
_SECONDS: Final = 10.0


class MachineTokens:
    """Signs in as a virtual machine, App Service, Function, Arc server and so on.

    MSAL knows by the environment which of them it is, and caches the token.
    """

    def __init__(self, connection: Connection, identity: ManagedIdentity) -> None:
        self._connection = connection
        self._identity = identity
        self._client: Any = None
        self._latest = ""
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token, from the cache where it is still good."""
        place = self._connection
        with self._lock, translated(place):
            self._client = self._client or self._new_client()
            resource = place.scope.removesuffix("/.default")
            answer = self._client.acquire_token_for_client(resource=resource)
            self._latest = access_token(answer, place)
            return self._latest

    def forget(self, refused: str) -> None:
        """Drop the cached tokens if this is the latest, so that the next one is new."""
        with self._lock:
            if refused == self._latest:
                self._client = None

    def _new_client(self) -> Any:  # noqa: ANN401 (MSAL has no types)
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Impatient())
        return msal.ManagedIdentityClient(_msal_identity(self._identity), http_client=session)


class _Impatient(HTTPAdapter):
    """Gives up in time, which MSAL leaves to the session."""

    @override
    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        return super().send(request, *args, **{**options, "timeout": _SECONDS})


def _msal_identity(identity: ManagedIdentity) -> Any:  # noqa: ANN401 (MSAL has no types)
    if identity.kind == "system":
        return msal.SystemAssignedManagedIdentity()
    return msal.UserAssignedManagedIdentity(**{identity.kind: identity.name})
