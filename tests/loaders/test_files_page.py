"""The SQL of docs/files.md over what the tap writes."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from hunting_emulator.tables import Table
from tests.loaders.cases import CASES
from tests.loaders.comparison import compared_with_truth, loaded
from tests.loaders.conftest import MakeLoader
from tests.loaders.files import Files
from tests.loaders.runs import Runs
from tests.loaders.truth import Stream


@pytest.mark.parametrize("name", ["new-column", "names", "texts", "dynamic-json-scalars"])
def test_tables_hold_what_the_service_had(name: str, make_loader: MakeLoader, runs: Runs) -> None:
    """Each row is there once after two runs, typed, late columns included."""
    case = next(case for case in CASES if case.name == name)
    files = make_loader(Files, case)

    loaded(files, case, runs)

    compared_with_truth(files, case)


def written(folder: Path, kind: Mapping[str, str], *values: object) -> Files:
    """Return files with the lines of a stream of one column."""
    column = {**kind, "type": [kind["type"], "null"]}
    schema = {"properties": {"id": {"type": ["integer"]}, "Value": column}}
    lines: list[object] = [
        {"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id"]},
        *(
            {"type": "RECORD", "stream": "s", "record": {"id": n, "Value": value}}
            for n, value in enumerate(values)
        ),
    ]
    (folder / "runs").mkdir()
    text = "\n".join(map(json.dumps, lines))
    (folder / "runs" / "1.singer.gz").write_bytes(gzip.compress(text.encode()))
    return Files(folder)


def test_times_at_the_ends_of_the_calendar_stay(tmp_path: Path) -> None:
    """The service writes year 1 for a time that never was; it must not become null."""
    ends = ("0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z")
    files = written(tmp_path, {"type": "string", "format": "date-time"}, *ends, None)

    files.read_new()

    table = Table.of("s", {"id": "long", "Value": "datetime"})
    held = files.held(Stream("s", table))
    assert held is not None
    found = {row["id"]: row["Value"] for row in held.rows}
    assert found == {0: ends[0], 1: f"{ends[1][:-2]}0Z", 2: None}


@pytest.mark.parametrize(
    "name",
    [
        'x" INT); CREATE TABLE taken (y INT); --',
        '"',
        'a""b',
        "it's",
        "{0} {}",
        "a/b~c",
        "$.x[0]",
        "line\nend",
    ],
)
def test_name_of_a_column_is_no_sql(tmp_path: Path, name: str) -> None:
    """With `column_names: as_is` the service's names are the names, and no more than that."""
    schema = {"properties": {"id": {"type": ["integer"]}, name: {"type": ["string", "null"]}}}
    lines = [
        {"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id", name]},
        {"type": "RECORD", "stream": "s", "record": {"id": 1, name: "value"}},
    ]
    (tmp_path / "runs").mkdir()
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "runs" / "1.singer.gz").write_bytes(gzip.compress(text.encode()))

    Files(tmp_path).read_new()

    with duckdb.connect(str(tmp_path / "hunting.duckdb")) as connection:
        assert connection.execute("FROM s").fetchall() == [(1, "value")]
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        columns = connection.execute("SELECT column_name FROM duckdb_columns()").fetchall()
    assert {table for (table,) in tables} == {"s", "loaded"}
    assert (name,) in columns


def test_value_that_does_not_fit_fails(tmp_path: Path) -> None:
    """A value that its column cannot hold ends the load, and no row of it is there."""
    files = written(tmp_path, {"type": "integer"}, 1, 2**64)

    with pytest.raises(duckdb.ConversionException):
        files.read_new()

    with duckdb.connect(str(tmp_path / "hunting.duckdb")) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == []


def test_without_new_files_nothing_changes(make_loader: MakeLoader, runs: Runs) -> None:
    """A file is read once; where none is new, the SQL fails and the tables stay."""
    case = next(case for case in CASES if case.name == "new-column")
    files = make_loader(Files, case)
    loaded(files, case, runs)

    with pytest.raises(duckdb.Error, match="NULL list"):
        files.read_new()

    assert compared_with_truth(files, case) == set()
