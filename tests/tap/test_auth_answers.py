"""What Entra ID's codes and a token's own claims come to, in words."""

import base64
import json
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.auth.claims import claims_of, explained
from tap_m365hunting.auth.entra_errors import TRANSIENT, WAYS_OUT
from tap_m365hunting.auth.responses import access_token, translated
from tap_m365hunting.configuration.config import Connection, Settings
from tap_m365hunting.errors import AuthenticationError, ServiceError

NOW = 1_772_366_400.0
TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
OTHER_TENANT = "bbbbcccc-1111-dddd-2222-eeee3333ffff"


def place(**given: object) -> Connection:
    """Return the connection that settings mean."""
    base = {"tenant_id": TENANT, "client_id": "c", "queries": [{"table": "AlertInfo"}]}
    way = {} if given.keys() & {"auth_method", "managed_identity"} else {"client_secret": "s"}
    return Settings.parse({**base, **way, **given}, environment={}).connection


def refusal(code: int, text: str = "Something is wrong.") -> dict[str, Any]:
    """Return a refusal in Entra ID's form."""
    said = (
        f"AADSTS{code}: {text}\r\nTrace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333\r\n"
        "Correlation ID: aaaa0000-bb11-2222-33cc-444444dddddd\r\nTimestamp: 2026-03-01 12:00:00Z"
    )
    return {
        "error": "invalid_client",
        "error_description": said,
        "error_codes": [code],
        "correlation_id": "aaaa0000-bb11-2222-33cc-444444dddddd",
    }


def told(answer: dict[str, Any], **said: object) -> str:
    """Return what is made of a refusal."""
    with pytest.raises(AuthenticationError) as refused:
        access_token(answer, place(**said))
    return str(refused.value)


# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
MEANING = {
    90002: "tenant_id names no tenant of this cloud",
    900023: "tenant_id must be the tenant's id (a GUID) or one of its domains",
    90038: "the tenant is in another cloud: set cloud",
    50034: "that person is not in this tenant",
    700016: "client_id names no app of this tenant",
    7000112: "the app is disabled",
    7000215: "client_secret must be the secret's value, not its id",
    7000222: "the client secret has expired",
    7000218: "allow public client flows",
    700025: "the app is a public client",
    700027: "the app does not know this certificate",
    700030: "subject name or issuer is not one that the app trusts",
    50012: "subject name or issuer is not one that the app trusts",
    700024: "it was signed for another time: set this machine's clock",
    700212: "audience must be api://AzureADTokenExchange",
    700213: "issuer, subject and audience of a federated credential",
    50027: "no token (JWT)",
    65001: "nobody has consented to the permission",
    90094: "nobody has consented to the permission",
    500011: "the API is not in this tenant",
    50105: "the person is not assigned to the app",
    65004: "the person said no",
    70020: "nobody entered the code in time",
    50057: "account is locked, disabled",
    50076: "the tenant asks for a second factor",
    50079: "the tenant asks for a second factor",
    50173: "sign in again",
    700082: "sign in again",
    53000: "Conditional Access",
    53003: "Conditional Access",
    530032: "Conditional Access",
}


@pytest.mark.parametrize(("code", "way_out"), MEANING.items(), ids=str)
def test_code_has_its_way_out(code: int, way_out: str) -> None:
    """A code is Entra ID's; what to do about it is in the words of the settings."""
    said = told(refusal(code))

    assert said.startswith(f"No token for tenant {TENANT}: AADSTS{code}: Something is wrong; ")
    assert way_out in said
    assert said.endswith("(correlation id aaaa0000-bb11-2222-33cc-444444dddddd)")
    assert "Trace" not in said


@pytest.mark.parametrize(
    ("way", "hint"),
    [
        ({}, "check tenant_id, client_id and client_secret"),
        ({"auth_method": "device_code"}, "and that the app allows public client flows"),
        ({"managed_identity": "system"}, "check managed_identity"),
    ],
    ids=["client_secret", "device_code", "managed_identity"],
)
def test_unknown_code_is_shown_with_what_to_check(way: dict[str, str], hint: str) -> None:
    """Microsoft adds codes; the words are then its own."""
    said = told(refusal(987654, "News."), **way)

    assert "AADSTS987654: News; " in said
    assert hint in said


@pytest.mark.parametrize("code", sorted(TRANSIENT))
def test_failure_that_passes_is_no_refusal(code: int) -> None:
    """Entra ID's own trouble is tried again, as that of the API is."""
    with pytest.raises(ServiceError, match=f"AADSTS{code}"):
        access_token(refusal(code), place())


def test_no_code_is_both() -> None:
    """A code either passes by itself or has a way out."""
    assert not TRANSIENT & WAYS_OUT.keys()


@pytest.mark.parametrize("code", sorted(WAYS_OUT))
def test_longer_code_is_not_taken_for_a_shorter(code: int) -> None:
    """Codes begin alike: 70002 and 7000215 are two."""
    said = told(refusal(int(f"{code}99")))

    assert WAYS_OUT[code] not in said


def test_long_refusal_is_cut() -> None:
    """A page of HTML or a policy's text does not fill the log."""
    assert len(told(refusal(65001, "x" * 5000))) < 800


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        pytest.param(
            requests.ConnectionError("refused"),
            ServiceError,
            "No sign-in at https://login.microsoftonline.com: ConnectionError",
            id="connection",
        ),
        pytest.param(
            requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED]"),
            AuthenticationError,
            "in REQUESTS_CA_BUNDLE",
            id="certificate",
        ),
        pytest.param(OSError("no bundle at /x"), AuthenticationError, "no bundle at /x", id="file"),
        pytest.param(
            json.JSONDecodeError("no JSON", "<html>", 0), ServiceError, "JSONDecodeError", id="page"
        ),
        pytest.param(KeyError("token_endpoint"), ServiceError, "KeyError", id="other-json"),
    ],
)
def test_error_of_the_way_there_is_translated(
    error: Exception, kind: type[Exception], said: str
) -> None:
    """What may pass is tried again, what a setting cures is said."""
    with pytest.raises(kind, match=said.replace("[", r"\[")), translated(place()):
        raise error


def token(**claims: object) -> str:
    """Return a token that says this, signed by nobody."""
    said = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{said}.x"


def remark(connection: Connection, **claims: object) -> str:
    """Return what a token is found to say about its refusal."""
    refused = AuthenticationError("Refused", fresh_token_may_help=True)
    found = explained(refused, token(**claims), connection, now=NOW)
    assert found.fresh_token_may_help
    return str(found).removeprefix("Refused")


GRAPH = "https://graph.microsoft.com"
DEFENDER = "https://api.security.microsoft.com"


@pytest.mark.parametrize(
    ("api", "claims", "said"),
    [
        pytest.param("graph", {"aud": GRAPH, "roles": ["ThreatHunting.Read.All"]},
            "; the app has ThreatHunting.Read.All, so it is not that permission: the tenant may "
            "lack the licence", id="role-is-there"),
        pytest.param("defender", {"aud": DEFENDER, "roles": ["ThreatHunting.Read.All"]},
            "; the app has ThreatHunting.Read.All, which is Microsoft Graph's; Microsoft 365 "
            "Defender API needs AdvancedHunting.Read.All", id="role-of-graph"),
        pytest.param("graph", {"aud": GRAPH, "roles": ["AdvancedHunting.Read.All"]},
            "; the app has AdvancedHunting.Read.All, which is the Microsoft 365 Defender API's; "
            "Microsoft Graph needs ThreatHunting.Read.All", id="role-of-defender"),
        pytest.param("graph", {"aud": "00000003-0000-0000-c000-000000000000", "roles": ["A", "B"]},
            "; the app has A, B; Microsoft Graph needs ThreatHunting.Read.All", id="other-roles"),
        pytest.param("graph", {"aud": GRAPH, "roles": [f"R{n}" for n in range(99)]},
            "; the app has R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, …; Microsoft Graph needs "
            "ThreatHunting.Read.All", id="many-roles"),
        pytest.param("graph", {"aud": GRAPH},
            "; the app has no permission of Microsoft Graph: ThreatHunting.Read.All must be among "
            "its application permissions of Microsoft Graph, with admin consent", id="no-role"),
        pytest.param("graph", {"aud": GRAPH, "xms_mirid": "/subscriptions/s"},
            "; the managed identity has no permission of Microsoft Graph: assign the app role "
            "ThreatHunting.Read.All of Microsoft Graph to it, by command", id="machine"),
        pytest.param("defender", {"aud": DEFENDER, "scp": "User.Read"},
            "; the person's sign-in has User.Read; Microsoft 365 Defender API needs "
            "AdvancedHunting.Read", id="other-scope"),
        pytest.param("graph", {"aud": GRAPH, "scp": "ThreatHunting.Read.All"},
            "; the person's sign-in has ThreatHunting.Read.All, so it is not that permission: the "
            "tenant may lack the licence, or the person a role such as Security Reader",
            id="scope-is-there"),
        pytest.param("graph", {"aud": DEFENDER, "roles": ["AdvancedHunting.Read.All"]},
            "; the token is for https://api.security.microsoft.com, not for "
            "https://graph.microsoft.com: check api and cloud", id="other-api"),
        pytest.param("graph", {"tid": OTHER_TENANT},
            f"; the token is of tenant {OTHER_TENANT}, not of {TENANT}", id="other-tenant"),
        pytest.param("graph", {"nbf": int(NOW) + 1800},
            "; this machine's clock is about 30 minutes behind Entra ID's: set it", id="clock"),
        pytest.param("graph", {"nbf": int(NOW) + 60, "tid": TENANT.upper()}, "", id="nothing"),
    ],
)  # fmt: skip
def test_refused_token_says_why(api: str, claims: dict[str, Any], said: str) -> None:
    """The service says no; the token says to whom, for what, and with which permissions."""
    assert remark(place(api=api), **claims) == said


def test_domain_as_tenant_is_no_other_tenant() -> None:
    """A token names the tenant by id, whatever the settings call it."""
    assert remark(place(tenant_id="contoso.example"), tid=OTHER_TENANT) == ""


@settings(deadline=None)
@given(st.text() | st.builds(lambda text: f"a.{text}.c", st.text(alphabet="eyJ0-_=9")))
def test_unreadable_token_says_nothing(text: str) -> None:
    """Tokens are opaque to clients; that this one can be read is luck."""
    refused = AuthenticationError("Refused")

    assert str(explained(refused, text, place(), now=NOW)) == "Refused" or claims_of(text)


CLAIMS = st.sampled_from(["aud", "tid", "nbf", "scp", "roles"])
VALUES = st.none() | st.integers() | st.text() | st.lists(st.integers())


@settings(deadline=None)
@given(st.dictionaries(CLAIMS, VALUES))
def test_strange_claims_break_nothing(claims: dict[str, Any]) -> None:
    """A token is not trusted: whatever it holds, the refusal is told."""
    refused = AuthenticationError("Refused")

    assert str(explained(refused, token(**claims), place(), now=NOW)).startswith("Refused")


def test_token_itself_is_in_no_message() -> None:
    """What is told of a token is not the token."""
    text = token(aud=GRAPH, roles=["X"])

    said = str(explained(AuthenticationError("Refused"), text, place(), now=NOW))

    assert text.split(".")[1] not in said
