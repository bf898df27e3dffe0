"""Parquet files of before and after a change: of types, of keys, of versions."""

import logging
from pathlib import Path

import duckdb
import pytest

from tests.bulk.loads import Json, hashed, record, schema
from tests.bulk.test_lake import Folder


@pytest.fixture
def lake(tmp_path: Path) -> Folder:
    """A lake that is not there yet."""
    return Folder(tmp_path / "lake")


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([("whole", 7), ("number", 7.0), ("exact", 7.0)], id="more-digits-each-time"),
        pytest.param([("exact", 7.5), ("number", 7.5), ("text", "7.5")], id="fewer-then-text"),
        pytest.param([("whole", 7), ("text", "7"), ("whole", 7)], id="text-between"),
        pytest.param([("number", 7.0), ("text", "7")], id="double-then-text"),
        pytest.param([("whole", 2**100), ("whole", 2**100)], id="beyond-64-bits"),
        pytest.param(
            [("time", "2026-03-01T12:00:00.5Z"), ("text", "2026-03-01T14:00:00.5000000+02:00")],
            id="time-then-text",
        ),
        pytest.param(
            [("text", "2026-03-01T12:00:00.1234567Z"), ("time", "2026-03-01T12:00:00.1234567Z")],
            id="text-then-time",
        ),
        pytest.param([("day", "2026-03-01"), ("time", "2026-03-01T00:00:00Z")], id="day-then-time"),
    ],
)
def test_row_whose_key_has_another_type_is_there_once(
    runs: list[tuple[str, Json]], lake: Folder
) -> None:
    """Keys are compared by value, not by how a type is printed; another key's row stays."""
    for n, (about, key) in enumerate(runs):
        lake.load(schema("s", {"id": about, "n": "whole"}, "id"), record("s", {"id": key, "n": n}))

    assert lake.ask("s", "n") == [(len(runs) - 1,)]


def test_rows_of_other_keys_stay(lake: Folder) -> None:
    """Nearby numbers are not the same."""
    lake.load(schema("s", {"id": "whole"}, "id"), record("s", {"id": 2**53 + 1}))
    lake.load(schema("s", {"id": "number"}, "id"), record("s", {"id": 2.0**53}))

    assert len(lake.ask("s", "id")) == 2


def test_key_that_older_files_lack(lake: Folder) -> None:
    """Their rows have no such key, and stay."""
    lake.load(schema("s", {"a": "whole"}, "a"), record("s", {"a": 1}))
    for n in (1, 2):
        lake.load(schema("s", {"b": "whole", "n": "whole"}, "b"), record("s", {"b": 1, "n": n}))

    assert lake.ask("s", "a, b, n") == [(1, None, None), (None, 1, 2)]


@pytest.mark.parametrize("key", ["whole", hashed()], ids=["key", "hash"])
def test_file_of_others_is_left_alone(key: Json, lake: Folder) -> None:
    """A load neither stumbles over a file that it has not written nor changes it."""
    about, row = schema("s", {"id": key}, "id"), record("s", {"id": 1 if key == "whole" else "1"})
    lake.load(about, row)
    [own] = lake.path.rglob("*.parquet")
    other = own.with_name("data.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 5 AS x) TO '{other}'")
    content = other.read_bytes()

    lake.load(about, row, {"type": "ACTIVATE_VERSION", "stream": "s", "version": 1})

    assert other.read_bytes() == content
    assert lake.ask("s", "count(id)") == [(1,)]


def test_change_of_a_type_is_told(lake: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """Files of both types are read together as doubles, where an integer may be rounded."""
    with caplog.at_level(logging.WARNING):
        lake.load(schema("s", {"id": "whole", "v": "whole"}, "id"), record("s", {"id": 1, "v": 1}))
        lake.load(schema("s", {"id": "whole", "v": "whole"}, "id"), record("s", {"id": 2, "v": 1}))
        assert caplog.text == ""
        lake.load(schema("s", {"id": "whole", "v": "number"}, "id"), record("s", {"id": 3, "v": 1}))

    assert "s: column v is DOUBLE in new files and BIGINT in older ones" in caplog.text


def test_rows_without_version_stay_until_rows_with_versions_come(
    lake: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    """A tap that numbers no rows but activates a version does not lose what it wrote."""
    about = schema("s", {"id": "whole"}, "id")
    end = {"type": "ACTIVATE_VERSION", "stream": "s", "version": 5}
    lake.load(about, record("s", {"id": 1}), end)

    with caplog.at_level(logging.WARNING):
        lake.load(about, end)
    assert lake.ask("s", "id") == [(1,)]
    assert "s: 1 rows have no version and stay" in caplog.text

    lake.load(about, record("s", {"id": 2}, version=5), end)
    assert lake.ask("s", "id") == [(2,)]
