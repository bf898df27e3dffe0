"""Tokens of an application: by secret, by certificate, or by another issuer's word."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msal
import requests

from tap_m365hunting.auth.responses import access_token, translated
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import Certificate, ClientSecret, Federated
from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.configuration.files import ENCODING, open_regular
from tap_m365hunting.errors import AuthenticationError
from tap_m365hunting.http.login_session import login_session

# The form of an assertion that may be sent; Entra ID judges the token itself
_TOKEN: Final = re.compile(r"[\x20-\x7e]+")
_LONGEST_TOKEN: Final = 1 << 16

Proof = str | dict[str, Callable[[], Any]]


class ApplicationTokens:
    """Signs in as an application.

    MSAL caches the token and renews it before it expires. A file is read when needed: the
    certificate at the first sign-in and after a refusal, a federated token at each sign-in.
    """

    def __init__(
        self,
        connection: Connection,
        credential: ClientSecret | Certificate | Federated,
        *,
        clock: Callable[[], float] = time.time,
        session: requests.Session | None = None,
    ) -> None:
        self._connection = connection
        self._credential = credential
        self._clock = clock
        self._session = session or login_session(connection.timeout.total_seconds())
        self._app: Any = None
        self._latest = ""
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token, from the cache while still good."""
        connection = self._connection
        with self._lock, translated(connection):
            self._app = self._app or self._new_app()
            answer = self._app.acquire_token_for_client(scopes=[connection.scope])
            self._latest = access_token(answer, connection)
            return self._latest

    def forget(self, refused: str) -> None:
        """Drop the cached tokens if the refused token is the latest: the next one is new."""
        with self._lock:
            if refused == self._latest:
                self._app = None

    def _new_app(self) -> Any:  # noqa: ANN401 (MSAL has no types)
        connection = self._connection
        return msal.ConfidentialClientApplication(
            self._credential.client_id,
            client_credential=self._proof(),
            authority=f"{connection.authority}/{connection.tenant_id}",
            # the settings name the authority; asking the public cloud about it is a call more,
            # and one that fails where only a sovereign cloud can be reached
            instance_discovery=False,
            http_client=self._session,
        )

    def _proof(self) -> Proof:
        match self._credential:
            case ClientSecret(secret=secret):
                return secret
            case Federated(token_file=file):
                return {"client_assertion": lambda: federated_token(file)}
            case Certificate() as certificate:
                return {"client_assertion": self._signer(certificate)}

    def _signer(self, certificate: Certificate) -> Callable[[], Any]:
        """Return a signer of assertions for the token endpoint, equal in each cloud."""
        # only who signs needs the library for it
        from tap_m365hunting.auth.certificates import read_certificate

        connection = self._connection
        audience = f"{connection.authority}/{connection.tenant_id}/oauth2/v2.0/token"
        key = read_certificate(certificate, now=self._clock())
        return key.signer(audience=audience, client_id=certificate.client_id)


def federated_token(file: Path) -> str:
    """Return the token in a file, read anew each time, as the platform replaces the file.

    Raises:
        AuthenticationError: the file has no token.
    """
    named = f"No federated token: federated_token_file {shown_name(file)}"
    try:
        with open_regular(file) as content:
            token = content.read(_LONGEST_TOKEN + 1).decode(ENCODING).strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        msg = f"{named}: {why}; is it mounted, or written by an earlier step of the pipeline?"
        raise AuthenticationError(msg) from error
    if not token:
        msg = f"{named} is empty"
        raise AuthenticationError(msg)
    if not _TOKEN.fullmatch(token) or len(token) > _LONGEST_TOKEN:
        msg = f"{named} holds no token (JWT)"
        raise AuthenticationError(msg)
    return token
