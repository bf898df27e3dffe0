"""Numbers as they are written, where a double or DuckDB's own printing would have others."""

from collections.abc import Sequence

import pytest

from tests.bulk.loads import Database, Json, schema

LONG = "12345678901234567890.123456789"


def written(about: str, values: Sequence[str], **more: str) -> list[Json]:
    """Return messages of a stream `s` whose column `Value` has values as they are written."""
    rows = [
        f'{{"type":"RECORD","stream":"s","record":{{"id":{n},"Value":{value}}}}}\n'.encode()
        for n, value in enumerate(values)
    ]
    return [schema("s", {"id": "whole", "Value": about, **more}, "id"), *rows]


@pytest.mark.parametrize("more", [{}, {"Bag": "nested"}], ids=["alone", "beside-json"])
@pytest.mark.parametrize(
    "value",
    [LONG, "1.50", "1e5", "1E400", "-0.0", "[1.50]", '{"a":0.1234567890123456789012}', "7", "true"],
)
def test_value_that_is_no_text_is_as_written_in_a_column_of_texts(
    value: str, more: dict[str, str], database: Database
) -> None:
    """Digits are the number's own, not those of the nearest double."""
    database.load(*written("text", ["null", '"1.50"', value], **more))

    assert database.column("s", "Value") == [None, "1.50", value]


def test_texts_that_look_like_numbers_stay(database: Database) -> None:
    """Whatever has to be looked at again, the texts are what they were."""
    values = ['"1.50"', '"{\\"a\\":0.12345678901234567890}"', '"12:00.5"', '"a\\": 1.50"', "2.50"]

    database.load(*written("text", values))

    held = ["1.50", '{"a":0.12345678901234567890}', "12:00.5", 'a": 1.50', "2.50"]
    assert database.column("s", "Value") == held


def test_white_space_before_a_number_changes_nothing(database: Database) -> None:
    """JSON allows any on both sides of a colon."""
    for n, colon in enumerate((":", " : ", ":  ", "\t:\t")):
        about, row = written("number", [LONG])
        spaced = row.replace(b'"Value":', f'"Value"{colon}'.encode())
        database.load({**about, "stream": f"s{n}"}, spaced.replace(b'"s"', f'"s{n}"'.encode()))

        assert database.column(f"s{n}", "Value") == [f"{LONG}000000000"], colon


@pytest.mark.parametrize("number", ["1e-400", "1e400", "1.23456789e-320"])
def test_number_nearer_to_zero_or_farther_than_a_double_is_text(
    number: str, database: Database
) -> None:
    """Nothing becomes zero or infinite without a word."""
    database.load(*written("number", ["0.5", number]))

    assert database.column("s", "Value") == ["0.5", number]


def test_least_numbers_that_are_doubles_stay_doubles(database: Database) -> None:
    """Java's name of the least one, too."""
    database.load(*written("number", ["4.9E-324", "1e-310", "0e-400"]))

    assert database.column("s", "Value") == ["5e-324", "1e-310", "0.0"]


@pytest.mark.parametrize("more", [{}, {"Bag": "nested"}], ids=["alone", "beside-json"])
def test_integer_with_a_point_keeps_its_digits(more: dict[str, str], database: Database) -> None:
    """Some taps write all numbers with a point."""
    values = ["9007199254740993.0", "-12345678901234567.000", "1e3", "7.0"]

    database.load(*written("whole", values, **more))

    wanted = ["9007199254740993", "-12345678901234567", "1000", "7"]
    assert database.column("s", "Value") == wanted
    assert database.types("s")["Value"] == "BIGINT"
