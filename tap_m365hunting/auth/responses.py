"""What Entra ID and MSAL answer, as a token or as an error that says what can be done."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import requests
from urllib3.exceptions import HTTPError

from tap_m365hunting.auth.entra_errors import TRANSIENT, WAYS_OUT
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import (
    Certificate,
    ClientSecret,
    Credential,
    DeviceCode,
    Federated,
    ManagedIdentity,
)
from tap_m365hunting.errors import AuthenticationError, LoginUnreachableError, SignInError
from tap_m365hunting.http.connection_errors import connection_failure

_LONGEST: Final = 400
_CODE: Final = re.compile(r"AADSTS(\d+)")
# Entra ID ends its texts with three ids; the second finds the attempt in the sign-in logs.
_IDS: Final = re.compile(r"\s*Trace ID:.*", re.DOTALL)
_STATUS: Final = re.compile(r"HTTP status: (\d+)")


def access_token(answer: Mapping[str, Any], place: Connection) -> str:
    """Return the token of an answer.

    Raises:
        AuthenticationError: it is a refusal.
        SignInError: it is one that may pass.
    """
    if "access_token" in answer:
        return str(answer["access_token"])
    said = str(answer.get("error_description") or answer.get("error") or "no reason given")
    raise _refusal(said, place, str(answer.get("correlation_id", "")))


@contextmanager
def translated(place: Connection) -> Iterator[None]:
    """Turn the errors of MSAL and of the connection into the tap's own."""
    try:
        yield
    except (requests.RequestException, HTTPError) as error:
        raise _unreached(error, place) from error
    except OSError as error:  # a file with certificates that is not there
        msg = f"No sign-in at {place.authority}: {error}; check REQUESTS_CA_BUNDLE"
        raise AuthenticationError(msg) from error
    except (ValueError, KeyError) as error:
        raise _no_metadata(error, place) from error


def _refusal(said: str, place: Connection, correlation: str = "") -> Exception:
    found = _CODE.search(said)
    code = int(found[1]) if found else 0
    text = " ".join(_IDS.sub("", said).split())[:_LONGEST].rstrip(".")
    attempt = f" (correlation id {correlation})" if correlation else ""
    where = f"No token for tenant {place.tenant_id}: {text}"
    if code in TRANSIENT:
        return SignInError(f"{where}{attempt}")
    way_out = WAYS_OUT.get(code) or f"check {_CHECK[type(place.credential)]}"
    return AuthenticationError(f"{where}; {way_out}{attempt}")


def _unreached(error: requests.RequestException | HTTPError, place: Connection) -> Exception:
    reason, lasts, absent = connection_failure(error)
    if lasts:
        return AuthenticationError(f"No sign-in at {place.authority}: {reason}")
    if isinstance(place.credential, ManagedIdentity):
        msg = (
            f"No managed identity: {type(error).__name__} at this machine's identity endpoint; is "
            "it a machine in Azure, with an identity assigned?"
        )
        return SignInError(msg)
    kind = LoginUnreachableError if absent else SignInError
    return kind(f"No sign-in at {place.authority}: {reason}")


def _no_metadata(error: Exception, place: Connection) -> Exception:
    """Say why there is no metadata of the tenant; MSAL hides Entra ID's own words behind its own.

    What is no refusal may be the page of a proxy, which may pass.
    """
    hidden = str(error.__context__ or error)
    if _CODE.search(hidden):
        return _refusal(_json_text(hidden), place)
    status = _STATUS.search(hidden)
    if status:
        msg = (
            f"No sign-in: {place.authority} answered {status[1]} for tenant {place.tenant_id}; "
            "check tenant_id, cloud and authority_url"
        )
        return AuthenticationError(msg)
    # of a proxy that asks for a password in a browser, say, which may be done in a moment
    said = f"it answers, but not as Entra ID does ({type(error).__name__})"
    msg = f"No sign-in at {place.authority}: {said}; check authority_url and HTTPS_PROXY"
    return LoginUnreachableError(msg)


def _json_text(hidden: str) -> str:
    """Return Entra ID's sentence from the JSON that is quoted in an error's text."""
    start = hidden.index("AADSTS")
    return hidden[start:].split('"', 1)[0]


_CHECK: Final[Mapping[type[Credential], str]] = {
    ClientSecret: "tenant_id, client_id and client_secret",
    Certificate: "tenant_id, client_id and certificate_path, and that the certificate is "
    "registered for the app",
    Federated: "tenant_id, client_id and the federated credential of the app registration",
    ManagedIdentity: "managed_identity, and that this machine has that identity",
    DeviceCode: "tenant_id and client_id, and that the app allows public client flows",
}
