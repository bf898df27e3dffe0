"""Addresses where no service is, each in a way of its own."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import trustme

PAGE: Final = b"<html><body>Sign in to the guest network</body></html>"


@dataclass(frozen=True)
class DeadService:
    """An address; the environment that leads there; and words that the one message must hold."""

    url: str
    words: str
    environment: Mapping[str, str] = field(default_factory=dict)


class _Page(BaseHTTPRequestHandler):
    """Answers whatever is asked with the page of a network that wants a guest to sign in."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    do_GET = do_POST = _answer  # noqa: N815 - as http.server calls them

    def log_message(self, *_: object) -> None:
        """Write nothing to standard error, which is looked at."""


def closed_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def page(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve the page over TLS; yield its address and the file of its authority."""
    authority, file = trustme.CA(), folder / "page.pem"
    authority.cert_pem.write_to_path(str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}", str(file)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def dead_services(folder: Path) -> Iterator[Mapping[str, DeadService]]:
    """Yield a dead service of each kind."""
    nothing = f"https://localhost:{closed_port()}"
    socks = f"socks5h://127.0.0.1:{closed_port()}"
    through = {"HTTPS_PROXY": socks, "https_proxy": socks, "NO_PROXY": "", "no_proxy": ""}
    with page(folder) as (url, authority):
        yield {
            "refused": DeadService(nothing, "nothing listens there (is the emulator started?)"),
            "dns": DeadService("https://no-such-host.invalid", "has no address (DNS)"),
            "tls": DeadService(url, "its certificate is not trusted"),
            "socks": DeadService(nothing, "pip install 'requests[socks]'", through),
            "html": DeadService(
                url, "answers, but not as Entra ID does", {"REQUESTS_CA_BUNDLE": authority}
            ),
        }
