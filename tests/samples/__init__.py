"""Answers of the service: the shapes that were captured or documented, with values of our own.

`results.json` holds bodies with rows: columns, types, sidecars and nesting are those of captures
and of Microsoft's pages. `refusals.json` holds answers without rows: the words are the service's,
since the tap goes by them, and `kind` says how well they are known. Names begin with the API:
`graph`, `mde` (Defender for Endpoint), `xdr` (Defender XDR) or `loganalytics`. `rows.json` holds
hunting rows as a tenant's tables have them, `identities.json` the columns that Microsoft's page of
a table calls the identity of its rows (read in July 2026).

- `captured`: seen from the service, whole. `captured message`: seen without what is around it.
- `documented`: printed on a page of Microsoft's. `composed`: put together from what is known.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: status, headers, and the body as the server sends it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> JsonObject:
        """The body of an answer that is JSON, a new copy each time."""
        parsed: JsonObject = json.loads(self.body)
        return parsed


@cache
def _file(name: str) -> JsonObject:
    parsed: JsonObject = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return parsed


def sample(name: str) -> Sample:
    """Return the answer of this name."""
    if name in _file("results"):
        return Sample(200, {}, json.dumps(_file("results")[name]).encode())
    told = _file("refusals")[name]
    body = told["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Sample(told["status"], told.get("headers", {}), text.encode())


def names(kind: str, *apis: str) -> list[str]:
    """Return the names of `results` or `refusals`, those of some APIs alone if any are given."""
    return [name for name in _file(kind) if not apis or name.split("_")[0] in apis]


def rows(table: str) -> list[JsonObject]:
    """Return the hunting rows of a table, each with all of its columns."""
    told = _file("rows")[table]
    blank = {**dict.fromkeys(told["null"]), **dict.fromkeys(told["empty"], "")}
    return [{**blank, **told["same"], **row} for row in told["rows"]]


def identities() -> dict[str, list[str]]:
    """Return the documented identity of each documented table; empty where there is none."""
    return _file("identities")
