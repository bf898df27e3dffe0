"""Loads Singer lines into a database, and reads back what it holds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from bulk_loader.loading import load
from bulk_loader.settings import Settings

Json = Any
NULLABLE: Mapping[str, Json] = {
    "text": {"type": ["string", "null"]},
    "whole": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "exact": {"type": ["number", "null"], "format": "decimal"},
    "flag": {"type": ["boolean", "null"]},
    "time": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": ["string", "null"], "format": "date"},
    "guid": {"type": ["string", "null"], "format": "uuid"},
    "nested": {"type": ["object", "array", "string", "number", "boolean", "null"]},
}


def schema(stream: str, properties: Mapping[str, Json], *key: str, **more: Json) -> Json:
    """Return a SCHEMA message; a property is given as JSON Schema or by its name in `NULLABLE`."""
    full = {
        name: NULLABLE[about] if isinstance(about, str) else about
        for name, about in properties.items()
    }
    about = {"type": "object", "properties": full}
    return {"type": "SCHEMA", "stream": stream, "schema": about, "key_properties": key, **more}


def record(stream: str, cells: Mapping[str, Json], **more: Json) -> Json:
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": cells, **more}


def state(value: Json) -> Json:
    """Return a STATE message."""
    return {"type": "STATE", "value": value}


def hashed() -> Json:
    """Return the schema of a key that is the hash of the row's content."""
    return {"type": ["string"], "format": "x-content-hash"}


@dataclass
class Database:
    """A database file in a folder; `states` are those that came out."""

    folder: Path
    settings: Mapping[str, Json] = field(default_factory=dict)
    states: list[Json] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """The file."""
        return self.folder / "rows.duckdb"

    def load(self, *messages: Json | bytes) -> int:
        """Load messages, or lines as they are; return the number of rows."""
        return self.load_bytes(b"".join(map(line, messages)))

    def load_bytes(self, text: bytes, *, at_once: int = 1 << 20) -> int:
        """Load what a tap wrote, so many bytes at once."""
        place = {"database": str(self.file), **self.settings}
        rest = memoryview(text)

        def read(size: int) -> bytes:
            nonlocal rest
            taken, rest = rest[: min(size, at_once)], rest[min(size, at_once) :]
            return bytes(taken)

        return load(Settings.of(place), read, lambda state: self.states.append(json.loads(state)))

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer a question in SQL."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def column(self, stream: str, name: str) -> list[Any]:
        """Return a column as text, in the order of the key `id`."""
        found = self.ask(f'SELECT "{name}"::VARCHAR FROM "{stream}" ORDER BY id')  # noqa: S608 - ours
        return [row[0] for row in found]

    def rows(self, stream: str) -> int:
        """Count the rows of a stream."""
        quoted = stream.replace('"', '""')
        [[count]] = self.ask(f'SELECT count(*) FROM "{quoted}"')  # noqa: S608 - ours
        return int(count)

    def types(self, stream: str) -> dict[str, str]:
        """Return the types of the columns."""
        found = self.ask(f'DESCRIBE "{stream}"')
        return {name: kind for name, kind, *_ in found}


def line(message: Json | bytes) -> bytes:
    """Return a message as a line."""
    if isinstance(message, bytes):
        return message
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def one_column(about: str | Mapping[str, Json], values: Sequence[Json]) -> list[Json]:
    """Return the messages of a stream `s` with the key `id` and a column `Value`."""
    rows = [record("s", {"id": n, "Value": value}) for n, value in enumerate(values)]
    return [schema("s", {"id": "whole", "Value": about}, "id"), *rows]
