"""Tokens of a managed identity: whoever runs on the machine has them."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any, Final

import msal
import requests
from msal.managed_identity import ManagedIdentityError
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_m365hunting.auth.claims import other_tenant
from tap_m365hunting.auth.responses import access_token, translated
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import ManagedIdentity
from tap_m365hunting.errors import AuthenticationError, SignInError

# at debug level it writes what an endpoint answered, if it was no JSON
logging.getLogger("msal.managed_identity").setLevel(logging.INFO)
# The endpoint is on the machine; where nothing answers there, the machine is not in Azure.
_SECONDS: Final = 10.0
# The endpoint is throttled, or is being updated, which takes 70 seconds at most
# -- https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
_PASSING: Final = frozenset({410, 429})
_FAILED: Final = 500


class ManagedIdentityTokens:
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
        with self._lock, translated(place), _explained():
            self._client = self._client or self._new_client()
            resource = place.scope.removesuffix("/.default")
            answer = self._client.acquire_token_for_client(resource=resource)
            self._latest = _of_tenant(access_token(answer, place), place)
            return self._latest

    def forget(self, refused: str) -> None:
        """Drop the cached tokens if this is the latest, so that the next one is new."""
        with self._lock:
            if refused == self._latest:
                self._client = None

    def _new_client(self) -> Any:  # noqa: ANN401 (MSAL has no types)
        session = requests.Session()
        session.hooks["response"] = [_refuse_for_now]
        for scheme in ("http://", "https://"):
            session.mount(scheme, _OnMachine())
        return msal.ManagedIdentityClient(_msal_identity(self._identity), http_client=session)


class _OnMachine(HTTPAdapter):
    """Gives up in time, and asks no proxy for what is on the machine; MSAL leaves both to us."""

    @override
    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        ours = {"timeout": _SECONDS, "proxies": {}}
        return super().send(request, *args, **{**options, **ours})


def _of_tenant(token: str, place: Connection) -> str:
    """Return the token if it may be of the tenant: a machine's are of its own, whatever is set.

    Raises:
        AuthenticationError: it is another tenant's, whose rows would go by the wrong name.
    """
    if other := other_tenant(token, place):
        msg = (
            f"No token for tenant {place.tenant_id}: this machine's identity is of tenant {other}; "
            "set tenant_id to that, or sign in another way"
        )
        raise AuthenticationError(msg)
    return token


def _refuse_for_now(response: requests.Response, **_: object) -> None:
    """Stop at an answer that may be another one soon; MSAL takes it for a last word.

    Raises:
        SignInError: the endpoint is busy, or is being updated.
    """
    status = response.status_code
    if status in _PASSING or status >= _FAILED:
        msg = f"No managed identity: this machine's identity endpoint answered {status}"
        raise SignInError(msg)


@contextmanager
def _explained() -> Iterator[None]:
    """Name what is wrong on the machine."""
    try:
        yield
    except requests.RequestException:
        raise
    except OSError as error:
        msg = (
            f"No managed identity: {error.filename} cannot be read: {error.strerror}; under Azure "
            "Arc the user that runs the tap must be in the group himds"
        )
        raise AuthenticationError(msg) from error
    except JSONDecodeError as error:
        msg = "No managed identity: this machine's identity endpoint answered no JSON"
        raise SignInError(msg) from error
    except ManagedIdentityError as error:
        msg = f"No managed identity: {str(error).rstrip('.')}"
        raise AuthenticationError(msg) from error


def _msal_identity(identity: ManagedIdentity) -> Any:  # noqa: ANN401 (MSAL has no types)
    if identity.kind == "system":
        return msal.SystemAssignedManagedIdentity()
    return msal.UserAssignedManagedIdentity(**{identity.kind: identity.name})
