"""A recorder of Elasticsearch's `_bulk` on loopback, as strict with ids and types as the server.

A field of ECS has ECS's type, as an index has by the template `ecs@mappings`; any other field has
the type of the first value, as by dynamic mapping. A document with a value of another type is
refused with 400 in the item, and the rest of the request goes on.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from typing_extensions import override

from tests.siem.schemas import fits

# strict_date_optional_time: up to nanoseconds, with a zone or without
DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?")
# https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/mapping-id-field
LONGEST_ID: Final = 512
_INDEX: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,254}")


@dataclass
class Index:
    """Documents by id, and the types of the fields."""

    template: Mapping[str, str]
    types: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    #: how often each id was written
    written: Counter[str] = field(default_factory=Counter)

    def put(self, key: str, document: Mapping[str, Any]) -> str:
        """Store a document; return `created` or `updated`.

        Raises:
            ValueError: a value does not fit the field's type, or the id is none.
        """
        if not key or len(key.encode()) > LONGEST_ID:
            msg = f"id of {len(key.encode())} bytes"
            raise ValueError(msg)
        found = {path: self._type(path, value) for path, value in _values(document)}
        self.types |= found
        outcome = "updated" if key in self.documents else "created"
        self.documents[key] = document
        self.written[key] += 1
        return outcome

    def _type(self, path: str, value: object) -> str:
        kind = self.template.get(path) or self.types.get(path) or _dynamic(value)
        good = (
            isinstance(value, str) and DATE.fullmatch(value)
            if kind == "date"
            else _fits(kind, value)
        )
        if not good:
            msg = f"failed to parse field [{path}] of type [{kind}]: {value!r}"
            raise ValueError(msg)
        return kind


def _fits(kind: str, value: object) -> bool:
    if kind in ("float", "double"):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return value == "" or fits(kind, value)


def _dynamic(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    if isinstance(value, float):
        return "float"
    return "date" if isinstance(value, str) and DATE.fullmatch(value) else "text"


def _values(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield path and value of each leaf; a list is its members, and null is no value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _values(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, path)
    elif value is not None:
        yield path, value


@dataclass
class Recorder:
    """All indices, and the requests that could not be understood."""

    template: Mapping[str, str]
    port: int = 0
    indices: dict[str, Index] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)

    def index(self, name: str) -> Index:
        """Return an index, made if it is new."""
        if not _INDEX.fullmatch(name):
            msg = f"invalid index name [{name}]"
            raise ValueError(msg)
        return self.indices.setdefault(name, Index(self.template))

    def bulk(self, body: bytes) -> dict[str, Any]:
        """Carry out a bulk request; return the answer."""
        if not body.endswith(b"\n"):
            msg = "The bulk request must be terminated by a newline [\\n]"
            raise ValueError(msg)
        lines = body.split(b"\n")[:-1]
        items = [
            self._item(json.loads(action), json.loads(document))
            for action, document in zip(lines[::2], lines[1::2], strict=True)
        ]
        return {
            "took": 1,
            "errors": any("error" in item["index"] for item in items),
            "items": items,
        }

    def _item(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        ((_, about),) = action.items()
        index = self.index(about["_index"])
        key = about.get("_id") or f"made-{sum(index.written.values())}"
        item = {"_index": about["_index"], "_id": key}
        try:
            outcome = index.put(key, document)
        except ValueError as error:
            self.refused.append(str(error))
            reason = {"type": "document_parsing_exception", "reason": str(error)}
            return {"index": item | {"status": 400, "error": reason}}
        status = 201 if outcome == "created" else 200
        return {"index": item | {"status": status, "result": outcome}}


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP for a recorder."""

    protocol_version = "HTTP/1.1"
    recorder: Recorder

    def do_HEAD(self) -> None:
        self._answer(200 if self.path.strip("/") in self.recorder.indices else 404, None)

    def do_GET(self) -> None:
        self._answer(200, {"version": {"number": "8.19.3"}, "tagline": "You Know, for Search"})

    def do_PUT(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        try:
            if path == "/_bulk":
                self._answer(200, self.recorder.bulk(body))
            else:
                self.recorder.index(path.strip("/"))
                self._answer(200, {"acknowledged": True, "index": path.strip("/")})
        except ValueError as error:
            self.recorder.refused.append(str(error))
            self._answer(
                400, {"error": {"type": "illegal_argument_exception", "reason": str(error)}}
            )

    def do_POST(self) -> None:
        self.do_PUT()

    def _body(self) -> bytes:
        self.recorder.requests[self.path.partition("?")[0]] += 1
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, answer: object) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def recording(template: Mapping[str, str]) -> Iterator[Recorder]:
    """Serve a recorder on a free port of this machine."""
    recorder = Recorder(template)
    handler = type("Handler", (_Handler,), {"recorder": recorder})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        recorder.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield recorder
        server.shutdown()
        thread.join()
