"""Proofs of an application to Entra ID: a secret, a certificate, another issuer's token."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

from hunting_emulator.settings import Application, Secret

FEDERATED_AUDIENCE: Final = "api://AzureADTokenExchange"
_LEEWAY_SECONDS: Final = 300


class LoginRefusedError(Exception):
    """Entra ID gives no token. `status`: HTTP; `error`: OAuth's word; `code`: the AADSTS number."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.code = code

    def body(self, login_url: str, *, now: datetime) -> dict[str, Any]:
        """Return the answer's body, in Entra ID's form."""
        trace, correlation = str(uuid4()), str(uuid4())
        moment = f"{now:%Y-%m-%d %H:%M:%S}Z"
        return {
            "error": self.error,
            "error_description": f"AADSTS{self.code}: {self} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {moment}",
            "error_codes": [self.code],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{login_url}/error?code={self.code}",
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """The time, the audiences and the key that a proof is checked against.

    `workload_key` is the key of the one issuer whose word is taken for federated applications.
    """

    now: datetime
    audiences: tuple[str, ...]
    workload_key: RSAPublicKey


Proof = Callable[[Application, str, Evidence], None]


def prove(application: Application, form: Mapping[str, str], evidence: Evidence) -> None:
    """Take the first proof that the form holds.

    Raises:
        LoginRefusedError: the form holds no proof, or a bad one.
    """
    field = next((name for name in PROOFS if form.get(name)), None)
    if field is None:
        text = (
            "The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'."
        )
        raise _refusal(7000218, text)
    PROOFS[field](application, form[field], evidence)


def _by_secret(application: Application, given: str, evidence: Evidence) -> None:
    secret = next((s for s in application.secrets if s.value == given), None)
    if secret is None:
        text = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{application.client_id}'."
        )
        raise _refusal(7000215, text)
    if _expired(secret, evidence.now):
        text = (
            f"The provided client secret keys for app '{application.client_id}' are expired. "
            "Visit the Azure portal to create new keys for your app: "
            "https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
            "security: https://aka.ms/certCreds."
        )
        raise _refusal(7000222, text)


def _expired(secret: Secret, now: datetime) -> bool:
    return secret.expires is not None and secret.expires <= now


def _by_assertion(application: Application, given: str, evidence: Evidence) -> None:
    """A certificate's owner names the certificate; another issuer's token names none."""
    try:
        headers = jwt.get_unverified_header(given)
    except jwt.InvalidTokenError as error:
        raise _refusal(50027, "JWT token is invalid or malformed.") from error
    if "x5t" in headers or "x5t#S256" in headers:
        _by_certificate(application, given, headers, evidence)
    else:
        _by_federation(application, given, evidence)


def _by_certificate(
    application: Application, given: str, headers: Mapping[str, str], evidence: Evidence
) -> None:
    loaded = (load_pem_x509_certificate(pem.encode()) for pem in application.certificates)
    # MSAL pads its thumbprints, though JOSE says not to.
    thumbprints = {headers.get(name, "").rstrip("=") for name in ("x5t", "x5t#S256")}
    found = next((c for c in loaded if thumbprints & set(_thumbprints(c))), None)
    if found is None:
        text = (
            "The certificate with identifier used to sign the client assertion is not registered "
            f"on application. [Reason - The key was not found., Please visit the Azure Portal to "
            f"see the keys of the application with id '{application.client_id}'.]"
        )
        raise _refusal(700027, text)
    key = found.public_key()
    if not isinstance(key, RSAPublicKey):
        raise _refusal(700027, "Client assertion failed signature validation.")
    claims = _signed(given, key, evidence.audiences)
    if claims.get("sub") != application.client_id or claims.get("iss") != application.client_id:
        text = "Client assertion application identifier doesn't match 'client_id' parameter."
        raise _refusal(700021, text)


def _thumbprints(certificate: Certificate) -> tuple[str, str]:
    """Return how JWT headers name a certificate, by SHA-1 and by SHA-256."""
    der = certificate.public_bytes(Encoding.DER)
    # SHA-1 is the header's definition (RFC 7515, 4.1.7), not a choice.
    digests = hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest()
    one, other = (base64.urlsafe_b64encode(d).decode().rstrip("=") for d in digests)
    return one, other


def _by_federation(application: Application, given: str, evidence: Evidence) -> None:
    claims = _signed(given, evidence.workload_key, (FEDERATED_AUDIENCE,))
    if claims.get("sub") not in application.federated_subjects:
        text = (
            "No matching federated identity record found for presented assertion subject "
            f"'{claims.get('sub')}'. Check your federated identity credential Subject, Audience "
            "and Issuer against the presented assertion."
        )
        raise _refusal(700213, text)


def _signed(given: str, key: RSAPublicKey, audiences: tuple[str, ...]) -> dict[str, Any]:
    """Return the claims of an assertion; its times are real ones, as its signer has no other."""
    try:
        claims: dict[str, Any] = jwt.decode(
            given,
            key,
            algorithms=["RS256", "PS256"],
            audience=list(audiences),
            leeway=_LEEWAY_SECONDS,
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        text = "Client assertion is not within its valid time range."
        raise _refusal(700024, text) from error
    except jwt.InvalidAudienceError as error:
        text = "Client assertion audience claim does not match Realm issuer."
        raise _refusal(700023, text) from error
    except jwt.InvalidTokenError as error:
        text = "Client assertion failed signature validation."
        raise _refusal(700027, text) from error
    return claims


def _refusal(code: int, text: str) -> LoginRefusedError:
    return LoginRefusedError(401, "invalid_client", code, text)


PROOFS: Final[Mapping[str, Proof]] = {
    "client_secret": _by_secret,
    "client_assertion": _by_assertion,
}
