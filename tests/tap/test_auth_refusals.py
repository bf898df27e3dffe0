"""Whoever cannot sign in is told why, and what to change: once, in words, without a secret."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hunting_emulator import Emulator
from hunting_emulator.settings import Secret
from tap_m365hunting.errors import AuthenticationError, SignInError
from tests.tap.harness import NOW, Tenant
from tests.tap.identities import (
    ALERTS,
    PASSWORD,
    Owner,
    SignedIn,
    Workplace,
    owner,
    register,
)

OTHER = "99998888-ffff-7777-eeee-6666dddd5555"
WRONG = "wr0ng-S3CRET"
Case = Callable[[Workplace], dict[str, Any]]


@pytest.fixture
def workplace(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A folder and an environment where ways to sign in can be set up, well or badly."""
    return Workplace(SignedIn(emulator), tmp_path, monkeypatch)


def told(tenant: SignedIn, settings: dict[str, Any]) -> str:
    """Run the tap, and return what it says in the end."""
    try:
        run = tenant.sync(ALERTS, **settings)
    except (AuthenticationError, SignInError) as error:
        return str(error)
    return run.failed["alerts"]


def with_secret(**changes: Any) -> Case:  # noqa: ANN401 - JSON
    """Sign in by secret, but for something."""
    return lambda w: {**w.settings("client_secret"), **changes}


def expired_secret(w: Workplace) -> dict[str, Any]:
    """Use a secret that was good until yesterday."""
    register(w.emulator, secrets=(Secret(WRONG, NOW - timedelta(days=1)),))
    return {**w.settings("client_secret")}


def with_file(content: Callable[[], str | bytes], password: str | None = None) -> Case:
    """Sign in by a certificate's file with this content."""
    return lambda w: {
        **w.settings("certificate_pem"),
        "certificate_path": w.file("other", content()),
        "certificate_password": password,
    }


def damaged(me: Owner) -> str:
    """Return a PEM whose key lost a line."""
    lines = me.key_pem.splitlines()
    return "\n".join([*lines[:5], *lines[6:], me.pem])


def elliptic() -> str:
    """Return a PEM with a key that is not RSA."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return pem + owner().pem


def with_token(content: Callable[[Workplace], str]) -> Case:
    """Sign in by a federated token's file with this content."""
    return lambda w: {
        **w.settings("federated"),
        "federated_token_file": w.file("other", content(w)),
    }


def of_machine(header: str = "", **changes: str) -> Case:
    """Sign in by managed identity, with another header or name."""

    def case(w: Workplace) -> dict[str, Any]:
        settings = {**w.settings("managed_identity"), **changes}
        if header:
            w.environment.setenv("IDENTITY_HEADER", header)
        return settings

    return case


def nowhere(w: Workplace) -> dict[str, Any]:
    """Ask for a managed identity where nothing answers."""
    settings = w.settings("managed_identity")
    w.environment.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    return settings


def declined(w: Workplace) -> dict[str, Any]:
    """Have the person say no."""
    assert isinstance(w.tenant, SignedIn)
    w.tenant.answers = False
    return w.settings("device_code")


def cache(content: str, mode: int = 0o600, folder: str = ".") -> Case:
    """Sign in as a person, with something else where the sign-in is kept."""

    def case(w: Workplace) -> dict[str, Any]:
        settings = w.settings("device_code")
        if content:
            Path(w.file("cache.json", content)).chmod(mode)
        return {**settings, "token_cache_path": str(w.folder / folder / "cache.json")}

    return case


def without(**grants: Any) -> Case:  # noqa: ANN401 - JSON
    """Sign in well as an app that was granted something else."""

    def case(w: Workplace) -> dict[str, Any]:
        register(w.emulator, **grants)
        return w.settings("client_secret")

    return case


def person_without(w: Workplace) -> dict[str, Any]:
    """Sign in well as a person, through an app that may not hunt."""
    settings = w.settings("device_code")
    register(w.emulator, scopes={"graph": ("User.Read",)})
    w.emulator.configure(device_interval=1)
    return settings


def untrusted(w: Workplace) -> dict[str, Any]:
    """Trust other authorities than the emulator's."""
    w.environment.delenv("REQUESTS_CA_BUNDLE")
    return w.settings("client_secret")


def no_bundle(w: Workplace) -> dict[str, Any]:
    """Name a file of authorities that is not there."""
    w.environment.setenv("REQUESTS_CA_BUNDLE", "/gone/ca.pem")
    return w.settings("client_secret")


def no_licence(w: Workplace) -> dict[str, Any]:
    """Sign in well to a tenant without the product."""
    w.emulator.fail_next("no_licence", times=None)
    return w.settings("client_secret")


def future() -> str:
    """Return a certificate that is not valid yet, with its key."""
    me = owner(start=NOW + timedelta(hours=1))
    return me.key_pem + me.pem


def past() -> str:
    """Return a certificate that was valid, with its key."""
    me = owner(end=NOW - timedelta(days=30))
    return me.key_pem + me.pem


NO_ROLE = (
    "the app has no permission of Microsoft Graph: ThreatHunting.Read.All must be among its "
    "application permissions of Microsoft Graph, with admin consent"
)
OTHER_ROLE = (
    "the app has AdvancedHunting.Read.All, which is the Microsoft 365 Defender API's, "
    "User.Read.All; Microsoft Graph needs ThreatHunting.Read.All"
)
CASES: dict[str, tuple[Case, tuple[str, ...]]] = {
    "wrong-secret": (
        with_secret(client_secret=WRONG),
        ("AADSTS7000215", "client_secret must be the secret's value, not its id"),
    ),
    "expired-secret": (
        lambda w: {**expired_secret(w)},
        ("AADSTS7000222", "the client secret has expired: make a new one"),
    ),
    "unknown-app": (
        with_secret(client_id=OTHER),
        ("AADSTS700016", "client_id names no app of this tenant"),
    ),
    "unknown-tenant": (
        with_secret(tenant_id=OTHER),
        ("AADSTS90002", f"tenant {OTHER}", "tenant_id names no tenant of this cloud"),
    ),
    "wrong-cloud": (
        with_secret(cloud="gcc_high"),
        ("AADSTS500011", "the API is not in this tenant: check api and cloud"),
    ),
    "no-entra-id-there": (
        lambda w: {**w.settings("client_secret"), "authority_url": f"{w.emulator.url}/nowhere"},
        ("No sign-in: ", " answered 404", "check tenant_id, cloud and authority_url"),
    ),
    "login-not-trusted": (untrusted, ("its certificate is not trusted", "REQUESTS_CA_BUNDLE")),
    "no-bundle": (no_bundle, ("/gone/ca.pem", "check REQUESTS_CA_BUNDLE")),
    "unregistered-certificate": (
        with_file(lambda: owner("stranger").key_pem + owner("stranger").pem),
        ("AADSTS700027", "the app does not know this certificate: upload it"),
    ),
    "no-file": (
        lambda w: {**w.settings("certificate_pem"), "certificate_path": "/gone/tap.pem"},
        ("certificate_path '/gone/tap.pem' cannot be read: No such file or directory",),
    ),
    "no-key": (
        with_file(lambda: owner().pem),
        ("holds no private key; put key and certificate into one file",),
    ),
    "no-certificate": (
        with_file(lambda: owner().key_pem),
        ("holds no certificate; put key and certificate into one file",),
    ),
    "another's-certificate": (
        with_file(lambda: owner().key_pem + owner("stranger").pem),
        ("its certificate is not that of its private key",),
    ),
    "damaged-pem": (with_file(lambda: damaged(owner())), ("cannot be decoded",)),
    "locked-pem-without-password": (
        with_file(lambda: owner().locked_pem + owner().pem),
        ("its key has a password; set certificate_password",),
    ),
    "locked-pem-with-wrong-password": (
        with_file(lambda: owner().locked_pem + owner().pem, WRONG),
        ("certificate_password is wrong, or the file is damaged",),
    ),
    "open-pem-with-password": (
        with_file(lambda: owner().key_pem + owner().pem, PASSWORD),
        ("its key has no password; remove certificate_password",),
    ),
    "pfx-with-wrong-password": (
        with_file(lambda: owner().pfx(), WRONG),
        ("as PFX it does not open: certificate_password is wrong or missing",),
    ),
    "pfx-without-password": (
        with_file(lambda: owner().pfx()),
        ("as PFX it does not open: certificate_password is wrong or missing",),
    ),
    "neither-pem-nor-pfx": (with_file(lambda: b"\0\1\2"), ("is no PEM, and as PFX",)),
    "elliptic-key": (with_file(elliptic), ("its key is not RSA, which Entra ID needs",)),
    "expired-certificate": (
        with_file(past),
        (f"expired on {NOW - timedelta(days=30):%Y-%m-%d}; renew and register it",),
    ),
    "certificate-of-tomorrow": (with_file(future), ("is valid from 2026-03-01 13:00 UTC on only",)),
    "no-token-file": (
        lambda w: {**w.settings("federated"), "federated_token_file": "/gone/token"},
        ("federated_token_file '/gone/token': No such file or directory; is it mounted",),
    ),
    "empty-token-file": (with_token(lambda _: " \n"), ("federated_token_file", "is empty")),
    "binary-token-file": (
        lambda w: {
            **w.settings("federated"),
            "federated_token_file": w.file("other", b"\xff\xfe"),
        },
        ("is no text",),
    ),
    "no-jwt": (
        with_token(lambda _: "no token"),
        ("AADSTS50027", "what lies in federated_token_file is no token (JWT)"),
    ),
    "another-subject": (
        with_token(lambda w: w.emulator.workload_token("system:serviceaccount:other:tap")),
        ("AADSTS700213", "issuer, subject and audience of a federated credential"),
    ),
    "machine-with-wrong-header": (
        of_machine("guessed"),
        ("No token for tenant", "check managed_identity, and that this machine has that identity"),
    ),
    "machine-without-that-identity": (
        of_machine(managed_identity=OTHER),
        ("No token for tenant", "check managed_identity, and that this machine has that identity"),
    ),
    "no-machine": (nowhere, ("No managed identity: ", "is it a machine in Azure")),
    "declined": (declined, ("AADSTS65004", "the person said no: run again, and consent")),
    "person-of-unknown-app": (
        lambda w: {**w.settings("device_code"), "client_id": OTHER},
        ("AADSTS700016", "client_id names no app of this tenant"),
    ),
    "open-cache": (cache("{}", 0o644), ("can be read by others: chmod 600",)),
    "cache-of-something-else": (cache("<xml/>"), ("cannot be read: it is no token cache",)),
    "no-folder-for-the-cache": (
        cache("", folder="gone"),
        ("cannot be written: No such file or directory",),
    ),
    "no-role": (
        without(roles={"graph": ()}),
        (NO_ROLE,),
    ),
    "role-of-the-other-api": (
        without(roles={"graph": ("AdvancedHunting.Read.All", "User.Read.All")}),
        (OTHER_ROLE,),
    ),
    "person-without-scope": (
        person_without,
        ("the person's sign-in has User.Read; Microsoft Graph needs ThreatHunting.Read.All",),
    ),
    "no-licence": (no_licence, ("the tenant lacks the licence or service; no token cures it",)),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_credential_is_told_with_the_way_out(workplace: Workplace, case: str) -> None:
    """What is wrong, where, and what to do; and never the secret that was tried."""
    prepare, expected = CASES[case]
    assert isinstance(workplace.tenant, SignedIn)

    said = told(workplace.tenant, prepare(workplace))

    assert [part for part in expected if part not in said] == []
    assert not {WRONG, PASSWORD, "PRIVATE KEY"} & {*said.split()}
    assert "Trace ID" not in said
    assert "\n" not in said


@pytest.mark.parametrize("case", ["wrong-secret", "unknown-tenant", "no-key", "no-role"])
def test_refusal_is_not_tried_again(workplace: Workplace, case: str) -> None:
    """What does not pass by waiting is not waited for."""
    assert isinstance(workplace.tenant, SignedIn)

    told(workplace.tenant, CASES[case][0](workplace))

    assert workplace.tenant.slept == []


def test_nobody_who_enters_the_code_is_not_waited_for_for_ever(workplace: Workplace) -> None:
    """A code lives a quarter of an hour; then the run ends."""
    tenant = Tenant(workplace.emulator)
    with pytest.raises(AuthenticationError, match="nobody entered the code in time: run again"):
        tenant.sync(ALERTS, **workplace.settings("device_code"))

    assert sum(tenant.slept) <= 16 * 60
