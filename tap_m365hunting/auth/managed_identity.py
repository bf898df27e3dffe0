"""Tokens of a managed identity, the identity of the tap's own machine.

MSAL knows the endpoints, too, but quotes their answers in errors and in logs, and asks Service
Fabric over a session of its own, without a time-out. So the endpoints are asked here, over the
common session for signing in.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import requests

from tap_m365hunting.auth.claims import other_tenant
from tap_m365hunting.auth.identity_endpoints import (
    IdentityEndpoint,
    header_text,
    identity_endpoint,
)
from tap_m365hunting.auth.responses import refused, translated
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import ManagedIdentity
from tap_m365hunting.errors import AuthenticationError, SignInError
from tap_m365hunting.http.login_session import identity_session, secrets_sent
from tap_m365hunting.http.token_answers import (
    AnswerFormError,
    json_object,
    known_members,
    words,
)
from tap_m365hunting.known_secrets import without_secrets

# The endpoint is on the machine; where nothing answers there, the machine is not in Azure.
_SECONDS: Final = 10.0
# The endpoint is throttled, or is being updated, which takes 70 seconds at most
# -- https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
_PASSING: Final = frozenset({HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS})
# A token is used no longer than so many seconds before its end, as MSAL does.
_SPARE_SECONDS: Final = 300.0
_LONGEST_PROOF: Final = 4096
#: Where the agent of Azure Arc puts its files, which are read from nowhere else.
_ARC_FOLDERS: Final[Mapping[str, str]] = {
    "linux": "/var/opt/azcmagent/tokens",
    "win32": os.path.expandvars(r"%ProgramData%\AzureConnectedMachineAgent\Tokens"),
}
_ARC_AGENTS: Final[Mapping[str, str]] = {
    "linux": "/opt/azcmagent/bin/himds",
    "win32": os.path.expandvars(r"${ProgramFiles}\AzureConnectedMachineAgent\himds.exe"),
}


class ManagedIdentityTokens:
    """Signs in as a virtual machine, App Service, Function, Arc server and so on.

    The environment tells the kind of machine. `arc_folder` is the folder of Azure Arc's agent;
    `clock` tells seconds without steps of the wall clock.
    """

    def __init__(
        self,
        connection: Connection,
        identity: ManagedIdentity,
        *,
        environment: Mapping[str, str] = os.environ,
        arc_folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._identity = identity
        self._environment = environment
        self._arc_folder = arc_folder or Path(_ARC_FOLDERS.get(sys.platform, ""))
        self._clock = clock
        self._latest = ""
        self._good_until = 0.0
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token, the last token while still good."""
        connection = self._connection
        with self._lock, translated(connection):
            if not self._latest or self._clock() >= self._good_until:
                answer = self._asked()
                self._latest = _of_tenant(answer["access_token"], connection)
                self._good_until = self._clock() + _life(answer) - _SPARE_SECONDS
            return self._latest

    def forget(self, refused: str) -> None:
        """Drop the token if the refused token is the latest, so that the next token is new."""
        with self._lock:
            if refused == self._latest:
                self._latest = ""

    def _asked(self) -> Mapping[str, Any]:
        """Ask the endpoint.

        Raises:
            AuthenticationError: the endpoint has no such identity.
            SignInError: the endpoint is busy, or no token endpoint.
        """
        has_arc = Path(_ARC_AGENTS.get(sys.platform, "")).is_file()
        endpoint = identity_endpoint(self._environment, has_arc=has_arc)
        with identity_session(_SECONDS, thumbprint=endpoint.thumbprint) as session:
            response = self._get(session, endpoint, {})
            if endpoint.proves:
                response = self._get(session, endpoint, self._proof(response))
        return self._read(endpoint, response)

    def _get(
        self, session: requests.Session, endpoint: IdentityEndpoint, proof: Mapping[str, str]
    ) -> requests.Response:
        resource = self._connection.scope.removesuffix("/.default")
        response = session.get(
            endpoint.url,
            params=endpoint.parameters(resource, self._identity),
            headers={**endpoint.headers, **proof},
        )
        status = response.status_code
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            msg = f"No managed identity: this machine's identity endpoint answered {status}"
            raise SignInError(msg)
        return response

    def _proof(self, challenge: requests.Response) -> Mapping[str, str]:
        """Prove to the agent of Azure Arc that the agent's file is readable.

        Raises:
            AuthenticationError: the file is not readable, or no file is named.
        """
        scheme, _, named = challenge.headers.get("WWW-Authenticate", "").partition("=")
        if challenge.status_code != HTTPStatus.UNAUTHORIZED or scheme.lower() != "basic realm":
            msg = "No managed identity: the agent of Azure Arc does not ask for a proof"
            raise AuthenticationError(msg)
        # the challenge may name any path; the file is in the agent's folder
        name = named.replace("\\", "/").rpartition("/")[2].partition(".")[0]
        file = self._arc_folder / f"{name}.key"
        try:
            with file.open(encoding="ascii") as content:
                text = content.read(_LONGEST_PROOF)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            msg = (
                f"No managed identity: {str(file)!r} cannot be read: {why}; under Azure Arc the "
                "user that runs the tap must be in the group himds"
            )
            raise AuthenticationError(msg) from error
        return {"Authorization": f"Basic {header_text('the file of Azure Arc', text)}"}

    def _read(self, endpoint: IdentityEndpoint, response: requests.Response) -> Mapping[str, Any]:
        try:
            given = json_object(response.content)
        except AnswerFormError as error:
            msg = (
                f"No managed identity: this machine's identity endpoint answered no JSON ({error})"
            )
            raise SignInError(msg) from error
        answer = known_members(given)
        if response.status_code == HTTPStatus.OK and "access_token" in answer:
            if endpoint.proves:
                self._check_confirmed(answer)
            return answer
        hidden = [*secrets_sent(response.request), answer.get("access_token", "")]
        raise refused(without_secrets(hidden, _said(given, response.status_code)), self._connection)

    def _check_confirmed(self, answer: Mapping[str, Any]) -> None:
        """Hold the identity named by Azure Arc against the wanted identity.

        An old agent hands out the machine's own token in any case.

        Raises:
            AuthenticationError: another identity is named, or none.
        """
        kind, name = self._identity.kind, self._identity.name
        names = {"resource_id": ("msi_res_id", "mi_res_id")}.get(kind, (kind,))
        told = {str(answer.get(key)).lower() for key in names}
        if kind != "system" and name.lower() not in told:
            msg = (
                "No managed identity: the agent of Azure Arc did not confirm the requested "
                "identity; an old one knows the machine's own alone"
            )
            raise AuthenticationError(msg)


def _life(answer: Mapping[str, Any]) -> float:
    """Return for how many seconds a token is good.

    Raises:
        SignInError: the answer does not say so.
    """
    if "expires_in" in answer:
        return float(answer["expires_in"])
    if "expires_on" in answer:  # seconds since 1970
        return float(answer["expires_on"]) - time.time()
    msg = (
        "No managed identity: this machine's identity endpoint does not say how long a token lasts"
    )
    raise SignInError(msg)


def _said(given: Mapping[str, Any], status: int) -> str:
    """Return the endpoint's reason for a missing token; each kind has members of its own."""
    inner = given.get("error")
    parts = [given.get("message"), given.get("error_description"), inner]
    if isinstance(inner, dict):
        parts.append(", ".join(filter(None, map(words, (inner.get("code"), inner.get("message"))))))
    return next(filter(None, map(words, parts)), f"the identity endpoint answered {status}")


def _of_tenant(token: str, connection: Connection) -> str:
    """Return the token unless surely of another tenant: a machine belongs to a single tenant.

    Raises:
        AuthenticationError: the token is another tenant's; rows would go by the wrong name.
    """
    if other := other_tenant(token, connection):
        msg = (
            f"No token for tenant {connection.tenant_id}: "
            f"this machine's identity is of tenant {other}; "
            "set tenant_id to that, or sign in another way"
        )
        raise AuthenticationError(msg)
    return token
