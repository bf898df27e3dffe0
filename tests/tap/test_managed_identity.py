"""Managed identities: each kind of machine in Azure hands out tokens in a way of its own."""

import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import trustme

from tap_m365hunting.auth import TokenSource, token_source
from tap_m365hunting.auth.managed_identity import ManagedIdentityTokens
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.configuration.credentials import ManagedIdentity
from tap_m365hunting.errors import AuthenticationError, SignInError

GUID = "00001111-aaaa-2222-bbbb-3333cccc4444"
OTHER = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
RESOURCE_ID = "/subscriptions/s/resourceGroups/g/providers/p/userAssignedIdentities/tap"
VARIABLES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)
#: What every kind answers, in the spellings of all of them.
TOKEN = {"access_token": "T0KEN", "expires_in": "3600", "expires_on": "9999999999"}
TOKEN["token_type"] = "Bearer"


@dataclass
class Asked:
    """One request for a token."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]


@dataclass
class Answer:
    """What the machine says."""

    body: object = field(default_factory=lambda: TOKEN)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Machine:
    """An identity endpoint on this machine, over HTTP or HTTPS."""

    def __init__(self, url: str, environment: pytest.MonkeyPatch, thumbprint: str = "") -> None:
        self.url = url
        self.thumbprint = thumbprint
        self.asked: list[Asked] = []
        self.arc_folder: Path | None = None
        self.reply: Callable[[Asked], Answer] = lambda _: Answer()
        self._environment = environment
        for name in VARIABLES:
            environment.delenv(name, raising=False)

    def has(self, **variables: str) -> None:
        """Set what this kind of machine sets."""
        for name, value in variables.items():
            self._environment.setenv(name, value)

    def answers(self, body: object, status: int = 200) -> None:
        """Let it answer so."""
        self.reply = lambda _: Answer(body, status)

    def tokens(self, identity: str = "system", *, tenant_id: str = "t") -> TokenSource:
        """Return where the tap would take its tokens from."""
        settings: dict[str, Any] = {
            "tenant_id": tenant_id,
            "managed_identity": identity,
            "queries": [{"name": "alerts", "query": "AlertInfo | project Timestamp"}],
        }
        connection = Settings.parse(settings).connection
        if self.arc_folder is None:
            return token_source(connection)
        assert isinstance(connection.credential, ManagedIdentity)
        return ManagedIdentityTokens(connection, connection.credential, arc_folder=self.arc_folder)


class Handler(BaseHTTPRequestHandler):
    """Passes requests on to the machine."""

    machine: Machine

    def do_GET(self) -> None:
        """Answer."""
        parts = urlsplit(self.path)
        asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()))
        self.machine.asked.append(asked)
        answer = self.machine.reply(asked)
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(environment: pytest.MonkeyPatch, *, tls: bool) -> Iterator[Machine]:
    """Run an endpoint."""
    handler = type("OwnHandler", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thumbprint = ""
    if tls:
        certificate = trustme.CA().issue_cert("localhost", "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        pem = certificate.cert_chain_pems[0].bytes().decode()
        der = ssl.PEM_cert_to_DER_cert(pem)
        thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    machine = Machine(url, environment, thumbprint)
    handler.machine = machine  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield machine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine in Azure, of a kind that is still to be said."""
    with served(monkeypatch, tls=False) as machine:
        yield machine


def virtual(machine: Machine) -> None:
    """Make it a virtual machine; the variable stands in for its fixed address."""
    machine.has(AZURE_POD_IDENTITY_AUTHORITY_HOST=machine.url)


def app_service(machine: Machine) -> None:
    """Make it an App Service, a Function, a Container App or an Automation account."""
    machine.has(IDENTITY_ENDPOINT=f"{machine.url}/msi/token", IDENTITY_HEADER="H3ADER")


def learning(machine: Machine) -> None:
    """Make it a compute of Machine Learning."""
    machine.has(MSI_ENDPOINT=f"{machine.url}/ml", MSI_SECRET="H3ADER")


@pytest.mark.parametrize(
    ("kind", "path", "header", "names"),
    [
        pytest.param(
            virtual,
            "/metadata/identity/oauth2/token",
            ("Metadata", "true"),
            ("client_id", "msi_res_id", "object_id"),
            id="virtual-machine",
        ),
        pytest.param(
            app_service,
            "/msi/token",
            ("X-IDENTITY-HEADER", "H3ADER"),
            ("client_id", "mi_res_id", "object_id"),
            id="app-service",
        ),
        pytest.param(
            learning,
            "/ml",
            ("secret", "H3ADER"),
            ("clientid", "msi_res_id", "object_id"),
            id="machine-learning",
        ),
    ],
)
def test_machine_is_asked_in_its_own_way(
    machine: Machine,
    kind: Callable[[Machine], None],
    path: str,
    header: tuple[str, str],
    names: tuple[str, str, str],
) -> None:
    """The environment says which machine it is; each kind of identity has its name there."""
    kind(machine)

    found = {
        machine.tokens(identity).token()
        for identity in ("system", GUID, RESOURCE_ID, f"object_id:{GUID}")
    }

    assert found == {"T0KEN"}
    assert {asked.path for asked in machine.asked} == {path}
    assert all(asked.query["resource"] == "https://graph.microsoft.com" for asked in machine.asked)
    assert all(asked.headers[header[0]] == header[1] for asked in machine.asked)
    named = [{**asked.query} for asked in machine.asked]
    for query in named:
        query.pop("resource")
        query.pop("api-version")
    client, resource, principal = names
    assert named == [{}, {client: GUID}, {resource: RESOURCE_ID}, {principal: GUID}]


class Arc:
    """A server under Azure Arc: whoever can read a file of its agent's is let in."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.key = folder / "k.key"
        self.key.write_text("PR00F", "utf-8")
        self.token: Mapping[str, str] = TOKEN
        machine.has(IDENTITY_ENDPOINT=f"{machine.url}/token", IMDS_ENDPOINT=machine.url)
        machine.reply = self._reply

    def _reply(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") == "Basic PR00F":
            return Answer(self.token)
        return Answer("", 401, {"WWW-Authenticate": f"Basic realm={self.key}"})


@pytest.fixture
def arc(machine: Machine, tmp_path: Path) -> Arc:
    """A server under Azure Arc, whose agent keeps its files elsewhere than a real one."""
    machine.arc_folder = tmp_path
    return Arc(machine, tmp_path)


def test_server_under_arc_proves_that_it_may_read_the_file(machine: Machine, arc: Arc) -> None:
    """The endpoint names a file, and takes what is in it."""
    assert arc.key.exists()

    assert machine.tokens().token() == "T0KEN"

    assert [asked.headers["Metadata"] for asked in machine.asked] == ["true", "true"]


def test_identity_of_a_user_under_arc_must_be_confirmed(machine: Machine, arc: Arc) -> None:
    """An old agent would hand out the machine's own token in its place."""
    with pytest.raises(AuthenticationError, match="did not confirm the requested"):
        machine.tokens(GUID).token()

    arc.token = {**TOKEN, "client_id": GUID}
    assert machine.tokens(GUID).token() == "T0KEN"


def test_file_of_arc_that_may_not_be_read_names_the_group(machine: Machine, arc: Arc) -> None:
    """It is the usual mistake: the tap's user is not in the agent's group."""
    arc.key.unlink()

    with pytest.raises(AuthenticationError, match="in the group himds"):
        machine.tokens().token()


@pytest.fixture
def fabric(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A node of Service Fabric, known by its certificate's thumbprint alone."""
    with served(monkeypatch, tls=True) as machine:
        machine.has(
            IDENTITY_ENDPOINT=f"{machine.url}/fabric",
            IDENTITY_HEADER="H3ADER",
            IDENTITY_SERVER_THUMBPRINT=machine.thumbprint,
        )
        yield machine


def test_service_fabric_is_known_by_its_thumbprint(fabric: Machine) -> None:
    """Its certificate is signed by nobody whom this machine trusts."""
    assert fabric.tokens().token() == "T0KEN"

    (asked,) = fabric.asked
    assert (asked.path, asked.headers["Secret"]) == ("/fabric", "H3ADER")


@pytest.mark.parametrize(
    ("thumbprint", "error"),
    [
        pytest.param("0" * 40, SignInError, id="another"),
        pytest.param("none", AuthenticationError, id="no-thumbprint"),
    ],
)
def test_service_fabric_with_another_thumbprint_is_told_nothing(
    fabric: Machine, thumbprint: str, error: type[Exception]
) -> None:
    """The header that opens the identity goes to nobody else."""
    fabric.has(IDENTITY_SERVER_THUMBPRINT=thumbprint)

    with pytest.raises(error, match="No managed identity"):
        fabric.tokens().token()

    assert fabric.asked == []


def test_refusal_of_service_fabric_is_shown(fabric: Machine) -> None:
    """It has an envelope of its own."""
    fabric.answers({"error": {"code": "ManagedIdentityNotFound", "message": "none here"}}, 404)

    with pytest.raises(AuthenticationError, match=r"none here.*check managed_identity"):
        fabric.tokens().token()


@pytest.mark.parametrize("kind", [virtual, app_service, learning], ids=lambda kind: kind.__name__)
def test_refusal_is_shown(machine: Machine, kind: Callable[[Machine], None]) -> None:
    """What the machine says, and what to look at."""
    kind(machine)
    said = "Identity not found"
    machine.answers({"error": "invalid_request", "error_description": said, "message": said}, 400)

    with pytest.raises(AuthenticationError, match=f"{said}.*check managed_identity"):
        machine.tokens().token()


@pytest.mark.parametrize("kind", [virtual, app_service, learning], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("status", [410, 429, 500, 503])
def test_endpoint_that_is_busy_may_be_asked_again(
    machine: Machine, kind: Callable[[Machine], None], status: int
) -> None:
    """Azure says to try again; the next answer is a token, not what was said before."""
    kind(machine)
    tokens = machine.tokens()
    machine.answers({"error": "busy"}, status)

    with pytest.raises(SignInError, match=f"answered {status}"):
        tokens.token()
    machine.answers(TOKEN)

    assert tokens.token() == "T0KEN"


def test_answer_that_is_no_json_is_said_to_be_none(machine: Machine) -> None:
    """Something else answers in the endpoint's place."""
    virtual(machine)
    machine.answers("<html>")

    with pytest.raises(SignInError, match="answered no JSON"):
        machine.tokens().token()


def test_machine_is_not_asked_through_a_proxy(machine: Machine) -> None:
    """The proxy's machine would answer for itself, and would see the token."""
    virtual(machine)
    machine.has(HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9", NO_PROXY="")

    assert machine.tokens().token() == "T0KEN"


def test_token_is_kept_until_it_is_refused(machine: Machine) -> None:
    """A run asks once; a token that the service refuses is asked for anew."""
    virtual(machine)
    tokens = machine.tokens()

    tokens.token()
    tokens.token()
    tokens.forget("T0KEN")
    tokens.token()

    assert len(machine.asked) == 2


@pytest.mark.parametrize(
    ("configured", "good"),
    [
        pytest.param(GUID, False, id="another"),
        pytest.param(OTHER.upper(), True, id="the-same"),
        pytest.param("contoso.example", True, id="a-domain-says-nothing"),
    ],
)
def test_token_of_another_tenant_is_not_used(
    machine: Machine, configured: str, *, good: bool
) -> None:
    """A machine's tokens are of its own tenant; the rows would go by the wrong name."""
    virtual(machine)
    token = jwt.encode({"tid": OTHER}, "k" * 32, algorithm="HS256")
    machine.answers({**TOKEN, "access_token": token})
    tokens = machine.tokens(tenant_id=configured)

    if good:
        assert tokens.token() == token
    else:
        with pytest.raises(AuthenticationError, match=f"identity is of tenant {OTHER}"):
            tokens.token()
