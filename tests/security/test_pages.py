"""The SQL that a page has people run is no way in for what the service names."""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import duckdb

from tests.loaders.files import Files
from tests.security import earlier


class Page(Files):
    """The page of the revision that is tested."""

    page = earlier.ROOT / "docs" / "files.md"


def test_name_of_a_column_runs_no_sql(tmp_path: Path) -> None:
    """With `column_names: as_is` a name may be anything."""
    taken = tmp_path / "taken.csv"
    name = f"x\" INT); COPY (SELECT 1) TO '{taken}'; --"
    schema = {"properties": {"id": {"type": ["integer"]}, name: {"type": ["string", "null"]}}}
    lines = [
        {"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id"]},
        {"type": "RECORD", "stream": "s", "record": {"id": 1, name: "value"}},
    ]
    (tmp_path / "runs").mkdir()
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "runs" / "1.singer.gz").write_bytes(gzip.compress(text.encode()))

    with suppress(duckdb.Error):
        Page(tmp_path).read_new()

    assert not taken.exists()
    with duckdb.connect(str(tmp_path / "hunting.duckdb")) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert {table for (table,) in tables} == {"s", "loaded"}
