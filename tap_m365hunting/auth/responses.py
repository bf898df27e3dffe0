"""Answers of Entra ID and MSAL as a token, or as an error that names the way out."""

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
from tap_m365hunting.http.login_session import NoEntraIdError
from tap_m365hunting.printable import without_tokens

_LONGEST: Final = 400
_CODE: Final = re.compile(r"AADSTS(\d+)")
# Entra ID ends its texts with three ids; the second finds the attempt in the sign-in logs.
_IDS: Final = re.compile(r"\s*Trace ID:.*", re.DOTALL)
_CORRELATION: Final = re.compile(r"[0-9a-f-]{1,36}", re.IGNORECASE)


def access_token(answer: Mapping[str, Any], connection: Connection) -> str:
    """Return the token of an answer.

    Raises:
        AuthenticationError: the answer is a refusal.
        SignInError: the answer is a failure that may pass.
    """
    if "access_token" in answer:
        return str(answer["access_token"])
    said = str(answer.get("error_description") or answer.get("error") or "no reason given")
    raise refused(said, connection, str(answer.get("correlation_id", "")))


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Turn the errors of MSAL and of the connection into the tap's own."""
    try:
        yield
    except (requests.RequestException, HTTPError) as error:
        raise _unreached(error, connection) from error
    except OSError as error:  # a file with certificates that is not there
        msg = f"No sign-in at {connection.authority}: {error}; check REQUESTS_CA_BUNDLE"
        raise AuthenticationError(msg) from error
    except NoEntraIdError as error:
        msg = (
            f"No sign-in: {connection.authority} answered {error.status} for tenant "
            f"{connection.tenant_id}; "
            "check tenant_id, cloud and authority_url"
        )
        raise AuthenticationError(msg) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # MSAL's own, on the odd
        msg = f"No sign-in at {connection.authority}: {type(error).__name__}"
        raise SignInError(msg) from error


def refused(said: str, connection: Connection, correlation: str = "") -> Exception:
    """Return the error for a refusal, in Entra ID's words."""
    found = _CODE.search(said)
    code = int(found[1]) if found else 0
    text = " ".join(without_tokens(_IDS.sub("", said)).split())[:_LONGEST].rstrip(".")
    named = _CORRELATION.fullmatch(correlation)
    attempt = f" (correlation id {correlation})" if named else ""
    where = f"No token for tenant {connection.tenant_id}: {text}"
    if code in TRANSIENT:
        return SignInError(f"{where}{attempt}")
    # a machine's identity has neither secret nor certificate to look at
    known = {} if isinstance(connection.credential, ManagedIdentity) else WAYS_OUT
    way_out = known.get(code) or f"check {_CHECK[type(connection.credential)]}"
    return AuthenticationError(f"{where}; {way_out}{attempt}")


def _unreached(error: requests.RequestException | HTTPError, connection: Connection) -> Exception:
    reason, lasts, absent = connection_failure(error)
    if lasts:
        return AuthenticationError(f"No sign-in at {connection.authority}: {reason}")
    if isinstance(connection.credential, ManagedIdentity):
        msg = (
            f"No managed identity: {type(error).__name__} at this machine's identity endpoint; is "
            "it a machine in Azure, with an identity assigned?"
        )
        return SignInError(msg)
    kind = LoginUnreachableError if absent else SignInError
    return kind(f"No sign-in at {connection.authority}: {reason}")


_CHECK: Final[Mapping[type[Credential], str]] = {
    ClientSecret: "tenant_id, client_id and client_secret",
    Certificate: "tenant_id, client_id and certificate_path, and that the certificate is "
    "registered for the app",
    Federated: "tenant_id, client_id and the federated credential of the app registration",
    ManagedIdentity: "managed_identity, and that this machine has that identity",
    DeviceCode: "tenant_id and client_id, and that the app allows public client flows",
}
