"""A name of a file is shown to people who need it; a secret in its place is not."""

import base64
from pathlib import Path
from string import ascii_letters, digits

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_m365hunting.configuration.file_names import UNSHOWN, shown_name

_ENTRA = ascii_letters + digits + "_.~-"
#: As Entra ID makes them: three characters, a digit, `Q~`, and 34 more.
ENTRA_SECRETS = st.builds(
    "{}{}Q~{}".format,
    st.text(_ENTRA, min_size=3, max_size=3),
    st.sampled_from(digits),
    st.text(_ENTRA, min_size=31, max_size=34),
)
BYTES = st.binary(min_size=16, max_size=96)
BASE64 = BYTES.map(lambda value: base64.b64encode(value).decode())
JWT = st.lists(
    BYTES.map(lambda value: base64.urlsafe_b64encode(value).decode().rstrip("=")),
    min_size=2,
    max_size=2,
).map(lambda parts: ".".join([base64.urlsafe_b64encode(b'{"alg":"x"}').decode(), *parts]))


@given(ENTRA_SECRETS)
@example("iK28Q~iGp.58WAm_dX3a5IDnOdcdbWB2dC4.DSDC")
@example("key8Q~words.of-a_file.that-is.none-at-al.pem")
def test_client_secret_as_entra_id_makes_it_is_not_shown(secret: str) -> None:
    """Dots, dashes and tildes are in it, as in names."""
    assert shown_name(secret) == UNSHOWN
    assert shown_name(f"./{secret}") == UNSHOWN


@given(st.one_of(BASE64, BYTES.map(bytes.hex), JWT))
@example("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
def test_key_or_token_is_not_shown(secret: str) -> None:
    """Base64 has slashes, a token has dots."""
    assert shown_name(secret) == UNSHOWN


@pytest.mark.parametrize(
    "text",
    ["https://user:hunter2@host/x", "Passw0rd.", "hunter2", "Sommer.Regen", "u:p@host/x.pem",
     "a" * 300, "", "a\nb.pem", "-----BEGIN PRIVATE KEY-----", "AccountKey=abc.key"],
)  # fmt: skip
def test_address_password_or_text_is_not_shown(text: str) -> None:
    """None of them leads to a file."""
    assert shown_name(text) == UNSHOWN


@pytest.mark.parametrize(
    "name",
    ["queries/alerts.kql", "C:\\x\\cert.pem", "./no such/dir/tenants.json", "~/c.pfx", ".env",
     "/gone/token", "certs/2026-11/tap_2.PEM", "../secrets/schlüssel.p12",
     "sign-ins-00001111-aaaa-2222-bbbb-3333cccc4444.bin",
     "/var/run/secrets/azure/tokens/azure-identity-token"],
)  # fmt: skip
def test_name_that_leads_nowhere_is_shown(name: str) -> None:
    """A person sees the slip in it, or the folder that is not mounted."""
    assert shown_name(name) == repr(name)


def test_name_is_shown_if_it_leads_somewhere(tmp_path: Path) -> None:
    """To a file, or to a folder that lacks the file; a secret there is none."""
    there = tmp_path / "odd-1a2b3c"
    there.write_text("")

    assert shown_name(there) == repr(str(there))
    assert shown_name(tmp_path / "certificate") == repr(str(tmp_path / "certificate"))
    assert shown_name(tmp_path / "aZ9xQ2mP7k") == UNSHOWN
