"""Whether tables hold what was served, by a checksum in SQL over every cell."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import duckdb

from bench.payload import BAG, COLUMNS, answer

Sum = tuple[int, int]
_CELLS: Final = ", ".join(f'"{name}"::VARCHAR' for name in COLUMNS)
#: Rows, and the sum of their hashes, which no order changes and no pair of equal rows cancels.
_SUM: Final = f"SELECT count(*), sum(hash({_CELLS})::HUGEINT)"


def expected(rows: int) -> Sum:
    """Return the sum of an answer of so many rows, by the payload's own bytes."""
    served = json.loads(answer(rows))["results"]
    with NamedTemporaryFile("w", suffix=".ndjson") as file, duckdb.connect() as connection:
        file.writelines(json.dumps(_texts(row)) + "\n" for row in served)
        file.flush()
        connection.execute("SET enable_progress_bar = false")
        columns = dict.fromkeys(COLUMNS, "VARCHAR")
        source = f"read_json('{file.name}', format = 'newline_delimited', columns = {columns})"
        return _only(connection, f"{_SUM} FROM {source}")


def checksum(database: Path, tables: int) -> list[Sum]:
    """Return the sums of the tables that the tap's streams were loaded into."""
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        names = [name for (name,) in found if name.startswith("Answer_")]
        assert len(names) == tables
        return [_only(connection, f'{_SUM} FROM "{name}"') for name in names]


def _only(connection: duckdb.DuckDBPyConnection, asked: str) -> Sum:
    count, total = connection.execute(asked).fetchone() or (0, 0)
    return int(count), int(total)


def _texts(row: Mapping[str, Any]) -> dict[str, str | None]:
    return {name: _text(kind, row.get(name)) for name, kind in COLUMNS.items()}


def _text(kind: str, cell: Any) -> str | None:  # noqa: ANN401 - JSON
    """Return a cell as DuckDB writes it."""
    if kind == "Object":
        return json.dumps(_plain(cell), separators=(",", ":"), ensure_ascii=False)
    if cell is None or cell == {}:
        return None
    if kind == "SByte":
        return "true" if cell else "false"
    if kind == "DateTime":
        text = cell.replace("T", " ").removesuffix("Z").rstrip("0")
        return str(text.removesuffix("."))
    return str(cell)


def _plain(cell: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a bag without what OData adds."""
    told = {name: value for name, value in cell.items() if "@odata" not in name}
    assert BAG.keys().isdisjoint(told)
    return told
