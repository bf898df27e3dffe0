"""A bearer token, from Entra ID through MSAL."""

import logging
from typing import Any, Final, Protocol

import msal
import requests

from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.errors import AuthenticationError, ServiceError

_LOG: Final = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Where the client gets its bearer tokens."""

    def token(self) -> str:
        """Return a token that is good now."""

    def forget(self) -> None:
        """Drop what is cached: the service refused it."""


class ClientSecret:
    """Signs in as an application, with a client secret.

    MSAL caches the token and renews it before it expires.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._app: Any = None

    def token(self) -> str:
        """Return a token, from the cache where it is still good.

        Raises:
            AuthenticationError: Entra ID refused; the message says why and what to do.
            ServiceError: Entra ID did not answer.
        """
        try:
            self._app = self._app or self._new_app()
            answer = self._app.acquire_token_for_client(scopes=[self._connection.scope])
        except (requests.RequestException, ValueError) as error:
            msg = f"No sign-in at {self._connection.authority}: {type(error).__name__}"
            raise ServiceError(msg) from error
        if "access_token" not in answer:
            raise AuthenticationError(_refusal(answer, self._connection))
        return str(answer["access_token"])

    def forget(self) -> None:
        """Drop the cached tokens, so that the next one is new."""
        self._app = None

    def _new_app(self) -> Any:  # noqa: ANN401 (MSAL has no types)
        place = self._connection
        return msal.ConfidentialClientApplication(
            place.client_id,
            client_credential=place.client_secret,
            authority=f"{place.authority}/{place.tenant_id}",
            # the settings name the authority; asking the public cloud about it is a call more,
            # and one that fails where only a sovereign cloud can be reached
            instance_discovery=False,
        )


def _refusal(answer: dict[str, Any], connection: Connection) -> str:
    """Put Entra ID's refusal in words, with its own first line and the way out."""
    said = str(answer.get("error_description") or answer.get("error") or "no reason given")
    code = next((code for code in _WAYS_OUT if code in said), None)
    way_out = _WAYS_OUT[code] if code else "check tenant_id, client_id and client_secret"
    first_line = said.splitlines()[0]
    return f"No token for tenant {connection.tenant_id}: {first_line}; {way_out}"


# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
_WAYS_OUT: Final = {
    "AADSTS7000215": "client_secret must be the secret's value, not its id",
    "AADSTS7000222": "the client secret has expired: make a new one for the app registration",
    "AADSTS700016": "client_id names no app of this tenant: check it, and that consent was given",
    "AADSTS90002": "tenant_id names no tenant: check it, and that the cloud is the right one",
    "AADSTS900023": "tenant_id must be the tenant's id (a GUID) or one of its domains",
}
