"""The loaders as they are installed: how to run each, what it is known to do, what it holds."""

import csv
import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from tests.loaders.limits import (
    DOUBLE,
    EMPTY_IS_NULL,
    MICROSECONDS,
    PYTHON_TEXT,
    REPLACED_NUL,
    Limit,
)
from tests.loaders.postgres import Server
from tests.loaders.truth import Stream

Json = Any
INSTALLED: Final = os.environ.get("LOADERS")
PINS: Final = Path(__file__).parent / "pins"
_READER: Final = Path(__file__).with_name("duckdb_rows.py")
# columns that loaders add
_OWN: Final = {
    f"_sdc_{name}"
    for name in (
        *("batched_at", "deleted_at", "extracted_at", "received_at", "sequence"),
        *("sync_started_at", "table_version"),
    )
}


@dataclass(frozen=True)
class Held:
    """What a loader holds of a stream, without columns of its own; types where it has any."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Json]]
    types: Mapping[str, str] | None = None


class Loader(ABC):
    """One loader over one place; `keeps` says what remains of a run after the next one.

    `refuses` has the cases that it cannot load, with the reason and what it says then. `idle` says
    which of the tap's states it passes on after a run without rows, `drops` whether
    ACTIVATE_VERSION takes away what is gone.
    """

    name: ClassVar[str]
    keeps: ClassVar[Literal["every run", "each row once", "the last run"]]
    limits: ClassVar[tuple[Limit, ...]] = ()
    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {}
    types: ClassVar[Mapping[str, str]] = {}
    idle: ClassVar[int] = -1
    drops: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def settings(self) -> Mapping[str, Json]:
        """What stands in its configuration."""

    @abstractmethod
    def held(self, stream: Stream) -> Held | None:
        """Read back what it holds of a stream; nothing if there is no file or table."""

    def column(self, name: str) -> str:
        """Return a column's name as it is stored."""
        return name

    def load(self, lines: Path) -> subprocess.CompletedProcess[bytes]:
        """Load the tap's output."""
        config = self.folder / f"{self.name}.json"
        config.write_text(json.dumps(self.settings()), "utf-8")
        command = [str(self.program(self.name)), "--config", str(config)]
        with lines.open("rb") as source:
            return subprocess.run(command, stdin=source, capture_output=True, check=False)

    def program(self, name: str) -> Path:
        """Return a program of the loader's environment."""
        return Path(str(INSTALLED)) / self.name / "bin" / name


class Jsonl(Loader):
    """A file a stream, a line a row."""

    name = "target-jsonl"
    keeps = "every run"

    def settings(self) -> Mapping[str, Json]:
        """Write one file a stream, not one a run."""
        return {"destination_path": str(self.folder), "do_timestamp_file": False}

    def held(self, stream: Stream) -> Held | None:
        """Read the lines."""
        file = self.folder / f"{stream.name}.jsonl"
        if not file.exists():
            return None
        with file.open(encoding="utf-8") as lines:
            rows = [json.loads(line, parse_float=Decimal) for line in lines]
        return Held(list(rows[-1]), rows)


class DuckDB(Loader):
    """A DuckDB file."""

    name = "target-duckdb"
    keeps = "each row once"
    idle = 0
    limits = (MICROSECONDS, EMPTY_IS_NULL, DOUBLE)
    refuses: ClassVar[Mapping[str, tuple[str, str]]] = {
        "three-megabytes": ("A text of more than 2 MB fails the load", "maximum line size"),
        "dynamic-json-scalars": (
            "Nested values that are bare texts fail the load; keep `dynamic_as: string`",
            "JSON",
        ),
    }
    types: ClassVar[Mapping[str, str]] = {
        "string": "VARCHAR",
        "datetime": "TIMESTAMP",
        "bool": "BOOLEAN",
        "int": "HUGEINT",
        "long": "HUGEINT",
        "real": "DOUBLE",
        "decimal": "DOUBLE",
        "guid": "VARCHAR",
        "timespan": "VARCHAR",
        "dynamic": "VARCHAR",
        "dynamic, nested": "JSON",
    }

    def settings(self) -> Mapping[str, Json]:
        """Add metadata columns: without them rows get lost.

        The file has another name than the schema, or `hunting.devices` is ambiguous.
        """
        return {
            "filepath": str(self.folder / "m365.duckdb"),
            "default_target_schema": "hunting",
            "add_metadata_columns": True,
        }

    def column(self, name: str) -> str:
        """Return the name in lower case."""
        return name.lower()

    def held(self, stream: Stream) -> Held | None:
        """Read the table with the loader's own DuckDB."""
        table = self._tables.get(stream.name)
        if table is None:
            return None
        kinds = {self.column(name): kind for name, kind in stream.kinds.items()}
        rows = [_read(row, kinds, nested=stream.nested) for row in table["rows"]]
        types = _without_own(table["types"])
        return Held(list(types), rows, types)

    @cached_property
    def _tables(self) -> Mapping[str, Json]:
        command = [str(self.program("python")), str(_READER), str(self.folder / "m365.duckdb")]
        said = subprocess.run([*command, "hunting"], capture_output=True, check=True)
        tables = [json.loads(line) for line in said.stdout.decode().split("\n") if line]
        return {table["name"]: table for table in tables}


class Postgres(Loader):
    """A schema of a PostgreSQL server."""

    name = "target-postgres"
    keeps = "each row once"
    drops = True
    limits: ClassVar[tuple[Limit, ...]] = (MICROSECONDS, REPLACED_NUL)
    types: ClassVar[Mapping[str, str]] = {
        "string": "text",
        "datetime": "timestamp without time zone",
        "bool": "boolean",
        "int": "bigint",
        "long": "bigint",
        "real": "numeric",
        "decimal": "numeric",
        "guid": "uuid",
        "timespan": "text",
        "dynamic": "text",
        "dynamic, nested": "jsonb",
    }

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self._server = server
        self._schema = folder.name

    def settings(self) -> Mapping[str, Json]:
        """Replace NUL characters, which else fail the load; delete rows that are gone."""
        return {
            **self._server.settings,
            "default_target_schema": self._schema,
            "sanitize_null_text_characters": True,
            "hard_delete": True,
        }

    def held(self, stream: Stream) -> Held | None:
        """Ask the server."""
        types = {
            row["column_name"]: row["data_type"]
            for row in self._server.ask(
                "SELECT column_name, data_type FROM information_schema.columns "  # noqa: S608 -- our own
                f"WHERE table_schema = '{self._schema}' AND table_name = '{stream.name}'"
            )
        }
        if not types:
            return None
        answered = self._server.ask(f'TABLE "{self._schema}"."{stream.name}"')
        kinds = stream.kinds
        rows = [_read(row, kinds, nested=False) for row in answered]
        return Held(list(_without_own(types)), rows, _without_own(types))


class Csv(Loader):
    """A CSV file a stream."""

    name = "target-csv"
    keeps = "the last run"
    limits: ClassVar[tuple[Limit, ...]] = (MICROSECONDS, PYTHON_TEXT)

    def settings(self) -> Mapping[str, Json]:
        """Write to the folder."""
        return {"output_path": str(self.folder)}

    def held(self, stream: Stream) -> Held | None:
        """Read the file, each cell by the type of its column."""
        file = self.folder / f"{stream.name}.csv"
        if not file.exists():
            return None
        csv.field_size_limit(sys.maxsize)
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = [
                {name: _cell(stream.kinds.get(name, "string"), text) for name, text in row.items()}
                for row in reader
            ]
            return Held(list(reader.fieldnames or ()), rows)


LOADERS: Final[tuple[type[Loader], ...]] = (Jsonl, DuckDB, Postgres, Csv)


def _without_own(columns: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in columns.items() if name not in _OWN}


def _read(row: Mapping[str, Json], kinds: Mapping[str, str], *, nested: bool) -> dict[str, Json]:
    """Return a row of a database with its times in the tap's form, nested JSON text as JSON."""
    read = _without_own(row)
    for name in kinds.keys() & read.keys():
        if kinds[name] == "datetime":
            read[name] = _time(read[name])
        elif kinds[name] == "dynamic" and nested and read[name] is not None:
            read[name] = json.loads(read[name], parse_float=Decimal)
    return read


def _time(text: str | None) -> str | None:
    if text is None:
        return None
    seconds, _, fraction = text.replace(" ", "T").removesuffix("+00:00").rstrip("Z").partition(".")
    return f"{seconds}.{fraction:0<7}Z"


def _cell(kind: str, text: str) -> Json:
    if kind in {"string", "dynamic"}:
        return text
    if not text:
        return None
    if kind == "datetime":
        return _time(text)
    if kind == "bool":
        return {"True": True, "False": False}[text]
    return Decimal(text) if kind in {"int", "long", "real", "decimal"} else text


def pins(name: str) -> list[str]:
    """Return what a loader's environment is made of."""
    lines = (PINS / f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]
