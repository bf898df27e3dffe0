"""A host whose answers are chosen, byte by byte, over TLS or without."""

import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, TypeAlias

import trustme


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def signs_in(self) -> bool:
        """Whether a token is asked for."""
        return "/oauth2/" in self.path


#: The bytes of an answer in their parts.
Bytes: TypeAlias = Iterable[bytes]
Answer: TypeAlias = Callable[[Asked], Bytes]


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Bytes:
    """Return a whole answer; what is no bytes or text is written as JSON."""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogateescape")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    known = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    lines = [f"{name}: {value}" for name, value in {**known, **(headers or {})}.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Answer", *lines, "", ""])
    return [head.encode("latin-1", "replace") + content]


def cut(body: bytes, status: int = 200) -> Bytes:
    """Return an answer whose end nobody knows but by the connection's."""
    return [b"HTTP/1.1 %d Answer\r\nConnection: close\r\n\r\n" % status + body]


class Authority:
    """Signs the certificates of hosts on this machine."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def context(self) -> ssl.SSLContext:
        """Return the TLS of a host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        return context


class Host(ThreadingTCPServer):
    """Answers each request as `answer` says, which may be exchanged; notes what was `asked`."""

    daemon_threads = True

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.block_on_close = False
        self.answer = answer
        self.tls = tls
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:  # noqa: ANN401 (of the standard library)
        """Say nothing of a client that has gone."""


class _Handler(StreamRequestHandler):
    server: Host

    def handle(self) -> None:
        """Answer until one side has enough."""
        with suppress(OSError, ValueError):
            tls = self.server.tls
            line = tls.wrap_socket(self.request, server_side=True) if tls else self.request
            with line, line.makefile("rb") as read:
                for asked in _requests(read):
                    self.server.asked.append(asked)
                    last = False
                    for part in self.server.answer(asked):
                        last = last or b"Connection: close" in part[:200]
                        line.sendall(part)
                    if last:
                        return


def _requests(read: Any) -> Iterator[Asked]:  # noqa: ANN401 - a file
    while first := read.readline():
        headers: dict[str, str] = {}
        while (row := read.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = row.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = read.read(int(headers.get("content-length", 0)))
        method, path, *_ = first.decode("latin-1").split()
        yield Asked(method, path, headers, body)
        if "http/1.0" in first.lower().decode("latin-1"):
            return


@contextmanager
def hosted(answer: Answer, authority: Authority | None) -> Iterator[Host]:
    """Run a host; without an authority it has no TLS."""
    with Host(answer, authority.context() if authority else None) as host:
        thread = Thread(target=host.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.shutdown()
            thread.join()
