"""The project's own loader, run by its command as the others are."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import duckdb

from tests.loaders.files import plain
from tests.loaders.loaders import Held, Json, Loader
from tests.loaders.truth import Stream


class Bulk(Loader):
    """A DuckDB file, filled by `target-bulk-duckdb`."""

    name = "target-bulk-duckdb"
    keeps = "each row once"
    drops = True
    types: ClassVar[Mapping[str, str]] = {
        "string": "VARCHAR",
        "datetime": "TIMESTAMP_NS",
        "bool": "BOOLEAN",
        "int": "BIGINT",
        "long": "BIGINT",
        "real": "DOUBLE",
        "decimal": "DECIMAL(38,18)",
        "guid": "UUID",
        "timespan": "VARCHAR",
        "dynamic": "VARCHAR",
        "dynamic, nested": "JSON",
    }

    def settings(self) -> Mapping[str, Json]:
        """Say where."""
        return {"database": str(self.folder / "m365.duckdb"), "schema": "hunting"}

    def program(self, name: str) -> Path:
        """Return a program beside this Python."""
        return Path(sys.executable).with_name(name)

    def held(self, stream: Stream) -> Held | None:
        """Ask DuckDB for times as text."""
        table = f'hunting."{stream.name}"'
        with duckdb.connect(str(self.folder / "m365.duckdb"), read_only=True) as connection:
            described = connection.execute(f"DESCRIBE {table}").fetchall()
            types = {
                str(name): str(kind) for name, kind, *_ in described if name != "_sdc_table_version"
            }
            asked = ", ".join(
                f'"{name}"::VARCHAR' if kind == "TIMESTAMP_NS" else f'"{name}"'
                for name, kind in types.items()
            )
            rows = [
                {name: _plain(types[name], cell) for name, cell in zip(types, row, strict=True)}
                for row in connection.execute(f"SELECT {asked} FROM {table}").fetchall()  # noqa: S608 - our own
            ]
        return Held(list(types), rows, types)


def _plain(kind: str, cell: Json) -> Json:
    return plain("TIMESTAMP" if kind == "TIMESTAMP_NS" else kind, cell)
