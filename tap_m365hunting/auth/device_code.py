"""Tokens of a person, signed in once on another device."""

import json
import logging
import os
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, TypeGuard

import msal

from tap_m365hunting.auth.responses import access_token, translated
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import DeviceCode
from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.configuration.files import open_regular
from tap_m365hunting.errors import AuthenticationError
from tap_m365hunting.http.login_session import login_session

_LOG: Final = logging.getLogger(__name__)
_PENDING: Final = frozenset({"authorization_pending", "slow_down"})
# Entra ID asks for pauses of 5 seconds, and a code is good for a quarter of an hour.
_LONGEST_PAUSE_SECONDS: Final = 60
_LONGEST_FLOW_SECONDS: Final = 3_600
# A cache of one sign-in has some kilobytes.
_MOST_CACHED: Final = 1 << 24
# Entra ID's error codes that only the person can mend: OAuth 2.0, 5.2, and OpenID Connect, 3.1.2.6.
_ASK_AGAIN: Final = frozenset({"invalid_grant", "interaction_required", "login_required"})


class DeviceCodeTokens:
    """Signs in for a person: shows the address and the code, and waits for the person.

    MSAL renews the token without the person, from the cache file on later runs, too. `sleep` waits
    for seconds.
    """

    def __init__(
        self, connection: Connection, credential: DeviceCode, *, sleep: Callable[[float], None]
    ) -> None:
        self._connection = connection
        self._credential = credential
        self._sleep = sleep
        self._cache = CacheFile(credential.cache)
        self._app: Any = None
        self._stale = False
        self._latest = ""
        self._lock = threading.Lock()

    def token(self) -> str:
        """Return a token: from the cache, renewed, or after a new sign-in."""
        connection = self._connection
        with self._lock, translated(connection):
            self._app = self._app or self._new_app()
            answer = self._silent() or self._interactive()
            self._cache.save()
            self._latest = access_token(answer, connection)
            self._stale = False
            return self._latest

    def forget(self, refused: str) -> None:
        """If the refused token is the latest, renew next time instead of using the cache."""
        with self._lock:
            self._stale = self._stale or refused == self._latest

    def _new_app(self) -> Any:  # noqa: ANN401 (MSAL has no types)
        connection = self._connection
        return msal.PublicClientApplication(
            self._credential.client_id,
            authority=f"{connection.authority}/{connection.tenant_id}",
            # as for an application: the settings name the authority
            instance_discovery=False,
            token_cache=self._cache.tokens,
            http_client=login_session(connection.timeout.total_seconds()),
        )

    def _silent(self) -> dict[str, Any] | None:
        """Return Entra ID's answer without the person, or `None` if the person has to act."""
        for account in self._app.get_accounts():
            answer: dict[str, Any] | None = self._app.acquire_token_silent_with_error(
                [self._connection.scope], account=account, force_refresh=self._stale
            )
            if answer and answer.get("error") not in _ASK_AGAIN:
                return answer
        return None

    def _interactive(self) -> dict[str, Any]:
        flow: dict[str, Any] = self._app.initiate_device_flow([self._connection.scope])
        if "user_code" not in flow:
            return flow  # the refusal
        # several tenants may wait for a person at the same time
        _LOG.warning("Tenant %s: %s", self._connection.tenant_id, _invitation(flow))
        pause = min(max(flow["interval"], 1), _LONGEST_PAUSE_SECONDS)
        for _ in range(int(min(flow["expires_in"], _LONGEST_FLOW_SECONDS) // pause) + 1):
            self._sleep(pause)
            answer: dict[str, Any] = self._app.acquire_token_by_device_flow(
                flow, exit_condition=lambda _: True
            )
            if answer.get("error") not in _PENDING:
                return answer
            pause = min(max(flow["interval"], pause), _LONGEST_PAUSE_SECONDS)
        return {"error": "expired_token", "error_description": "AADSTS70020: The code has expired"}


def _invitation(flow: Mapping[str, Any]) -> str:
    """Return address and code, in Entra ID's words where given."""
    place = flow.get("verification_uri", "https://microsoft.com/devicelogin")
    return str(flow.get("message") or f"To sign in, open {place} and enter {flow['user_code']}")


class CacheFile:
    """A sign-in kept beyond the run, in a file readable by its user alone; or in no file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read = False
        self._tokens = msal.SerializableTokenCache()

    @property
    def tokens(self) -> msal.SerializableTokenCache:
        """MSAL's cache, filled from the file.

        Raises:
            AuthenticationError: the file cannot be read, or others can read the file.
        """
        if self._path and not self._read:
            self._load(self._path)
        self._read = True
        return self._tokens

    def save(self) -> None:
        """Write the changes; the file is whole at every instant.

        Raises:
            AuthenticationError: the file cannot be written.
        """
        if self._path is None or not self._tokens.has_state_changed:
            return
        try:
            with NamedTemporaryFile("w", dir=self._path.parent, delete=False) as file:
                file.write(self._tokens.serialize())  # the mode of such a file is 0600
            Path(file.name).replace(self._path)
        except OSError as error:
            msg = f"token_cache_path {shown_name(self._path)} cannot be written: {error.strerror}"
            raise AuthenticationError(msg) from error

    def _load(self, path: Path) -> None:
        try:
            if _open_to_others(path):
                named = f"token_cache_path {shown_name(path)}"
                msg = f"{named} holds a sign-in and can be read by others: chmod 600"
                raise AuthenticationError(msg)
            with open_regular(path) as file:
                self._tokens.deserialize(_checked(file.read(_MOST_CACHED).decode()))
        except FileNotFoundError:
            return  # the first sign-in makes it
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no token cache"
            msg = f"token_cache_path {shown_name(path)} cannot be read: {why}"
            raise AuthenticationError(msg) from error


def _checked(text: str) -> str:
    """Return the text of a token cache.

    Raises:
        ValueError: the text has not MSAL's form: kinds of entries, each with texts by name.
    """
    try:
        cached = json.loads(text)
    except RecursionError as error:
        raise ValueError from error
    kinds = list(cached.values()) if isinstance(cached, dict) else [None]
    entries = [entry for kind in kinds for entry in (kind.values() if _is_table(kind) else [None])]
    if not all(_is_table(entry) for entry in entries):
        raise ValueError
    return text


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _open_to_others(path: Path) -> bool:
    """Whether the mode lets group or others in; only POSIX has modes."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
