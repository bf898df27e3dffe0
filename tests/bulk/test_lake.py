"""Parquet files by stream and day."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from bulk_loader.errors import LoadError
from bulk_loader.loading import load
from bulk_loader.settings import Settings
from tests.bulk.loads import Json, hashed, line, record, schema, state
from tests.bulk.test_states import Once

EVENTS = {
    **schema("events", {"id": hashed(), "At": "time", "v": "text"}, "id"),
    "bookmark_properties": ["At"],
}
PEOPLE = schema("people", {"id": "whole", "v": "text"}, "id")


class Folder:
    """A lake in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: list[Json] = []

    def load(self, *messages: Json | bytes) -> None:
        """Load messages."""
        settings = Settings.of({"parquet_dir": str(self.path)})
        text = b"".join(map(line, messages))
        load(settings, Once(text), lambda told: self.states.append(json.loads(told)))

    def files(self) -> list[str]:
        """Return the files, by their place in the folder."""
        return sorted(str(file.relative_to(self.path)) for file in self.path.rglob("*.parquet"))

    def ask(self, stream: str, columns: str = "*") -> list[tuple[Json, ...]]:
        """Read a stream as a reader of partitions does."""
        files = (
            f"'{self.path}/{stream}/*/*.parquet', union_by_name = true, hive_partitioning = true"
        )
        asked = f"SELECT {columns} FROM read_parquet({files}) ORDER BY ALL"  # noqa: S608 - ours
        with duckdb.connect() as connection:
            return connection.execute(asked).fetchall()


@pytest.fixture
def lake(tmp_path: Path) -> Folder:
    """A lake that is not there yet."""
    return Folder(tmp_path / "lake")


def event(name: str, when: str | None, text: str = "") -> Json:
    """Return a RECORD whose id is its content."""
    return record("events", {"id": name, "At": when, "v": text})


def test_rows_lie_by_stream_and_day(lake: Folder) -> None:
    """The day is that of the replication key, in UTC; all seven digits are there."""
    lake.load(
        EVENTS,
        event("a", "2026-03-01T23:59:59.9999999Z"),
        event("b", "2026-03-02 01:00:00+02"),
        event("c", "2026-03-02T00:00:00Z"),
        event("d", None),
        state(1),
    )

    assert lake.files() == [
        "events/day=2026-03-01/1.parquet",
        "events/day=2026-03-02/1.parquet",
        "events/day=__HIVE_DEFAULT_PARTITION__/1.parquet",
    ]
    assert [(name, str(day)) for name, day in lake.ask("events", "id, day")] == [
        ("a", "2026-03-01"), ("b", "2026-03-01"), ("c", "2026-03-02"), ("d", "None"),
    ]  # fmt: skip
    assert lake.ask("events", 'max("At")::VARCHAR') == [("2026-03-02 00:00:00",)]
    assert lake.states == [1]


def test_row_of_the_lookback_is_there_once(lake: Folder) -> None:
    """Only what is new makes a new file."""
    lake.load(EVENTS, event("a", "2026-03-01T01:00:00Z"), event("b", "2026-03-01T02:00:00Z"))
    lake.load(EVENTS, event("b", "2026-03-01T02:00:00Z"), event("c", "2026-03-01T03:00:00Z"))
    lake.load(EVENTS, event("c", "2026-03-01T03:00:00Z"))

    assert [name for name, *_ in lake.ask("events", "id")] == ["a", "b", "c"]
    assert lake.files() == ["events/day=2026-03-01/1.parquet", "events/day=2026-03-01/2.parquet"]


def test_row_replaces_the_one_with_its_key(lake: Folder) -> None:
    """Whichever day it had before."""
    about = schema("moves", {"id": "whole", "At": "time", "v": "text"}, "id")
    about["bookmark_properties"] = ["At"]

    def move(number: int, when: str, text: str) -> Json:
        return record("moves", {"id": number, "At": when, "v": text})

    lake.load(about, move(1, "2026-03-01T00:00:00Z", "a"), move(2, "2026-03-01T00:00:00Z", "b"))
    lake.load(about, move(1, "2026-03-05T00:00:00Z", "c"), move(3, "2026-03-01T00:00:00Z", "d"))

    assert lake.ask("moves", "id, v") == [(1, "c"), (2, "b"), (3, "d")]


def test_new_columns_and_other_types_are_read_together(lake: Folder) -> None:
    """Files of before and after a change make one table; 128 bits are no double."""
    lake.load(PEOPLE, record("people", {"id": 1, "v": "a"}))
    grown = schema("people", {"id": "whole", "New": "whole"}, "id")
    lake.load(grown, record("people", {"id": 2, "New": 2**100}), record("people", {"id": 3}))

    assert lake.ask("people", "id, v, New") == [
        (1, "a", None), (2, None, str(2**100)), (3, None, None),
    ]  # fmt: skip


def test_rows_of_older_versions_go(lake: Folder) -> None:
    """A table that is read whole is in the lake what it is at its source."""
    about = schema("s", {"id": hashed()}, "id")

    def versioned(version: int, names: str) -> list[Json]:
        rows = [record("s", {"id": name}, version=version) for name in names]
        return [about, *rows, {"type": "ACTIVATE_VERSION", "stream": "s", "version": version}]

    lake.load(*versioned(1, "ab"))
    lake.load(*versioned(2, "bc"))
    assert lake.ask("s", "id") == [("b",), ("c",)]

    lake.load(*versioned(3, ""))
    assert lake.files() == []


def test_streams_may_have_any_name(lake: Folder) -> None:
    """A slash in it leads to no other folder."""
    about = schema("../a/b", {"id": "whole"}, "id")

    lake.load(about, record("../a/b", {"id": 1}))

    assert lake.files() == ["%2E.%2Fa%2Fb/day=__HIVE_DEFAULT_PARTITION__/1.parquet"]


def test_broken_load_leaves_what_the_last_state_says(lake: Folder) -> None:
    """And no unfinished file."""
    with pytest.raises(LoadError):
        lake.load(
            PEOPLE, record("people", {"id": 1}), state(1), record("people", {"id": 2}), b"{cut"
        )

    assert lake.states == [1]
    assert lake.ask("people", "id") == [(1,)]
    assert [path for path in lake.path.rglob("*") if path.name.endswith(".part")] == []


def test_second_writer_is_refused(lake: Folder) -> None:
    """The folder is one load's at a time."""
    lake.load(PEOPLE)
    [work] = lake.path.rglob("work.duckdb")

    with duckdb.connect(str(work)):
        done = subprocess.run(
            [sys.executable, "-m", "bulk_loader"],
            input=line(PEOPLE),
            capture_output=True,
            check=False,
            env=os.environ | {"TARGET_BULK_DUCKDB_PARQUET_DIR": str(lake.path)},
        )

    assert done.returncode == 1
    assert b"is open in another process" in done.stderr
