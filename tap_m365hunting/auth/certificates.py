"""A private key with its certificate, from PEM or PFX, and the assertions signed by the key."""

import base64
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12
from msal.oauth2cli import JwtAssertionCreator

from tap_m365hunting.configuration.cautions import is_open_to_all
from tap_m365hunting.configuration.credentials import Certificate
from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.configuration.files import TooLargeError, bounded
from tap_m365hunting.errors import AuthenticationError

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, its certificate, and the certificates between the certificate and the root."""

    key: RSAPrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...]

    def signer(self, *, audience: str, client_id: str) -> Callable[[], Any]:
        """Return a maker of assertions, each good for ten minutes.

        The thumbprint names a registered certificate; the chain lets Entra ID go by subject name
        and issuer, where trusted by the app, so that a renewed certificate works.
        """
        thumbprint = self.chain[0].fingerprint(hashes.SHA256()).hex()
        # RFC 7515, 4.1.6: base64, not base64url, the signer's own certificate first
        x5c = [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in self.chain]
        creator = JwtAssertionCreator(
            self.key, algorithm="PS256", sha256_thumbprint=thumbprint, headers={"x5c": x5c}
        )
        signer: Callable[[], Any] = creator.create_regenerative_assertion(
            audience=audience, issuer=client_id
        )
        return signer


def read_certificate(certificate: Certificate, *, now: float) -> SigningKey:
    """Read a file in either form; `now` is in seconds since the epoch.

    Raises:
        AuthenticationError: the file cannot be read, or cannot sign; the message names the remedy.
    """
    try:
        with certificate.path.open("rb") as file:
            content = bounded(file)
    except (OSError, TooLargeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        _refuse(certificate.path, f"cannot be read: {why}", error)
    read = _read_pem if b"-----BEGIN" in content else _read_pfx
    key, certificates = read(content, certificate)
    if is_open_to_all(certificate.path):
        shown = shown_name(certificate.path)
        _LOG.warning("certificate_path %s holds a key that every user can read: chmod 600", shown)
    if not isinstance(key, RSAPrivateKey):
        _refuse(certificate.path, "its key is not RSA, which Entra ID needs")
    return SigningKey(key, _in_order(key, certificates, certificate.path, now))


def _read_pem(
    content: bytes, certificate: Certificate
) -> tuple[object, Sequence[x509.Certificate]]:
    if b"PRIVATE KEY-----" not in content:
        _refuse(certificate.path, "holds no private key; put key and certificate into one file")
    if b"-----BEGIN CERTIFICATE-----" not in content:
        _refuse(certificate.path, "holds no certificate; put key and certificate into one file")
    try:
        certificates = x509.load_pem_x509_certificates(content)
        key = load_pem_private_key(content, _password(certificate))
    except TypeError as error:  # a password that is missing, or one too many
        _refuse(certificate.path, _password_hint(certificate), error)
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "certificate_password is wrong, or the file is damaged"
        _refuse(certificate.path, hint if certificate.password else "cannot be decoded", error)
    return key, certificates


def _decoded(content: bytes) -> bytes:
    """Return a PFX from the base64 in which Azure Key Vault hands one out as a secret."""
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except ValueError:  # the PFX itself, which is no text
        return content


def _read_pfx(
    content: bytes, certificate: Certificate
) -> tuple[object, Sequence[x509.Certificate]]:
    try:
        content = _decoded(content)
        key, own, others = pkcs12.load_key_and_certificates(content, _password(certificate))
    except (ValueError, UnsupportedAlgorithm) as error:
        _refuse(
            certificate.path,
            "is no PEM, and as PFX it does not open: certificate_password is wrong or missing, or "
            "the file is damaged",
            error,
        )
    if key is None or own is None:
        _refuse(certificate.path, "holds no private key, or no certificate; export both")
    return key, [own, *others]


def _in_order(
    key: RSAPrivateKey, certificates: Sequence[x509.Certificate], path: Path, now: float
) -> tuple[x509.Certificate, ...]:
    """Put the key's own certificate first."""
    public = key.public_key()
    own = [c for c in certificates if c.public_key() == public]
    if not own:
        _refuse(path, "its certificate is not that of its private key")
    moment = datetime.fromtimestamp(now, tz=UTC)
    last = max(own, key=lambda c: c.not_valid_after_utc)  # of a renewed one, the new
    if last.not_valid_after_utc < moment:
        _refuse(path, f"expired on {last.not_valid_after_utc:%Y-%m-%d}; renew and register it")
    if last.not_valid_before_utc > moment:
        _refuse(path, f"is valid from {last.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on only")
    return (last, *(c for c in certificates if c not in own))


def _password(certificate: Certificate) -> bytes | None:
    return certificate.password.encode() if certificate.password else None


def _password_hint(certificate: Certificate) -> str:
    if certificate.password:
        return "its key has no password; remove certificate_password"
    return "its key has a password; set certificate_password"


def _refuse(path: Path, why: str, cause: Exception | None = None) -> NoReturn:
    msg = f"No sign-in by certificate: certificate_path {shown_name(path)} {why}"
    raise AuthenticationError(msg) from cause
