"""A forward proxy that knows one method, CONNECT."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy(ThreadingTCPServer):
    """Listens on a port of its own, notes where each tunnel leads, and asks for a password."""

    daemon_threads = True

    def __init__(self, *, password: str = "", answer: bytes = ESTABLISHED) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.block_on_close = False  # a client may keep its connection
        self.password = password
        self.answer = answer
        self.tunnels: list[str] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def admits(self, authorization: str) -> bool:
        """Say whether the credentials are right."""
        expected = base64.b64encode(f"tap:{self.password}".encode()).decode()
        return not self.password or authorization == f"Basic {expected}"


class _Handler(StreamRequestHandler):
    """One client."""

    server: Proxy

    def handle(self) -> None:
        """Read the head, answer, and pass bytes on both ways until either side ends."""
        target = self.rfile.readline().decode().split()[1]
        headers = dict(self._headers())
        if not self.server.admits(headers.get("proxy-authorization", "")):
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        self.server.tunnels.append(target)
        self.wfile.write(self.server.answer)
        if self.server.answer == ESTABLISHED:
            host, port = target.rsplit(":", 1)
            with socket.create_connection((host, int(port))) as other:
                back = threading.Thread(target=_pass_on, args=(other, self.connection), daemon=True)
                back.start()
                _pass_on(self.connection, other)
                back.join()

    def _headers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().strip().decode():
            name, _, value = line.partition(": ")
            yield name.lower(), value


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(*, password: str = "", answer: bytes = ESTABLISHED) -> Iterator[Proxy]:
    """Run a proxy for as long as the context lasts."""
    with Proxy(password=password, answer=answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
