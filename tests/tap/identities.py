"""Ways to sign in, ready to be tried: certificates, token files, a machine, a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from typing_extensions import override

from hunting_emulator import Emulator
from hunting_emulator import settings as emulated
from tap_m365hunting.auth import TokenSource, token_source
from tap_m365hunting.configuration.config import Settings
from tests.tap.harness import NOW, Tenant, at

ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId, Title"}
PASSWORD = "pfx-P4SSWORD"
NONE: Mapping[str, Any] = {"client_id": None, "client_secret": None}
YEAR = timedelta(days=365)
SCOPES = {
    "graph": ("ThreatHunting.Read.All", "https://graph.microsoft.com/.default"),
    "defender": ("AdvancedHunting.Read", "https://api.security.microsoft.com/.default"),
}


@dataclass(frozen=True)
class Owner:
    """A key with its certificate, and who signed that."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate, as text."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The key without a password, as text."""
        return self._key(NoEncryption())

    @property
    def locked_pem(self) -> str:
        """The key under the password, as text."""
        return self._key(BestAvailableEncryption(PASSWORD.encode()))

    def pfx(self, *others: "Owner", password: str = PASSWORD) -> bytes:
        """Key, certificate and those of others, in one file."""
        chain = [other.certificate for other in others]
        lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(
            b"tap", self.key, self.certificate, chain, lock
        )

    def _key(self, lock: KeySerializationEncryption) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


@cache
def new_key(_: str) -> rsa.RSAPrivateKey:
    """Return a key, the same for the same name: making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def owner(
    name: str = "tap",
    *,
    issuer: Owner | None = None,
    start: datetime = NOW - YEAR,
    end: datetime | None = None,
) -> Owner:
    """Return a key whose certificate is signed by itself or by another's key."""
    key = new_key(name)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end or datetime.now(UTC) + YEAR)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    return Owner(key, built)


def register(emulator: Emulator, **parts: Any) -> None:  # noqa: ANN401 - whatever an app has
    """Make the only application of the only tenant anew."""
    application = emulated.Application(**parts)
    emulator.settings = emulated.Settings(tenants=(emulated.Tenant(applications=(application,)),))


class Workplace:
    """Sets up one way to sign in, and names its settings and its secrets."""

    def __init__(self, tenant: Tenant, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self.tenant = tenant
        self.emulator = tenant.emulator
        self.folder = folder
        self.environment = environment

    def settings(self, method: str) -> dict[str, Any]:
        """Return the settings that sign in by a method, which is set up for it."""
        own: dict[str, Any] = getattr(self, f"_{method}")()
        return {**NONE, **own}

    def file(self, name: str, content: str | bytes) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def _client_secret(self) -> dict[str, Any]:
        emulator = self.emulator
        return {"client_id": emulator.client_id, "client_secret": emulator.client_secret}

    def _certificate_pem(self) -> dict[str, Any]:
        me = owner()
        register(self.emulator, certificates=(me.pem,))
        path = self.file("tap.pem", me.key_pem + me.pem)
        return {"client_id": self.emulator.client_id, "certificate_path": path}

    def _certificate_locked_pem(self) -> dict[str, Any]:
        me = owner()
        register(self.emulator, certificates=(me.pem,))
        path = self.file("tap.pem", me.pem + me.locked_pem)
        return {
            "client_id": self.emulator.client_id,
            "certificate_path": path,
            "certificate_password": PASSWORD,
        }

    def _certificate_pfx(self) -> dict[str, Any]:
        root = owner("root")
        me = owner(issuer=root)
        register(self.emulator, certificates=(me.pem,))
        return {
            "client_id": self.emulator.client_id,
            "certificate_path": self.file("tap.pfx", me.pfx(root)),
            "certificate_password": PASSWORD,
        }

    def _federated(self) -> dict[str, Any]:
        path = self.file("workload", f"{self.emulator.workload_token()}\n")
        return {"client_id": self.emulator.client_id, "federated_token_file": path}

    def _federated_by_environment(self) -> dict[str, Any]:
        path = self._federated().pop("federated_token_file")
        self.environment.setenv("AZURE_FEDERATED_TOKEN_FILE", path)
        return {"client_id": self.emulator.client_id}

    def _managed_identity(self) -> dict[str, Any]:
        for name, value in self.emulator.identity_environment.items():
            self.environment.setenv(name, value)
        return {"managed_identity": "system"}

    def _managed_identity_of_user(self) -> dict[str, Any]:
        return {**self._managed_identity(), "managed_identity": self.emulator.client_id}

    def _device_code(self) -> dict[str, Any]:
        # as Entra ID says that a token is for all scopes that were asked for at once
        register(self.emulator, scopes=SCOPES)
        # MSAL warns by the real clock, and waiting is made up here
        self.emulator.configure(device_interval=1)
        return {
            "client_id": self.emulator.client_id,
            "auth_method": "device_code",
            "token_cache_path": str(self.folder / "cache.json"),
        }


METHODS = [
    "client_secret",
    "certificate_pem",
    "certificate_locked_pem",
    "certificate_pfx",
    "federated",
    "federated_by_environment",
    "managed_identity",
    "managed_identity_of_user",
    "device_code",
]


class SignedIn(Tenant):
    """A tenant whose person signs in as soon as the tap waits for it.

    `pace` is how many seconds pass whenever the tap looks at the clock.
    """

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self.pace = 0.0
        self.answers = True
        self.sign_ins = 0

    def tokens(self, **settings: Any) -> TokenSource:  # noqa: ANN401 - JSON
        """Return where the tap would take its tokens from."""
        connection = Settings.parse(self.config(ALERTS, **settings)).connection
        return token_source(connection, clock=self.seconds, sleep=self.sleep)

    def load(self, hours: int = 3) -> None:
        """Put an alert into each of the last hours."""
        rows = [
            {"Timestamp": at(hours=n + 1), "AlertId": f"a{n}", "Title": "t"} for n in range(hours)
        ]
        self.emulator.engine.load("AlertInfo", rows)

    @override
    def seconds(self) -> float:
        self.emulator.clock.advance(timedelta(seconds=self.pace))
        return super().seconds()

    @override
    def sleep(self, seconds: float) -> None:
        self.sign_ins += self.emulator.sign_in(approve=self.answers)
        super().sleep(seconds)
