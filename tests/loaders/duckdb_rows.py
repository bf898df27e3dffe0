"""Prints a DuckDB file as JSON: a line a table, with its columns' types and its rows.

Run by the loader's own Python, as its DuckDB is older than the emulator's.
"""

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb


def tables(path: str, schema: str) -> Iterator[dict[str, Any]]:
    """Yield each table of a schema."""
    with duckdb.connect(path, read_only=True) as connection:
        [[catalog]] = connection.execute("SELECT current_database()").fetchall()
        asked = "SELECT table_name FROM duckdb_tables() WHERE schema_name = ?"
        for (name,) in connection.execute(asked, [schema]).fetchall():
            table = f'"{catalog}"."{schema}"."{name}"'
            found = connection.execute(f"FROM {table}")
            described = found.description or []
            columns = [column[0] for column in described]
            rows = [dict(zip(columns, map(_plain, row), strict=True)) for row in found.fetchall()]
            kinds = connection.execute(f"DESCRIBE {table}").fetchall()
            yield {
                "name": name,
                "types": {column: kind for column, kind, *_ in kinds},
                "rows": rows,
            }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def main(path: str, schema: str) -> None:
    """Print the tables."""
    for table in tables(path, schema):
        sys.stdout.write(json.dumps(table, default=str) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
