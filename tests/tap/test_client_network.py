"""What lies between the tap and the service: proxies, certificates, compression, connections."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
import requests
import trustme
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.auth import token_source
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.errors import AuthenticationError, ServiceError, WindowTooLargeError
from tap_m365hunting.http.login_session import login_session
from tap_m365hunting.http.transport import Transport
from tests.tap.harness import Run, Tenant, at
from tests.tap.hearing import heard
from tests.tap.proxies import proxy

EVENTS: Final = {"name": "events", "query": "DeviceEvents\n| project Timestamp, ReportId"}
PASSWORD: Final = "open-sesame"
BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
FORBIDDEN: Final = b"HTTP/1.1 403 Forbidden\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def read(tenant: Tenant, **settings: Any) -> Run:  # noqa: ANN401 - JSON
    """Read one event."""
    tenant.emulator.engine.load("DeviceEvents", [{"Timestamp": at(hours=1), "ReportId": 1}])
    return tenant.sync(EVENTS, **settings)


def call(tenant: Tenant, token: str, *, seconds: int = 60) -> None:
    """Make one call past the sign-in."""
    settings = Settings.parse(tenant.config(EVENTS, request_timeout_seconds=seconds))
    query = "print 'a text that is long enough to drip for a while'"
    Transport(settings.connection).post(query, token, arrived=lambda _: None).close()


def token_of(tenant: Tenant) -> str:
    """Sign in."""
    return token_source(Settings.parse(tenant.config(EVENTS)).connection).token()


# --- proxies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["", PASSWORD], ids=["open", "with-password"])
def test_sign_in_and_calls_go_through_the_proxy(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """The environment names it, as for every program; its password is never told."""
    before = tenant.emulator.connections
    with proxy(password=password) as through, heard() as log:
        credentials = f"tap:{password}@" if password else ""
        monkeypatch.setenv("HTTPS_PROXY", f"http://{credentials}{through.address}")
        run = read(tenant)

    host = tenant.emulator.url.removeprefix("https://")
    assert run.values("events", "ReportId") == [1]
    assert through.tunnels == [host, host]  # one for the login, one for the API
    assert tenant.emulator.connections - before == 2
    assert PASSWORD not in log.getvalue()


def test_hosts_of_no_proxy_are_reached_straight(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A regional host, or the emulator, may not be behind the proxy."""
    with proxy() as through:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{through.address}")
        monkeypatch.setenv("NO_PROXY", "localhost")
        run = read(tenant)

    assert run.values("events", "ReportId") == [1]
    assert through.tunnels == []


@pytest.mark.parametrize(
    ("answer", "password", "kind", "words"),
    [
        pytest.param(b"", PASSWORD, FatalAPIError, "answers 407 Proxy Auth", id="wrong-password"),
        pytest.param(FORBIDDEN, "", FatalAPIError, "answers 403 Forbidden", id="not-allowed"),
        pytest.param(BUSY, "", ServiceError, "answers 503 Service", id="busy"),
    ],
)
def test_what_the_proxy_refuses_is_the_proxys(
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    password: str,
    kind: type[Exception],
    words: str,
) -> None:
    """Sign-in and call name it, its answer and the setting; what does not pass is not retried."""
    with proxy(password=password, answer=answer) as through:
        monkeypatch.setenv("HTTPS_PROXY", f"http://tap:{PASSWORD[::-1]}@{through.address}")
        with pytest.raises(kind, match=f"the proxy {words}.*; check HTTPS_PROXY") as by_call:
            call(tenant, "none")
        with pytest.raises(Exception, match=f"the proxy {words}.*; check HTTPS_PROXY") as by_login:
            token_of(tenant)

    assert isinstance(by_login.value, kind)
    assert PASSWORD[::-1] not in f"{by_call.value} {by_login.value}"


def test_deadline_holds_through_a_proxy(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is made in another way, and is to be as impatient."""
    token = token_of(tenant)
    tenant.emulator.fail_next("slow", piece=1, pause=0.2)
    with proxy() as through:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{through.address}")
        with pytest.raises(WindowTooLargeError, match="did not answer within 0:00:01"):
            call(tenant, token, seconds=1)


def test_proxy_that_is_not_there_may_come_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is retried as a service is."""
    with proxy() as through:
        gone = through.address
    monkeypatch.setenv("HTTPS_PROXY", f"http://{gone}")

    with pytest.raises(ServiceError, match="the proxy does not answer; check HTTPS_PROXY"):
        call(tenant, "none")


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["a..b", f"{'x' * 64}.example"], ids=["no-label", "long-label"])
def test_address_that_is_none_is_not_asked_again(tenant: Tenant, host: str) -> None:
    """No waiting makes a host of it; the settings to look at are named."""
    wrong = {"api_url": f"https://{host}", "authority_url": f"https://{host}"}
    place = Settings.parse(tenant.config(EVENTS) | wrong).connection

    with pytest.raises(FatalAPIError, match="that is no address; check api_url, "):
        Transport(place).post("print 1", "none", arrived=lambda _: None)
    with pytest.raises(AuthenticationError, match=r"no address; check .*authority_url"):
        token_source(place).token()


def test_server_without_tls_is_not_asked_again(tenant: Tenant) -> None:
    """It is another port than the service's, or a proxy that was taken for it."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as plain:
        Thread(target=plain.serve_forever, daemon=True).start()
        wrong = {"authority_url": f"https://127.0.0.1:{plain.server_port}"}
        place = Settings.parse(tenant.config(EVENTS) | wrong).connection

        with pytest.raises(AuthenticationError, match="answers, but not over TLS; check api_url"):
            token_source(place).token()
        plain.shutdown()


# --- certificates -------------------------------------------------------------------------------


def untrusted(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Trust an authority that nobody uses."""
    file = folder / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))


def unset(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    """Trust only the public authorities."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")


def missing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Name a file that is not there."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "none.pem"))


def empty(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Name a file that holds nothing."""
    (folder / "empty.pem").touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "empty.pem"))


def broken(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Name a file that holds something else."""
    (folder / "broken.pem").write_text("{}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder / "broken.pem"))


@pytest.mark.parametrize(
    ("trust", "words"),
    [
        pytest.param(unset, "its certificate is not trusted .unable to get", id="none-named"),
        pytest.param(untrusted, "its certificate is not trusted .unable to get", id="another"),
        pytest.param(missing, "none.pem; check", id="no-such-file"),
        pytest.param(empty, "no certificates can be read from .*empty.pem; check", id="empty"),
        pytest.param(broken, "no certificates can be read from .*broken.pem; check", id="no-pem"),
    ],
)
def test_private_authority_has_to_be_named(
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    trust: Callable[[pytest.MonkeyPatch, Path], None],
    words: str,
) -> None:
    """Neither password nor token is sent to who cannot prove itself; the way out is told, once."""
    token = token_of(tenant)
    trust(monkeypatch, tmp_path)

    with pytest.raises(FatalAPIError, match=f"No way to Microsoft Graph: .*{words}.*CA_BUNDLE"):
        call(tenant, token)
    with pytest.raises(AuthenticationError, match=f"No sign-in at .*{words}.*CA_BUNDLE"):
        token_of(tenant)

    assert tenant.emulator.calls == ()


# --- the wire itself ----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["gzip", "deflate", "plain"])
@pytest.mark.parametrize("api", ["graph", "defender"])
def test_answers_come_compressed_or_not(tenant: Tenant, api: str, way: str) -> None:
    """The service chooses among what the client takes."""
    tenant.emulator.configure(compression=way != "plain" and way)

    assert read(tenant, api=api).values("events", "ReportId") == [1]


def test_calls_of_a_tenant_share_a_connection(tenant: Tenant) -> None:
    """A handshake costs more than a call; errors do not cost the connection either."""
    rows = [{"Timestamp": at(minutes=60 + n), "ReportId": n} for n in range(200)]
    tenant.emulator.engine.load("DeviceEvents", rows)
    tenant.emulator.configure(row_cap=10)
    for fault in (500, 503, "throttled", "result_size", "empty_object"):
        tenant.emulator.fail_next(fault)
    before = tenant.emulator.connections

    run = tenant.sync(EVENTS, max_rows_per_call=10, max_parallel_calls=1)

    assert len(run.records("events")) == 200
    assert len(tenant.emulator.calls) > 20
    assert tenant.emulator.connections - before == 2  # one for the login, one for the API


def test_entry_in_netrc_does_not_replace_the_token(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The library would send that password instead, to the service as to Entra ID."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine localhost login me password {PASSWORD}\n", "utf-8")
    monkeypatch.setenv("NETRC", str(netrc))

    login = login_session().prepare_request(requests.Request("POST", tenant.emulator.url))

    assert "Authorization" not in login.headers
    assert read(tenant).values("events", "ReportId") == [1]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_answer_that_finds_no_room_on_disk_says_so(tenant: Tenant) -> None:
    """And how to name another folder; asking again would not make room."""
    token = token_of(tenant)
    tenant.emulator.fail_next(200, body="[" + " " * (4 << 20) + "]")

    with room_for(1 << 20), pytest.raises(FatalAPIError, match=r"No room .* check TMPDIR"):
        call(tenant, token)


def test_trusted_certificates_are_read_once(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To read all public authorities takes longer than a connection, and tenants have many."""
    file = tmp_path / "authorities.pem"
    file.write_bytes(Path(tenant.emulator.ca_file).read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    token = token_of(tenant)

    file.write_text("unreadable from here on")

    call(tenant, token)
    assert token_of(tenant)
