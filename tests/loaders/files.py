"""The road without a loader: the SQL of docs/files.md over compressed lines."""

import gzip
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final

import duckdb

from tests.loaders.limits import DOUBLE, MICROSECONDS
from tests.loaders.loaders import Held, Json, Loader
from tests.loaders.runs import states
from tests.loaders.truth import Stream

PAGE: Final = Path(__file__).parents[2] / "docs" / "files.md"


class Files(Loader):
    """A compressed file a run, and DuckDB tables over them."""

    name = "files.md"
    keeps = "each row once"
    limits = (MICROSECONDS, DOUBLE)
    page: ClassVar[Path] = PAGE
    types: ClassVar[Mapping[str, str]] = {
        "string": "VARCHAR",
        "datetime": "TIMESTAMP",
        "bool": "BOOLEAN",
        "int": "BIGINT",
        "long": "BIGINT",
        "real": "DOUBLE",
        "decimal": "DOUBLE",
        "guid": "UUID",
        "timespan": "VARCHAR",
        "dynamic": "VARCHAR",
        "dynamic, nested": "JSON",
    }

    def settings(self) -> Mapping[str, Json]:
        """There is nothing to set."""
        return {}

    def load(self, lines: Path) -> subprocess.CompletedProcess[bytes]:
        """Compress the lines and put what is new into the tables."""
        runs = self.folder / "runs"
        runs.mkdir(exist_ok=True)
        count = len(list(runs.iterdir()))
        with gzip.open(runs / f"{count:03}.singer.gz", "wb") as file:
            file.write(lines.read_bytes())
        self.read_new()
        state = json.dumps(states(lines)[-1]).encode()
        return subprocess.CompletedProcess([], 0, stdout=state, stderr=b"")

    def read_new(self) -> None:
        """Run the page's SQL, in one transaction."""
        lines, tables = blocks("sql", self.page)
        with self._connected() as connection:
            connection.execute("BEGIN")
            connection.execute(lines)
            for (statement,) in connection.execute(tables).fetchall():
                connection.execute(statement)
            connection.execute("COMMIT")

    def held(self, stream: Stream) -> Held | None:
        """Ask DuckDB for times as text."""
        with self._connected() as connection:
            described = connection.execute(f'DESCRIBE "{stream.name}"').fetchall()
            types = {str(name): str(kind) for name, kind, *_ in described}
            asked = connection.execute(
                f'SELECT * REPLACE ({_as_text(types)}) FROM "{stream.name}"'  # noqa: S608 -- our own
                if _as_text(types)
                else f'FROM "{stream.name}"'
            )
            rows = [
                {name: plain(types[name], cell) for name, cell in zip(types, row, strict=True)}
                for row in asked.fetchall()
            ]
        return Held(list(types), rows, types)

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(str(self.folder / "hunting.duckdb")) as connection:
            connection.execute(f"SET file_search_path = '{self.folder}'")
            yield connection


def blocks(language: str, page: Path = PAGE) -> list[str]:
    """Return the page's code in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


def _as_text(types: Mapping[str, str]) -> str:
    times = [f'"{name}"' for name, kind in types.items() if kind == "TIMESTAMP"]
    return ", ".join(f"{name}::VARCHAR AS {name}" for name in times)


def plain(kind: str, cell: Any) -> Json:  # noqa: ANN401 - whatever DuckDB returns
    """Return a cell as a record has it; times are given as text."""
    if cell is None:
        return None
    if kind == "TIMESTAMP":
        seconds, _, fraction = cell.replace(" ", "T").partition(".")
        return f"{seconds}.{fraction:0<7}Z"
    if kind == "JSON":
        return json.loads(cell, parse_float=Decimal)
    return str(cell) if kind == "UUID" else cell
