"""Entra ID's stand-in gives tokens to whom it should, and says no in Entra ID's words."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hunting_emulator import Emulator
from hunting_emulator.settings import (
    IDENTITY_HEADER,
    Application,
    Secret,
    Settings,
    Tenant,
)
from tests.emulator.conftest import RESOURCES, Client, same_but_ids
from tests.samples import sample

OTHER_TENANT = "bbbbcccc-1111-dddd-2222-eeee3333ffff"


def msal_answer(emulator: Emulator, resource: str) -> dict[str, Any]:
    """Ask for a token as real clients do."""
    application = msal.ConfidentialClientApplication(
        emulator.client_id,
        authority=f"{emulator.authority_url}/{emulator.tenant_id}",
        client_credential=emulator.client_secret,
        instance_discovery=False,
    )
    answer: dict[str, Any] = application.acquire_token_for_client([f"{resource}/.default"])
    return answer


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_a_token_from_msal_opens_the_api(client: Client, api: str) -> None:
    """The library that clients use needs no special treatment."""
    token = msal_answer(client.emulator, RESOURCES[api])["access_token"]

    answer = client.send(
        {"Query": "print n = 1"}, api=api, headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 200
    assert client.emulator.calls[-1].tenant_id == client.emulator.tenant_id


def test_msal_is_told_why_there_is_no_token(emulator: Emulator) -> None:
    """MSAL hands a refusal on as it came."""
    emulator.settings = Settings(tenants=(Tenant(applications=(Application(secrets=()),)),))
    application = msal.ConfidentialClientApplication(
        "00001111-aaaa-2222-bbbb-3333cccc4444",
        authority=f"{emulator.authority_url}/{emulator.tenant_id}",
        client_credential="guessed",
        instance_discovery=False,
    )

    answer = application.acquire_token_for_client([f"{RESOURCES['graph']}/.default"])

    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [7000215]


def test_the_token_says_what_the_services_read(client: Client) -> None:
    """Whoever verifies the token against the published keys finds tenant, app and roles."""
    emulator = client.emulator
    metadata = client.session.get(
        f"{emulator.authority_url}/{emulator.tenant_id}/v2.0/.well-known/openid-configuration",
        timeout=30,
    ).json()
    keys = jwt.PyJWKSet.from_dict(client.session.get(metadata["jwks_uri"], timeout=30).json())

    token = client.token("graph")

    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=RESOURCES["graph"])
    assert claims["tid"] == emulator.tenant_id
    assert claims["appid"] == emulator.client_id
    assert claims["roles"] == ["ThreatHunting.Read.All"]
    assert claims["exp"] - claims["iat"] == emulator.settings.token_seconds


@pytest.mark.parametrize(
    ("fields", "status", "error", "code"),
    [
        pytest.param({"client_secret": "wrong"}, 401, "invalid_client", 7000215, id="wrong-secret"),
        pytest.param({"client_secret": None}, 401, "invalid_client", 7000218, id="no-proof"),
        pytest.param({"client_id": "nobody"}, 400, "unauthorized_client", 700016, id="unknown-app"),
        pytest.param({"client_id": None}, 400, "invalid_request", 900144, id="no-client-id"),
        pytest.param({"tenant": "nowhere"}, 400, "invalid_request", 90002, id="unknown-tenant"),
        pytest.param({"scope": "User.Read"}, 400, "invalid_scope", 70011, id="no-default-scope"),
        pytest.param(
            {"scope": "https://vault.azure.net/.default"},
            400,
            "invalid_resource",
            500011,
            id="other-resource",
        ),
        pytest.param(
            {"grant_type": "password"}, 400, "unsupported_grant_type", 70003, id="other-grant"
        ),
    ],
)
def test_login_refusals_are_entras(
    client: Client, fields: dict[str, str | None], status: int, error: str, code: int
) -> None:
    """Status, OAuth's word and the AADSTS number are what clients tell refusals apart by."""
    answer = client.login(**fields)

    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["trace_id"] in body["error_description"]
    assert body["correlation_id"] in body["error_description"]


def test_a_secret_expires_on_the_emulators_clock(client: Client) -> None:
    """A secret is good up to its last instant."""
    last = datetime(2026, 6, 1, tzinfo=UTC)
    expiring = Application(secrets=(Secret("short-lived", expires=last),))
    client.emulator.settings = Settings(tenants=(Tenant(applications=(expiring,)),))

    client.emulator.clock.set(last - timedelta(seconds=1))
    before = client.login(client_secret="short-lived")
    client.emulator.clock.set(last)
    after = client.login(client_secret="short-lived")

    assert before.status_code == 200
    assert after.json()["error_codes"] == [7000222]


def test_credentials_may_come_as_http_basic(client: Client) -> None:
    """OAuth lets a client choose between form and header."""
    emulator = client.emulator

    answer = client.session.post(
        f"{emulator.authority_url}/{emulator.tenant_id}/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "scope": f"{RESOURCES['graph']}/.default"},
        auth=(emulator.client_id, emulator.client_secret),
        timeout=30,
    )

    assert answer.status_code == 200


def test_a_form_need_not_say_that_it_is_one(client: Client) -> None:
    """A known client sends its form without a content type, and gets a token."""
    emulator = client.emulator
    form = {
        "grant_type": "client_credentials",
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "scope": "https://graph.microsoft.com/.default",
    }
    url = f"{emulator.authority_url}/{emulator.tenant_id}/oauth2/v2.0/token"

    answer = client.session.post(url, data=urlencode(form).encode(), timeout=30)

    assert "Content-Type" not in answer.request.headers
    assert answer.json()["token_type"] == "Bearer"


def token_of_v1(client: Client, **fields: str) -> requests.Response:
    """Ask the older endpoint for a token."""
    emulator = client.emulator
    form = {
        "grant_type": "client_credentials",
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        **fields,
    }
    url = f"{emulator.authority_url}/{emulator.tenant_id}/oauth2/token"
    return client.session.post(url, data=form, timeout=30)


@pytest.mark.parametrize(
    ("resource", "api"),
    [
        ("https://graph.microsoft.com", "graph"),
        ("https://graph.microsoft.com/", "graph"),
        ("00000003-0000-0000-c000-000000000000", "graph"),
        ("https://api.security.microsoft.com", "defender"),
        ("https://api.securitycenter.microsoft.com", "defender"),
        ("https://security.microsoft.com/mtp", "defender"),
    ],
)
def test_the_older_endpoint_knows_resources(client: Client, resource: str, api: str) -> None:
    """Microsoft's samples of 2021 ask there; numbers come as text."""
    answer = token_of_v1(client, resource=resource).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}

    assert client.send({"Query": "print 1"}, api=api, headers=headers).status_code == 200
    assert answer["resource"] == resource.rstrip("/")
    assert answer["expires_in"] == "3599"
    assert int(answer["expires_on"]) - int(answer["not_before"]) == 3599


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        pytest.param({}, "invalid_request", 900144, id="no-resource"),
        pytest.param(
            {"resource": "https://vault.azure.net"}, "invalid_resource", 500011, id="other-resource"
        ),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", 70003, id="other-grant"),
    ],
)
def test_the_older_endpoint_refuses_as_the_newer_one(
    client: Client, fields: dict[str, str], error: str, code: int
) -> None:
    """In the words of Entra ID."""
    body = token_of_v1(client, **fields).json()

    assert (body["error"], body["error_codes"]) == (error, [code])


@pytest.mark.parametrize(
    ("scope", "api"),
    [
        ("offline_access https://graph.microsoft.com/.default", "graph"),
        ("https://security.microsoft.com/mtp/.default", "defender"),
        ("offline_access https://security.microsoft.com/mtp/.default", "defender"),
        ("https://api.securitycenter.microsoft.com/.default", "defender"),
        ("https://securitycenter.onmicrosoft.com/windowsatpservice/.default", "defender"),
        ("https://api.security.microsoft.com//.default", "defender"),
    ],
)
def test_connectors_ask_for_other_scopes(client: Client, scope: str, api: str) -> None:
    """Each is a scope that a published connector sends, and opens its API."""
    answer = client.login(scope=scope).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}

    assert client.send({"Query": "print 1"}, api=api, headers=headers).status_code == 200
    other = "graph" if api == "defender" else "defender"
    assert client.send({"Query": "print 1"}, api=other, headers=headers).status_code == 401


def test_discovery_of_an_unknown_tenant_is_refused(client: Client) -> None:
    """Entra ID has no metadata for a tenant that is not there."""
    answer = client.session.get(
        f"{client.emulator.authority_url}/nowhere/v2.0/.well-known/openid-configuration", timeout=30
    )

    assert answer.status_code == 400
    assert answer.json()["error_codes"] == [90002]


def self_signed() -> tuple[str, str]:
    """Return a private key and its certificate, as PEM texts."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tap")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), certificate.public_bytes(Encoding.PEM).decode()


def msal_with(emulator: Emulator, credential: object) -> dict[str, Any]:
    """Ask for a Graph token with any credential that MSAL knows."""
    application = msal.ConfidentialClientApplication(
        emulator.client_id,
        authority=f"{emulator.authority_url}/{emulator.tenant_id}",
        client_credential=credential,
        instance_discovery=False,
    )
    answer: dict[str, Any] = application.acquire_token_for_client(
        [f"{RESOURCES['graph']}/.default"]
    )
    return answer


def test_a_registered_certificate_opens_and_another_does_not(emulator: Emulator) -> None:
    """MSAL signs with the private key; only a registered certificate's is taken."""
    (key, certificate), (other_key, other) = self_signed(), self_signed()
    registered = Application(secrets=(), certificates=(other, certificate))
    emulator.settings = Settings(tenants=(Tenant(applications=(registered,)),))

    taken = msal_with(emulator, {"private_key": key, "public_certificate": certificate})
    emulator.settings = Settings(
        tenants=(Tenant(applications=(replace(registered, certificates=(other,)),)),)
    )
    unknown = msal_with(emulator, {"private_key": key, "public_certificate": certificate})
    forged = msal_with(emulator, {"private_key": key, "public_certificate": other})
    fitting = msal_with(emulator, {"private_key": other_key, "public_certificate": other})

    assert "access_token" in taken
    assert unknown["error_codes"] == [700027]
    assert forged["error_codes"] == [700027]
    assert "access_token" in fitting


def test_a_workloads_token_is_exchanged(emulator: Emulator) -> None:
    """A subject that the application federates with needs no secret; another one is refused."""
    taken = msal_with(emulator, {"client_assertion": emulator.workload_token})
    other = emulator.workload_token("system:serviceaccount:other:tap")
    refused = msal_with(emulator, {"client_assertion": lambda: other})
    garbage = msal_with(emulator, {"client_assertion": lambda: "no token"})

    assert "access_token" in taken
    assert refused["error_codes"] == [700213]
    assert garbage["error_codes"] == [50027]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"aud": "api://other"}, 700023, id="other-audience"),
        pytest.param({"exp": 1_600_000_000}, 700024, id="expired"),
        pytest.param({"sub": "nobody"}, 700021, id="other-subject"),
        pytest.param({"iss": "nobody"}, 700021, id="other-issuer"),
    ],
)
def test_an_assertion_for_another_place_time_or_application_is_refused(
    emulator: Emulator, changes: dict[str, Any], code: int
) -> None:
    """Audience, lifetime and owner of an assertion are checked, as its signature is."""
    key, certificate = self_signed()
    emulator.settings = Settings(
        tenants=(Tenant(applications=(Application(certificates=(certificate,)),)),)
    )
    thumbprint = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA256())
    claims = {
        "iss": emulator.client_id,
        "sub": emulator.client_id,
        "aud": f"{emulator.authority_url}/{emulator.tenant_id}/oauth2/v2.0/token",
        "exp": int(datetime.now(UTC).timestamp()) + 600,
    }
    headers = {"x5t#S256": base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")}

    good = jwt.encode(claims, key, algorithm="PS256", headers=headers)
    bad = jwt.encode({**claims, **changes}, key, algorithm="PS256", headers=headers)

    assert "access_token" in msal_with(emulator, {"client_assertion": lambda: good})
    assert msal_with(emulator, {"client_assertion": lambda: bad})["error_codes"] == [code]


def test_a_machine_has_an_identity(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """MSAL finds the endpoint in the environment; the token opens the API."""
    for name, value in client.emulator.identity_environment.items():
        monkeypatch.setenv(name, value)
    identity = msal.ManagedIdentityClient(
        msal.SystemAssignedManagedIdentity(), http_client=client.session
    )

    answer = identity.acquire_token_for_client(resource=RESOURCES["graph"])

    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert client.send({"Query": "print 1"}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("header", "query", "status"),
    [
        pytest.param("guessed", {"resource": RESOURCES["graph"]}, 401, id="wrong-header"),
        pytest.param(IDENTITY_HEADER, {}, 400, id="no-resource"),
        pytest.param(
            IDENTITY_HEADER,
            {"resource": RESOURCES["graph"], "client_id": "nobody"},
            400,
            id="unknown-identity",
        ),
    ],
)
def test_a_machine_that_is_not_known_has_none(
    client: Client, header: str, query: dict[str, str], status: int
) -> None:
    """The header stands for the machine, the client id for one of its identities."""
    answer = client.session.get(
        f"{client.emulator.url}/msi/token",
        params=query,
        headers={"X-IDENTITY-HEADER": header},
        timeout=30,
    )

    assert answer.status_code == status


class Person:
    """Signs in on another device, through MSAL."""

    def __init__(self, emulator: Emulator, api: str = "graph") -> None:
        emulator.configure(device_interval=1)
        self.scopes = [f"{RESOURCES[api]}/.default"]
        self.application = msal.PublicClientApplication(
            emulator.client_id,
            authority=f"{emulator.authority_url}/{emulator.tenant_id}",
            instance_discovery=False,
        )
        self.flow: dict[str, Any] = self.application.initiate_device_flow(self.scopes)

    def poll(self) -> dict[str, Any]:
        """Ask once whether the sign-in is finished."""
        answer: dict[str, Any] = self.application.acquire_token_by_device_flow(
            self.flow, exit_condition=lambda _: True
        )
        return answer


@pytest.mark.parametrize("api", ["graph", "defender"])
def test_a_person_signs_in_on_another_device(client: Client, api: str) -> None:
    """Pending until the person is done; then a token with scopes in place of roles."""
    person = Person(client.emulator, api)
    pending = person.poll()

    assert client.emulator.sign_in(person.flow["user_code"]) == 1
    token = person.poll()["access_token"]

    claims = jwt.decode(token, options={"verify_signature": False})
    answer = client.send(
        {"Query": "print 1"}, api=api, headers={"Authorization": f"Bearer {token}"}
    )
    assert pending["error"] == "authorization_pending"
    assert ("scp" in claims, "roles" in claims) == (True, False)
    assert answer.status_code == 200


def test_a_sign_in_is_renewed_without_the_person(client: Client) -> None:
    """MSAL's cache and the refresh token do for the next run."""
    person = Person(client.emulator)
    client.emulator.sign_in()
    person.poll()
    (account,) = person.application.get_accounts()

    renewed = person.application.acquire_token_silent(
        person.scopes, account=account, force_refresh=True
    )

    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert client.send({"Query": "print 1"}, headers=headers).status_code == 200


def test_a_device_code_is_good_for_one_token(emulator: Emulator) -> None:
    """Whoever finds the code afterwards gets nothing for it."""
    person = Person(emulator)
    emulator.sign_in()

    first, second = person.poll(), person.poll()

    assert "access_token" in first
    assert second["error"] == "expired_token"


def test_the_page_for_the_code_takes_it(client: Client) -> None:
    """Whoever enters the code there has signed in; a wrong one shows the form again."""
    person = Person(client.emulator)
    place = person.flow["verification_uri"]

    wrong = client.session.get(place, params={"code": "WRONG"}, timeout=30).text
    right = client.session.get(place, params={"code": person.flow["user_code"]}, timeout=30).text

    assert "<form>" in wrong
    assert "signed in" in right
    assert "access_token" in person.poll()


def test_a_declined_or_late_sign_in_gives_no_token(emulator: Emulator) -> None:
    """The person may say no, and the code is good for a quarter of an hour."""
    emulator.clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    declined, late = Person(emulator), Person(emulator)

    emulator.sign_in(declined.flow["user_code"], approve=False)
    no = declined.poll()
    emulator.clock.advance(timedelta(minutes=15))
    emulator.sign_in(late.flow["user_code"])
    gone = late.poll()

    assert (no["error"], gone["error"]) == ("authorization_declined", "expired_token")


def test_a_person_without_the_scope_is_told_so(client: Client) -> None:
    """What the application may do with a person is not what it may do alone."""
    without = Application(scopes={"graph": ("User.Read",)})
    client.emulator.settings = Settings(tenants=(Tenant(applications=(without,)),))
    person = Person(client.emulator)
    client.emulator.sign_in()

    headers = {"Authorization": f"Bearer {person.poll()['access_token']}"}
    answer = client.send({"Query": "print 1"}, headers=headers)

    assert answer.status_code == 403
    assert "API required scopes: ThreatHunting.Read.All" in answer.json()["error"]["message"]


Authorization = Callable[[Client], str]


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        pytest.param(lambda _: "", "Access token is empty.", id="none"),
        pytest.param(lambda _: "Basic abc", "Access token is empty.", id="basic"),
        pytest.param(lambda _: "Bearer abc", "JWT is not well formed", id="no-jwt"),
        pytest.param(lambda c: f"Bearer {c.token()[:-9]}AAAAAAAAA", "Invalid sign", id="forged"),
        pytest.param(lambda c: f"Bearer {c.token('defender')}", "Invalid aud", id="other-api"),
    ],
)
def test_a_token_that_is_not_for_the_api_is_refused(
    client: Client, authorization: Authorization, why: str
) -> None:
    """What is wrong with a token is said, and the call never reaches the data."""
    answer = client.send({"Query": "print 1"}, headers={"Authorization": authorization(client)})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert why in answer.json()["error"]["message"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert client.emulator.calls[-1].tenant_id == ""


def test_a_token_dies_at_its_expiry(client: Client) -> None:
    """The captured answer to an expired token, from the second it expires."""
    client.emulator.clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    client.token()
    lifetime = timedelta(seconds=client.emulator.settings.token_seconds)

    client.emulator.clock.advance(lifetime - timedelta(seconds=1))
    alive = client.hunt("print 1")
    client.emulator.clock.advance(timedelta(seconds=1))
    dead = client.hunt("print 1")

    assert (alive.status_code, dead.status_code) == (200, 401)
    assert same_but_ids(dead.json(), sample("graph_401_expired").json)


@pytest.mark.parametrize(
    ("api", "role"),
    [("graph", "ThreatHunting.Read.All"), ("defender", "AdvancedHunting.Read.All")],
)
def test_a_missing_role_is_named(client: Client, api: str, role: str) -> None:
    """The answer says what the API wants and what the application holds."""
    held = Application(roles={"graph": ("A.Read", "B.Read"), "defender": ("A.Read", "B.Read")})
    client.emulator.settings = Settings(tenants=(Tenant(applications=(held,)),))

    answer = client.hunt("print 1", api=api)

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "Forbidden"
    assert answer.json()["error"]["message"] == (
        f"Missing application roles. API required roles: {role}, application roles: A.Read,B.Read."
    )


def test_revoked_tokens_do_not_come_back(client: Client) -> None:
    """After a revocation only a new token helps."""
    assert client.hunt("print 1").status_code == 200

    client.emulator.revoke_tokens()
    revoked = client.hunt("print 1")
    fresh = Client(client.emulator, client.session).hunt("print 1")

    assert (revoked.status_code, fresh.status_code) == (401, 200)


def test_a_revoked_token_is_challenged_for_claims(client: Client) -> None:
    """SDKs read the claims, ask for a token that meets them, and go on."""
    client.emulator.clock.set(datetime(2026, 3, 1, tzinfo=UTC))
    client.token()

    client.emulator.revoke_tokens()
    challenge = client.hunt("print 1").headers["WWW-Authenticate"]
    other = client.send({"Query": "print 1"}, headers={"Authorization": "Bearer abc"})

    found = re.search('error="insufficient_claims", claims="([^"]+)"', challenge)
    assert found is not None
    assert json.loads(base64.b64decode(found[1])) == {
        "access_token": {"nbf": {"essential": True, "value": "1772323200"}}
    }
    assert "claims" not in other.headers["WWW-Authenticate"]


def test_tenants_are_strangers(client: Client) -> None:
    """One application in two tenants: each has its own rows and its own tokens."""
    both = (Tenant(), Tenant(OTHER_TENANT))
    client.emulator.settings = replace(client.emulator.settings, tenants=both)
    row = {"Timestamp": datetime.now(UTC).isoformat(), "DeviceName": "a"}
    client.emulator.engine_of(OTHER_TENANT).load("DeviceInfo", [row])
    other = client.login(tenant=OTHER_TENANT).json()["access_token"]
    query = {"Query": "DeviceInfo | count"}

    here = client.send(query)
    there = client.send(query, headers={"Authorization": f"Bearer {other}"})

    assert here.json()["results"] == [{"Count": 0}]
    assert there.json()["results"] == [{"Count": 1}]


def test_a_tenant_that_is_removed_is_forgotten(client: Client) -> None:
    """A token outlives neither its tenant nor its application."""
    client.token()
    client.emulator.settings = replace(client.emulator.settings, tenants=(Tenant(OTHER_TENANT),))

    answer = client.hunt("print 1")

    assert answer.status_code == 401
