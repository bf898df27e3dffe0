"""What a certificate's file becomes on the wire: a signed assertion with thumbprint and chain."""

import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from typing_extensions import override

from hunting_emulator import Emulator
from tap_m365hunting.auth.client_credentials import ApplicationTokens
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.configuration.credentials import Certificate
from tests.tap.harness import NOW
from tests.tap.identities import ALERTS, PASSWORD, YEAR, Owner, SignedIn, Workplace, owner, register


class Recording(requests.Session):
    """Sends what it is given, and keeps the forms."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, list[str]]] = []

    @override
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if request.body:
            self.forms.append(parse_qs(str(request.body)))
        return super().send(request, **options)


def assertion(emulator: Emulator, path: Path, password: str | None = None) -> str:
    """Sign in by a file, and return the assertion that was sent."""
    session = Recording()
    settings = Settings.parse(
        {
            "tenant_id": emulator.tenant_id,
            "client_id": emulator.client_id,
            "certificate_path": str(path),
            "authority_url": emulator.authority_url,
            "queries": [ALERTS],
        }
    )
    certificate = Certificate(emulator.client_id, path, password)
    tokens = ApplicationTokens(
        settings.connection, certificate, clock=NOW.timestamp, session=session
    )
    tokens.token()
    (form,) = session.forms
    return form["client_assertion"][0]


@pytest.fixture(scope="module")
def chain() -> tuple[Owner, Owner, Owner]:
    """A certificate, the one that signed it, and the one that signed that."""
    root = owner("root")
    middle = owner("middle", issuer=root)
    return owner(issuer=middle), middle, root


def test_chain_is_sent_the_signer_first(
    emulator: Emulator, chain: tuple[Owner, Owner, Owner], tmp_path: Path
) -> None:
    """Subject name and issuer are checked through `x5c`; the order in the file does not matter."""
    me, middle, root = chain
    register(emulator, certificates=(me.pem,))
    pem, pfx = tmp_path / "tap.pem", tmp_path / "tap.pfx"
    pem.write_text(root.pem + me.key_pem + middle.pem + me.pem, "utf-8")
    pfx.write_bytes(me.pfx(middle, root))

    sent = [assertion(emulator, pem), assertion(emulator, pfx, PASSWORD)]

    for text in sent:
        headers = jwt.get_unverified_header(text)
        names = [x509.load_der_x509_certificate(base64.b64decode(c)) for c in headers["x5c"]]
        assert names[0] == me.certificate
        assert {*names[1:]} == {middle.certificate, root.certificate}
        assert headers["alg"] == "PS256"
        thumbprint = base64.urlsafe_b64decode(headers["x5t#S256"] + "==")
        assert thumbprint == me.certificate.fingerprint(hashes.SHA256())


def test_assertion_is_signed_for_this_tenant_and_ten_minutes(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Whoever catches one can use it nowhere else, and not for long."""
    me = owner()
    register(emulator, certificates=(me.pem,))
    file = tmp_path / "tap.pem"
    file.write_text(me.key_pem + me.pem, "utf-8")

    text = assertion(emulator, file)

    audience = f"{emulator.authority_url}/{emulator.tenant_id}/oauth2/v2.0/token"
    claims = jwt.decode(text, me.key.public_key(), algorithms=["PS256"], audience=audience)
    assert claims["iss"] == claims["sub"] == emulator.client_id
    assert claims["exp"] - claims["iat"] == pytest.approx(600)


def test_renewed_certificate_beside_the_old_one_is_taken(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Two certificates of one key: the one that is good for longer signs."""
    old, new = owner(end=NOW + YEAR / 100), owner(end=NOW + 2 * YEAR)
    register(emulator, certificates=(new.pem,))
    file = tmp_path / "tap.pem"
    file.write_text(old.pem + old.key_pem + new.pem, "utf-8")

    headers = jwt.get_unverified_header(assertion(emulator, file))

    assert len(headers["x5c"]) == 1


def test_certificate_that_was_replaced_is_read_after_a_refusal(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal while the tap runs costs no restart."""
    workplace = Workplace(SignedIn(emulator), tmp_path, monkeypatch)
    settings, new = workplace.settings("certificate_pem"), owner("stranger")
    tokens = SignedIn(emulator).tokens(**settings)
    first = tokens.token()
    register(emulator, certificates=(new.pem,))
    workplace.file("tap.pem", new.key_pem + new.pem)

    tokens.forget(first)

    assert tokens.token() != first


def test_pfx_in_base64_is_read(emulator: Emulator, tmp_path: Path) -> None:
    """`az keyvault secret download` writes one so, with lines or without."""
    me = owner()
    register(emulator, certificates=(me.pem,))
    file = tmp_path / "tap.pfx"
    for encoded in (base64.b64encode(me.pfx()), base64.encodebytes(me.pfx())):
        file.write_bytes(encoded)

        assert assertion(emulator, file, PASSWORD)
