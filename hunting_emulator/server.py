"""HTTP/1.1 over TLS, on a thread of its own: Werkzeug's server, with connections kept alive."""

import io
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any, Final, Self, cast

import trustme
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Accepted = Any  # for socketserver, a socket or a datagram; here a socket

NAMES: Final = ("localhost", "127.0.0.1", "::1")


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler closes after each answer; clients of the service reuse connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300.0

    def run_wsgi(self) -> None:
        """Answer one request, with the body read first: unread bytes would be the next request."""
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self._body(environ))
        try:
            pieces, status, headers = run_wsgi_app(self.server.app, environ)
            code, _, reason = status.partition(" ")
            self.send_response(int(code), reason)
            for name, value in headers.items():
                self.send_header(name, value)
            self._send(iter(pieces), chunked="Content-Length" not in headers)
        except ConnectionError:
            self.close_connection = True

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
        return self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))

    def _send(self, pieces: Iterator[bytes], *, chunked: bool) -> None:
        first = next(pieces, b"")  # before the headers go: the connection may break here
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in chain((first,) if first else (), pieces):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the emulator's time, as the header Date does."""
        now = cast("HuntingServer", self.server).now()
        return super().date_time_string(timestamp or now.timestamp())

    def version_string(self) -> str:
        """Name no Python and no Werkzeug: the service does not."""
        return "hunting-emulator"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; calls are in the emulator's own log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002, ARG002 -- Werkzeug's
        """Note the last words of a broken connection, for debugging."""
        logging.getLogger(__name__).debug(message, *args)


class HuntingServer(ThreadedWSGIServer):
    """Shakes hands with each client on the client's own thread, and can end all connections."""

    def __init__(
        self, app: App, *, host: str, port: int, tls: ssl.SSLContext, now: Callable[[], datetime]
    ) -> None:
        super().__init__(host, port, app, handler=_Handler)
        self.now = now
        self.ssl_context = tls
        self._tls = tls
        self._open: dict[threading.Thread, socket.socket] = {}
        self._ended = False
        self._lock = threading.Lock()
        self.connections = 0

    def finish_request(self, request: Accepted, client_address: object) -> None:
        """Serve one connection until either side ends the connection."""
        try:
            self._hold(request)
            with self._tls.wrap_socket(request, server_side=True) as connection:
                self._hold(connection)
                self._count()
                _Handler(connection, client_address, self)
        except (OSError, ValueError):
            return  # a client that does not trust the certificate, or that is gone
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _count(self) -> None:
        with self._lock:
            self.connections += 1

    def _hold(self, connection: socket.socket) -> None:
        with self._lock:
            if self._ended:
                raise ConnectionAbortedError
            self._open[threading.current_thread()] = connection

    def end_connections(self, patience: float = 5.0) -> None:
        """End every connection, and wait at most so many seconds for the threads."""
        with self._lock:
            self._ended = True
            threads = dict(self._open)
        for connection in threads.values():
            with suppress(OSError):  # the other side was first
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(patience / len(threads))


class Serving:
    """A server on a thread; for port 0 the system chooses the port."""

    def __init__(
        self, app: App, *, host: str, port: int, authority: trustme.CA, now: Callable[[], datetime]
    ) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*NAMES).configure_cert(tls)
        self._server = HuntingServer(app, host=host, port=port, tls=tls, now=now)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self._server.port)

    @property
    def connections(self) -> int:
        """How many connections were made so far, those that shook hands."""
        return self._server.connections

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end every connection."""
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()
