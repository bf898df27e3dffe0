"""Replays prepared answers over HTTPS, from a process of its own.

A query that names the table `Answer_100000_gzip` gets 100,000 rows, compressed; forms are `plain`
(with a length), `chunked` and `gzip`. Whatever else the query says is not looked at, but for the
probe (`take 0`), which is answered by the columns alone.
"""

import gzip
import json
import re
import ssl
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import trustme

from bench.measure import pin
from bench.payload import answer

TENANT: Final = "11111111-2222-3333-4444-555555555555"
AUTHORITY: Final = "authority.pem"
_TABLE: Final = re.compile(r"Answer_(\d+)_(plain|chunked|gzip)")
_CHUNK: Final = 1 << 16
_HOST: Final = "127.0.0.1"
_LEVEL: Final = 6  # of gzip, as servers have it by default


@cache
def _body(rows: int, form: str) -> bytes:
    return gzip.compress(_body(rows, "plain"), _LEVEL) if form == "gzip" else answer(rows)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing: standard error belongs to what is measured."""

    def do_POST(self) -> None:
        """Give a token, or an answer."""
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        table = _TABLE.search(asked.decode())
        if table is None:
            self._json({"token_type": "Bearer", "expires_in": 3600, "access_token": "made-up"})
        elif b"take 0" in asked:
            self._send(_body(0, "plain"), "plain")
        else:
            self._send(_body(int(table[1]), table[2]), table[2])

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "plain")

    def _send(self, body: bytes, form: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if form == "gzip":
            self.send_header("Content-Encoding", "gzip")
        if form == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._write(body, chunked=form == "chunked")

    def _write(self, body: bytes, *, chunked: bool) -> None:
        if not chunked:
            self.wfile.write(body)
            return
        for at in range(0, len(body), _CHUNK):
            part = body[at : at + _CHUNK]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


def main(folder: Path, tables: list[str]) -> None:
    """Prepare the tables' answers, also as files; print the port, and serve until ended."""
    pin(-1)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / AUTHORITY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(_HOST).configure_cert(context)
    for table in tables:
        if found := _TABLE.fullmatch(table):
            (folder / f"{table}.json").write_bytes(_body(int(found[1]), found[2]))
    with ThreadingHTTPServer((_HOST, 0), _Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
