"""ACTIVATE_VERSION: rows of older versions go, and none that may be of a tap without versions."""

import logging

import pytest

from bulk_loader.errors import LoadError
from tests.bulk.loads import Database, Json, hashed, record, schema

PEOPLE = schema("people", {"id": "whole", "Name": "text"}, "id")


def person(number: int, name: str, **more: Json) -> Json:
    """Return a RECORD."""
    return record("people", {"id": number, "Name": name}, **more)


def activated(version: int) -> Json:
    """Return an ACTIVATE_VERSION."""
    return {"type": "ACTIVATE_VERSION", "stream": "people", "version": version}


def test_rows_of_older_versions_go(database: Database) -> None:
    """`ACTIVATE_VERSION` takes away what a table that is read whole has no more."""
    database.load(PEOPLE, person(1, "a", version=1), person(2, "b", version=1))
    database.load(
        PEOPLE,
        person(2, "b", version=2),
        person(3, "c", version=2),
        activated(2),
    )

    assert database.ask("SELECT id, Name FROM people ORDER BY id") == [(2, "b"), (3, "c")]


def test_row_of_same_content_has_the_new_version(database: Database) -> None:
    """What was not written again was still read again."""
    about = schema("s", {"id": hashed()}, "id")
    end = {"type": "ACTIVATE_VERSION", "stream": "s", "version": 2}

    database.load(about, *(record("s", {"id": n}, version=1) for n in "ab"))
    database.load(about, *(record("s", {"id": n}, version=2) for n in "bc"), end)

    assert database.ask("SELECT id FROM s ORDER BY id") == [("b",), ("c",)]


def test_version_without_rows_empties_the_table(database: Database) -> None:
    """A table with nothing left at its source has nothing left here."""
    database.load(PEOPLE, person(1, "a", version=1))
    database.load(PEOPLE, activated(2))

    assert database.rows("people") == 0


@pytest.mark.parametrize("loads", [1, 2], ids=["one-load", "two-loads"])
def test_rows_without_version_are_not_taken_for_old(
    loads: int, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A tap that numbers no rows but activates a version does not lose what it wrote."""
    with caplog.at_level(logging.WARNING):
        if loads == 1:
            database.load(PEOPLE, person(1, "a"), activated(2))
        else:
            database.load(PEOPLE, person(1, "a"), activated(2))
            caplog.clear()
            database.load(PEOPLE, activated(3))

    assert database.rows("people") == 1
    assert "have no version" in caplog.text


def test_rows_of_both_kinds_in_one_load_stay(database: Database) -> None:
    """Those without a version may be as new as the others."""
    database.load(PEOPLE, person(1, "a", version=1), person(2, "b"), activated(2))

    assert database.rows("people") == 2


def test_rows_without_version_go_when_rows_with_versions_come(database: Database) -> None:
    """They are of the time before the tap had versions."""
    database.load(PEOPLE, person(1, "a"), person(2, "b"))
    database.load(PEOPLE, person(2, "b", version=5), activated(5))

    assert database.ask("SELECT id FROM people") == [(2,)]


@pytest.mark.parametrize("kind", ["text", "whole"])
def test_column_of_the_loaders_own_name_is_refused_where_there_are_versions(
    kind: str, database: Database
) -> None:
    """Neither value takes the place of the other; without versions the column is like any other."""
    about = schema("s", {"id": "whole", "_sdc_table_version": kind}, "id")
    own = record("s", {"id": 1, "_sdc_table_version": 7})
    database.load(about, own)

    with pytest.raises(LoadError, match="'_sdc_table_version' of its own"):
        database.load(about, own | {"version": 3})

    assert database.column("s", "_sdc_table_version") == ["7"]
