"""Tables that follow the schemas: new columns, other types, several streams."""

import logging
from pathlib import Path

import pytest

from bulk_loader.errors import LoadError
from tests.bulk.loads import Database, Json, record, schema, state


def test_stream_without_rows_is_a_table(database: Database) -> None:
    """Its columns and types are known from the schema alone."""
    database.load(schema("empty", {"id": "whole", "At": "time", "Data": "nested"}, "id"))

    assert database.types("empty") == {"id": "BIGINT", "At": "TIMESTAMP_NS", "Data": "JSON"}


def test_new_column_is_added(database: Database) -> None:
    """In the middle of a load, with rows before and after it; one that is gone stays null."""
    first = schema("s", {"id": "whole", "Old": "text"}, "id")
    second = schema("s", {"id": "whole", "New": "whole"}, "id")

    database.load(
        first,
        record("s", {"id": 1, "Old": "a"}),
        second,
        record("s", {"id": 2, "New": 2}),
        state(1),
        first,
        record("s", {"id": 3, "Old": "c"}),
    )

    assert database.ask("FROM s ORDER BY id") == [(1, "a", None), (2, None, 2), (3, "c", None)]


@pytest.mark.parametrize(
    ("before", "after", "kind", "held"),
    [
        pytest.param(
            ("whole", 2**53), ("number", 0.5), "DOUBLE", ["9007199254740992.0", "0.5"], id="fits"
        ),
        pytest.param(
            ("whole", 2**53 + 1), ("number", 0.5), "VARCHAR", ["9007199254740993", "0.5"],
            id="integer-without-room-in-a-double",
        ),
        pytest.param(("whole", 7), ("text", "007"), "VARCHAR", ["7", "007"], id="to-text"),
        pytest.param(("number", 0.5), ("whole", 7), "DOUBLE", ["0.5", "7.0"], id="narrower"),
        pytest.param(("text", "a"), ("whole", 7), "VARCHAR", ["a", "7"], id="text-stays"),
        pytest.param(
            ("flag", True), ("whole", 7), "VARCHAR", ["true", "7"], id="nothing-in-common"
        ),
        pytest.param(
            ("whole", 7), ("nested", {"a": 1}), "JSON", ["7", '{"a":1}'], id="to-json"
        ),
        pytest.param(
            ("text", "a"), ("nested", {"a": 1}), "VARCHAR", ["a", '{"a":1}'], id="json-in-text"
        ),
        pytest.param(
            ("nested", {"a": 1}), ("text", "b"), "JSON", ['{"a":1}', '"b"'], id="text-in-json"
        ),
        pytest.param(
            ("time", "2026-03-01T12:00:00.1234567Z"), ("text", "never"), "VARCHAR",
            ["2026-03-01T12:00:00.1234567Z", "never"], id="time-to-text",
        ),
        pytest.param(
            ("time", "0001-01-01T00:00:00Z"), ("text", "never"), "VARCHAR",
            ["0001-01-01T00:00:00.0000000Z", "never"], id="first-of-times-to-text",
        ),
        pytest.param(
            ("time", "0001-01-01T00:00:00Z"), ("time", "1601-01-01T00:00:00Z"), "TIMESTAMP",
            ["0001-01-01 00:00:00", "1601-01-01 00:00:00"], id="first-of-times-and-a-far-one",
        ),
        pytest.param(
            ("day", "2026-03-01"), ("time", "2026-03-01T12:00:00Z"), "TIMESTAMP_NS",
            ["2026-03-01 00:00:00", "2026-03-01 12:00:00"], id="day-to-time",
        ),
        pytest.param(
            ("number", 0.1), ("exact", 0.25), "DECIMAL(38,18)",
            ["0.100000000000000000", "0.250000000000000000"], id="double-to-decimal",
        ),
        pytest.param(
            ("time", "2026-03-01T12:00:00.1234567Z"), ("time", "1601-01-01T00:00:00Z"), "VARCHAR",
            ["2026-03-01T12:00:00.1234567Z", "1601-01-01T00:00:00Z"], id="far-time-later",
        ),
        pytest.param(
            ("time", "2026-03-01T12:00:00.123456Z"), ("time", "1601-01-01T00:00:00Z"), "TIMESTAMP",
            ["2026-03-01 12:00:00.123456", "1601-01-01 00:00:00"], id="far-time-and-microseconds",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("loads", [1, 2], ids=["one-load", "two-loads"])
def test_column_is_widened_so_that_nothing_is_lost(
    before: tuple[str, Json],
    after: tuple[str, Json],
    kind: str,
    held: list[str],
    loads: int,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is there and what comes are both whole, and a change of type is told."""
    first, second = (
        [
            schema("s", {"id": "whole", "Value": about}, "id"),
            record("s", {"id": n, "Value": value}),
        ]
        for n, (about, value) in enumerate((before, after))
    )

    with caplog.at_level(logging.WARNING):
        if loads == 1:
            database.load(*first, *second)
        else:
            database.load(*first)
            database.load(*second)

    assert database.types("s")["Value"] == kind
    assert database.column("s", "Value") == held


def test_key_may_change_its_type(database: Database) -> None:
    """The same key is found again after it."""
    database.load(schema("s", {"id": "whole", "v": "text"}, "id"), record("s", {"id": 7, "v": "a"}))
    database.load(
        schema("s", {"id": "text", "v": "text"}, "id"),
        record("s", {"id": "7", "v": "b"}),
        record("s", {"id": "x", "v": "c"}),
    )

    assert database.ask("FROM s ORDER BY id") == [("7", "b"), ("x", "c")]


def test_streams_are_mixed_as_they_come(database: Database) -> None:
    """Rows of more streams than files are open at once, in one load, line after line."""
    streams = [f"s{n}" for n in range(205)]
    lines = [schema(name, {"id": "whole"}, "id") for name in streams]
    lines += [record(name, {"id": n}) for n in range(2) for name in streams]

    assert database.load(*lines) == 410
    assert {database.rows(name) for name in streams} == {2}


def test_streams_that_differ_by_case_are_refused(database: Database) -> None:
    """They would share a table."""
    with pytest.raises(LoadError, match="'Users' and 'users' would share a table"):
        database.load(schema("Users", {"id": "whole"}), schema("users", {"id": "whole"}))


def test_table_is_found_whatever_its_case(database: Database) -> None:
    """A stream that comes in another case another day has the same table and columns."""
    database.load(schema("Users", {"Id": "whole"}, "Id"), record("Users", {"Id": 1}))
    database.load(schema("users", {"id": "whole"}, "id"), record("users", {"id": 1}))

    assert database.ask("FROM users") == [(1,)]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param(
            {"type": "SCHEMA", "stream": "s", "schema": {"type": "object"}, "key_properties": []},
            "names no properties", id="no-properties",
        ),
        pytest.param(schema("s", {"id": "whole"}, "key"), "no property of its schema", id="key"),
        pytest.param(
            {**schema("s", {"id": "whole"}), "key_properties": 5}, "no list of names", id="no-keys"
        ),
        pytest.param(
            {**schema("s", {"id": "whole"}), "key_properties": [["id"]]}, "no list of names",
            id="keys-in-keys",
        ),
        pytest.param(record("s", {"id": 1}), "has no SCHEMA yet", id="record-first"),
        pytest.param(
            {"type": "ACTIVATE_VERSION", "stream": "s", "version": 1}, "has no SCHEMA", id="version"
        ),
        pytest.param({"type": "BATCH", "stream": "s"}, "Take BATCH out", id="batch"),
        pytest.param({"type": "NEWS"}, "does not take: 'NEWS'", id="unknown-type"),
    ],
)  # fmt: skip
def test_message_that_cannot_be_followed_fails(
    message: Json, said: str, database: Database
) -> None:
    """It is no good guessing."""
    with pytest.raises(LoadError, match=said):
        database.load(message)


def test_types_that_are_none_are_any(database: Database) -> None:
    """A tap's slip in a type loses no row."""
    odd = {"a": {"type": 5}, "b": {"anyOf": 5}, "c": {"type": [["x"]]}, "d": 5}
    message = {"type": "SCHEMA", "stream": "s", "schema": {"properties": odd}}

    database.load({**message, "bookmark_properties": 5}, record("s", dict.fromkeys(odd, 1)))

    assert database.ask("FROM s") == [("1", "1", "1", "1")]


def test_metadata_columns(tmp_path: Path) -> None:
    """Under the names of Singer's SDK, with all digits of the time of extraction."""
    database = Database(tmp_path, {"add_metadata_columns": True, "schema": "raw"})
    row = record("s", {"id": 1}, time_extracted="2026-03-01T12:00:00.123456Z", version=3)

    database.load(schema("s", {"id": "whole"}, "id"), row)

    [held] = database.ask(
        "SELECT _sdc_extracted_at::VARCHAR, _sdc_table_version, _sdc_deleted_at,"
        " _sdc_received_at <= _sdc_batched_at, _sdc_sequence > 0 FROM raw.s"
    )
    assert held == ("2026-03-01 12:00:00.123456", 3, None, True, True)
