"""Names, tables and views that were there before, or are like the loader's own."""

from pathlib import Path

import duckdb
import pytest

from bulk_loader.errors import LoadError
from tests.bulk.loads import Database, Json, hashed, record, schema

ABOUT = schema("s", {"id": "whole", "v": "text"}, "id")
ROW = record("s", {"id": 1, "v": "secret"})


@pytest.mark.parametrize("key", ["text", hashed()], ids=["key", "hash"])
def test_columns_may_have_the_names_of_cells(key: Json, database: Database) -> None:
    """The loader's own names for what it has read mean no column of a stream."""
    names = {"id": key, "c0": "text", "c1": "text", "version": "text", "time_extracted": "text"}
    about = schema("s", names, "id")
    rows = [record("s", dict.fromkeys(names, text), version=1) for text in "aab"]

    for _ in range(2):
        database.load(about, *rows)

    assert database.ask("SELECT * EXCLUDE _sdc_table_version FROM s ORDER BY id") == [
        ("a",) * 5, ("b",) * 5,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["rows", "main", "temp"])
def test_schema_may_have_the_name_of_the_file(name: str, tmp_path: Path) -> None:
    """Or of any catalog: names are whole."""
    database = Database(tmp_path, {"schema": name})

    for _ in range(2):
        database.load(ABOUT, record("s", {"id": 1}, version=1))

    assert database.ask(f"SELECT id FROM rows.{name}.s") == [(1,)]  # noqa: S608 - ours


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(
            "CREATE TABLE t (id BIGINT, v VARCHAR); CREATE VIEW s AS FROM t",
            "Stream 's' cannot go into its table: it is a view", id="view",
        ),
        pytest.param(
            "CREATE TABLE t (id BIGINT); CREATE VIEW s AS FROM t",
            "Stream 's' cannot go into its table: it is a view", id="view-without-a-column",
        ),
        pytest.param(
            "CREATE TABLE s (id BIGINT, v VARCHAR, x INT NOT NULL)", "failed: s.x", id="not-null"
        ),
        pytest.param(
            "CREATE TABLE s (id BIGINT, v VARCHAR CHECK (length(v) > 99))", "CHECK", id="check"
        ),
        pytest.param(
            "CREATE TABLE s (id BIGINT, v BIGINT); CREATE INDEX i ON s (v)",
            "Column 'v' of stream 's', which becomes VARCHAR, cannot .* an index", id="index",
        ),
        pytest.param(
            "CREATE TABLE s (id BIGINT, v VARCHAR UNIQUE); INSERT INTO s VALUES (7, 'secret')",
            "Stream 's' .* ConstraintException", id="unique",
        ),
    ],
)  # fmt: skip
def test_table_that_does_not_take_the_rows_is_told(
    made: str, said: str, database: Database
) -> None:
    """By stream, reason and way out, without a value."""
    with duckdb.connect(str(database.file)) as connection:
        connection.execute(made)

    with pytest.raises(LoadError, match=said) as failed:
        database.load(ABOUT, ROW)

    assert "another `schema`" in str(failed.value)
    assert "secret" not in str(failed.value)
