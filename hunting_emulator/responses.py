"""A result in the form of the APIs: schema, statistics, rows; in pieces, never as one text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from hunting_emulator.encoding import SCHEMA_TYPES, batches_as_json, row_encoder
from hunting_emulator.engine import Result
from hunting_emulator.refusals import RESULT_SIZE, bad_request
from hunting_emulator.settings import ApiName, Limits, Wire
from hunting_emulator.tables import Column

_CONTEXT: Final = "{host}/{version}/$metadata#microsoft.graph.security.huntingQueryResults"


@dataclass(frozen=True, slots=True)
class Answer:
    """A result on its way: the body in pieces, its size, its rows."""

    pieces: tuple[bytes, ...]
    rows: int
    size: int


def answer(
    result: Result, api: ApiName, *, context: str, seconds: float, limits: Limits, wire: Wire
) -> Answer:
    """Encode a result whole, since the size decides whether the service hands out the result.

    Raises:
        Refusal: the body is larger than the service hands out.
    """
    encode = row_encoder(result.columns, api, wire)
    pieces: list[bytes] = []
    rows = size = 0
    for count, piece in batches_as_json(result.batches(), encode):
        rows, size = rows + count, size + len(piece)
        if limits.result_bytes is not None and size > limits.result_bytes:
            raise bad_request(RESULT_SIZE)
        pieces.append(piece)
    head = _head(result, api, context=context, seconds=seconds, rows=rows, size=size)
    return Answer((head, *pieces, b"]}"), rows, size)


def graph_context(host: str, version: str) -> str:
    """Return the `@odata.context` of a hunting result."""
    return _CONTEXT.format(host=host, version=version)


def _head(
    result: Result, api: ApiName, *, context: str, seconds: float, rows: int, size: int
) -> bytes:
    if api == "graph":
        members: dict[str, Any] = {
            "@odata.context": context,
            "schema": _schema(result.columns, "name", "type"),
            "results": [],
        }
    else:
        members = {
            "Stats": _stats(result.cpu_seconds, seconds=seconds, rows=rows, size=size),
            "Schema": _schema(result.columns, "Name", "Type"),
            "Results": [],
        }
    return msgspec.json.encode(members).removesuffix(b"]}")


def _schema(columns: Sequence[Column], name: str, kind: str) -> list[dict[str, str]]:
    return [{name: c.name, kind: SCHEMA_TYPES[c.type]} for c in columns]


def _stats(cpu_seconds: float, *, seconds: float, rows: int, size: int) -> dict[str, Any]:
    cpu = timespan(cpu_seconds)
    untouched = {"hits": 0, "misses": 0, "total": 0}
    return {
        "ExecutionTime": round(seconds, 7),
        "resource_usage": {
            "cache": {"memory": untouched, "disk": untouched},
            "cpu": {"user": cpu, "kernel": "00:00:00", "total cpu": cpu},
            "memory": {"peak_per_node": size},
        },
        "dataset_statistics": [{"table_row_count": rows, "table_size": size}],
    }


def timespan(seconds: float) -> str:
    """Write a span as Kusto does, without a fraction where there is none.

    >>> timespan(19.046875), timespan(0)
    ('00:00:19.0468750', '00:00:00')
    """
    whole, ticks = divmod(round(seconds * 10_000_000), 10_000_000)
    text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{text}.{ticks:07}" if ticks else text


def in_pieces(pieces: Iterable[bytes], largest: int = 65_536) -> Iterator[bytes]:
    """Cut a body so that a slow reader holds up one piece, not the whole."""
    for piece in pieces:
        for start in range(0, len(piece), largest):
            yield piece[start : start + largest]
