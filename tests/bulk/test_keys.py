"""Rows by their key, and without one."""

import json

import pytest

from bulk_loader.errors import LoadError
from tests.bulk.loads import Database, Json, hashed, record, schema, state

PEOPLE = schema("people", {"id": "whole", "Name": "text"}, "id")


def person(number: int, name: str | None, **more: Json) -> Json:
    """Return a RECORD."""
    return record("people", {"id": number, "Name": name}, **more)


def test_row_replaces_the_one_with_its_key(database: Database) -> None:
    """In the same load and in a later one; what the new row has not is null."""
    database.load(PEOPLE, person(1, "a"), person(2, "b"), person(1, "c"), state(1))
    database.load(PEOPLE, person(3, "d"), record("people", {"id": 2}))

    assert database.ask("FROM people ORDER BY id") == [(1, "c"), (2, None), (3, "d")]


def test_last_of_many_rows_with_a_key_stays(database: Database) -> None:
    """However many there are, and in whichever order threads read them."""
    head = '{"type":"RECORD","stream":"people","record":'
    rows = b"".join(f'{head}{{"id":{n % 5000},"Name":"{n}"}}}}\n'.encode() for n in range(200_000))

    database.load_bytes(json.dumps(PEOPLE).encode() + b"\n" + rows)

    assert database.ask("SELECT count(*), min(Name::INT), max(Name::INT) FROM people") == [
        (5000, 195_000, 199_999)
    ]
    assert database.ask("SELECT count(*) FROM people WHERE Name::INT % 5000 <> id") == [(0,)]


def test_key_of_several_columns_is_one(database: Database) -> None:
    """Rows are the same only where all of its columns are."""
    about = schema("s", {"a": "text", "b": "whole", "v": "text"}, "a", "b")
    rows = [("x", 1, "first"), ("x", 2, "second"), ("y", 1, "third"), ("x", 1, "last")]

    database.load(about, *(record("s", {"a": a, "b": b, "v": v}) for a, b, v in rows))

    assert database.ask("SELECT v FROM s ORDER BY a, b") == [("last",), ("second",), ("third",)]


def test_rows_without_key_are_added(database: Database) -> None:
    """Each is a row of its own."""
    about = schema("log", {"Text": "text"})

    for _ in range(2):
        database.load(about, record("log", {"Text": "a"}), record("log", {"Text": "a"}))

    assert database.ask("SELECT count(*) FROM log") == [(4,)]


def test_content_hash_is_written_once(database: Database) -> None:
    """A key that follows from the content says that the row is there already."""
    about = schema("s", {"id": hashed(), "At": "time", "v": "text"}, "id")
    about["bookmark_properties"] = ["At"]
    first = record("s", {"id": "a", "At": "2026-03-01T00:00:00.1Z", "v": "first"})
    again = record("s", {"id": "a", "At": "2026-03-01T00:00:00.1Z", "v": "another"})
    other = record("s", {"id": "b", "At": "2026-03-02T00:00:00Z", "v": "other"})
    none = record("s", {"id": "c", "At": None, "v": "no time"})

    database.load(about, first, again, none)
    database.load(about, again, other, other)
    database.load(about, none, first)

    held = database.ask("SELECT id, v FROM s ORDER BY id")
    assert held[1:] == [("b", "other"), ("c", "no time")]
    assert len(held) == 3


def read_again(database: Database, *more: Json) -> None:
    """Load two streams twice, the second time with more rows behind the second stream's."""
    about = [schema(stream, {"id": hashed(), "v": "text"}, "id") for stream in ("s", "t")]
    rows = [record(stream, {"id": key, "v": "old"}) for stream in ("s", "t") for key in ("a", "b")]
    database.load(*about, *rows)
    database.load(*about, *rows, *more)


def test_new_row_behind_a_stream_without_one_is_there(database: Database) -> None:
    """Where a stream had nothing new, the next one is looked at by its keys alone at first."""
    read_again(database, record("t", {"id": "c", "v": "new"}), record("t", {"id": "a", "v": "x"}))

    assert database.ask("FROM t ORDER BY id") == [("a", "old"), ("b", "old"), ("c", "new")]
    assert database.rows("s") == 2


def test_version_behind_a_stream_without_a_new_row_is_renewed(database: Database) -> None:
    """So that rows which were read again outlive the end of their version."""
    read_again(database, *(record("t", {"id": key, "v": "old"}, version=7) for key in ("a", "b")))

    assert database.ask("SELECT id, _sdc_table_version FROM t ORDER BY id") == [("a", 7), ("b", 7)]


def test_key_without_value_behind_a_stream_without_a_new_row_fails(database: Database) -> None:
    """Its line is told, as it is elsewhere."""
    with pytest.raises(LoadError, match="Line 7 of stream 't' has no value in key"):
        read_again(database, record("t", {"id": None, "v": "x"}))


@pytest.mark.parametrize("cells", [{"id": None, "Name": "x"}, {"Name": "x"}], ids=["null", "none"])
def test_key_without_value_fails(cells: Json, database: Database) -> None:
    """A row that could not be found again is no row; the line is told."""
    with pytest.raises(LoadError, match="Line 3 of stream 'people' has no value in key"):
        database.load(PEOPLE, person(1, "a"), record("people", cells))
