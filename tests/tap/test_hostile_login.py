"""A login host that is stuck or hostile: no run hangs on it."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Final

import pytest
import trustme
from msgspec.structs import replace

from tap_m365hunting.auth.client_credentials import ApplicationTokens
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.configuration.credentials import ClientSecret
from tap_m365hunting.errors import AuthenticationError, SignInError
from tap_m365hunting.http.login_session import login_session
from tests.tap.harness import Tenant

SECONDS: Final = 1.0
SLACK: Final = 4.0
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TOKEN: Final = b'{"token_type":"Bearer","expires_in":3600,"access_token":"made-up"}'
ELSEWHERE: Final = (
    b"HTTP/1.1 307 Elsewhere\r\nLocation: https://login.invalid/\r\nContent-Length: 0\r\n\r\n"
)


class Host(ThreadingTCPServer):
    """Answers each connection with the same bytes, the last of them again and again."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext, head: bytes, rest: bytes, pause: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.block_on_close = False
        self.tls, self.head, self.rest, self.pause = tls, head, rest, pause
        self.asked: list[bytes] = []


class _Handler(StreamRequestHandler):
    server: Host

    def handle(self) -> None:
        """Shake hands, read the request, and perhaps never come to an end."""
        with suppress(OSError), self.server.tls.wrap_socket(self.request, server_side=True) as line:
            head, _, body = line.recv(1 << 16).partition(b"\r\n\r\n")
            self.server.asked.append(head.split(b"\r\n")[0])
            if head and not body:  # what is left unread would break the connection
                line.recv(1 << 16)
            line.sendall(self.server.head)
            while self.server.rest:
                line.sendall(self.server.rest)
                time.sleep(self.server.pause)


@contextmanager
def host(
    folder: Path, head: bytes, rest: bytes = b"", pause: float = 0.0, *, name: str = "localhost"
) -> Iterator[Host]:
    """Run such a host, whose authority is in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(tls)
    with Host(tls, head, rest, pause) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def sign_in(tenant: Tenant, server: Host) -> None:
    """Try to sign in, impatiently."""
    place = Settings.parse(tenant.config({"name": "a", "query": "AlertInfo"})).connection
    there = replace(place, authority=f"https://localhost:{server.server_address[1]}")
    assert isinstance(place.credential, ClientSecret)
    ApplicationTokens(there, place.credential, session=login_session(SECONDS)).token()


@pytest.mark.parametrize(
    ("head", "rest", "pause", "words"),
    [
        pytest.param(b"", b"", 0.0, "No sign-in at https://localhost", id="hangs-up"),
        pytest.param(OK, b"x", 0.2, "ReadTimeout", id="drips-headers"),
        pytest.param(OK + b"\r\n", b" ", 0.2, "ReadTimeout", id="drips-a-body"),
        pytest.param(OK + b"\r\n", b" " * 65_536, 0.0, "more than any", id="never-ends"),
        pytest.param(
            ELSEWHERE,
            b"",
            0.0,
            "a redirect: not followed",
            id="redirects",
        ),
        pytest.param(
            ELSEWHERE.replace(b"https://login.invalid/", b"https://[::1"),
            b"",
            0.0,
            "No sign-in at https://localhost",
            id="redirects-nowhere",
        ),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
            b"",
            0.0,
            "No sign-in at https://localhost",
            id="a-chunk-smaller-than-none",
        ),
    ],
)
def test_sign_in_has_its_time_and_its_size(
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    head: bytes,
    rest: bytes,
    pause: float,
    words: str,
) -> None:
    """What may pass is a failed sign-in, which is tried again."""
    with host(tmp_path, head, rest, pause) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        started = time.monotonic()
        with pytest.raises(SignInError, match=words):
            sign_in(tenant, server)

    assert time.monotonic() - started < 2 * SECONDS + SLACK
    assert server.asked[0].startswith(b"POST /")


def test_a_connection_that_broke_is_made_anew_once(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To ask for a token twice does no harm."""
    with host(tmp_path, b"") as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        with pytest.raises(SignInError):
            sign_in(tenant, server)

    assert len(server.asked) == 2


def test_a_refusal_that_names_its_time_is_not_waited_for(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody would see why the run stands still."""
    later = b"HTTP/1.1 503 Later\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
    with host(tmp_path, later) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        started = time.monotonic()
        with pytest.raises(SignInError, match="answered 503"):
            sign_in(tenant, server)

    assert time.monotonic() - started < 2 * SECONDS + SLACK


def test_signing_in_is_one_request(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An authority is not asked where its endpoints are, which is the same everywhere."""
    with host(tmp_path, OK + b"Content-Length: %d\r\n\r\n%b" % (len(TOKEN), TOKEN)) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        sign_in(tenant, server)

    assert server.asked == [
        f"POST /{tenant.emulator.tenant_id}/oauth2/v2.0/token HTTP/1.1".encode()
    ]


def test_certificate_of_another_host_is_not_trusted(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """However good its authority: nothing is asked of it."""
    with host(tmp_path, OK, name="another.example") as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        with pytest.raises(AuthenticationError, match=r"not trusted .Hostname mismatch"):
            sign_in(tenant, server)

    assert server.asked in ([], [b""])
