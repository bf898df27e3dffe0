"""What values become, in columns of each type."""

import json

import pytest

from bulk_loader.errors import LoadError
from tests.bulk.loads import Database, Json, one_column, record, schema

LONG = 2**63 - 1


@pytest.mark.parametrize(
    ("about", "kind", "values", "held"),
    [
        pytest.param("whole", "BIGINT", [LONG, -LONG - 1, 2**53 + 1, 0, None], None, id="64-bits"),
        pytest.param("whole", "BIGINT", [7.0, -0.0], ["7", "0"], id="whole-with-a-point"),
        pytest.param(
            "whole", "HUGEINT", [LONG, 2**64], [str(LONG), str(2**64)], id="more-than-64-bits"
        ),
        pytest.param("whole", "VARCHAR", [1, 10**60], ["1", str(10**60)], id="any-size"),
        pytest.param(
            "number", "DOUBLE", [0.1, 1.7976931348623157e308, 5e-324, -2.5, None],
            ["0.1", "1.7976931348623157e+308", "5e-324", "-2.5", None], id="doubles",
        ),
        pytest.param(
            "number", "DECIMAL(38,18)", [0.5, 2**53 + 1],
            ["0.500000000000000000", f"{2**53 + 1}.000000000000000000"], id="whole-in-a-double"
        ),
        pytest.param("flag", "BOOLEAN", [True, False, None], ["true", "false", None], id="flags"),
        pytest.param(
            "time", "TIMESTAMP_NS",
            ["2026-03-01T12:00:00.1234567Z", "1969-12-31T23:59:59.9999999Z", None],
            ["2026-03-01 12:00:00.1234567", "1969-12-31 23:59:59.9999999", None], id="7-digits",
        ),
        pytest.param(
            "time", "TIMESTAMP_NS",
            [
                *("2026-03-01T12:00:00.1234567+02:00", "2026-03-01T12:00:00-0530"),
                "2026-03-01T12:00:00",
            ],
            ["2026-03-01 10:00:00.1234567", "2026-03-01 17:30:00", "2026-03-01 12:00:00"],
            id="offsets",
        ),
        pytest.param(
            "time", "TIMESTAMP_NS",
            [
                *("2024-01-01 00:00:00-05", "2024-01-01T00:00:00+02", "2024-01-01 00:00:00 +0200"),
                *("2024-01-01T00:00:00.1234567+02:00:30", "2024-01-01 00:00:00 UTC"),
            ],
            [
                *("2024-01-01 05:00:00", "2023-12-31 22:00:00", "2023-12-31 22:00:00"),
                *("2023-12-31 21:59:30.1234567", "2024-01-01 00:00:00"),
            ],
            id="offsets-of-hours-or-with-seconds",
        ),
        pytest.param(
            "time", "VARCHAR", ["2024-01-01T00:00:00 Europe/Berlin"], None, id="zone-by-its-name"
        ),
        pytest.param("time", "VARCHAR", ["2024-01-01T00:00:00 NZ"], None, id="zone-that-ends-in-z"),
        pytest.param("time", "VARCHAR", ["2024-01-01T00:00:00+01:99"], None, id="no-offset"),
        pytest.param(
            "time", "VARCHAR", ["2024-01-01T00:00:00.1234567891"], None, id="more-than-nine-digits"
        ),
        pytest.param(
            "time", "TIMESTAMP", ["2262-04-11T23:47:16-05:00"], ["2262-04-12 04:47:16"],
            id="beyond-nanoseconds-by-its-offset",
        ),
        pytest.param(
            "time", "TIMESTAMP_NS", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"],
            ["-infinity", "infinity"], id="ends-of-the-calendar",
        ),
        pytest.param(
            "time", "TIMESTAMP", ["1601-01-01T00:00:00Z", "9999-12-31T23:59:59.5Z"],
            ["1601-01-01 00:00:00", "9999-12-31 23:59:59.5"], id="beyond-nanoseconds",
        ),
        pytest.param(
            "time", "VARCHAR", ["2026-03-01T12:00:00.1234567Z", "1601-01-01T00:00:00Z"],
            ["2026-03-01T12:00:00.1234567Z", "1601-01-01T00:00:00Z"], id="both-at-once",
        ),
        pytest.param("day", "DATE", ["2026-03-01", None], ["2026-03-01", None], id="days"),
        pytest.param(
            "guid", "UUID", ["0000000a-0000-4000-8000-00000000000b"], None, id="guids"
        ),
        pytest.param(
            "text", "VARCHAR",
            ["", "a\0b", "NULL", "null", "true", "1.50", "'a' \"b\"\n\\", "日本 🦊\u202e", None],
            None, id="texts",
        ),
        pytest.param(
            "nested", "JSON", [{"a": [1, {"b": None}]}, [], "bare", 17, True, None],
            ['{"a":[1,{"b":null}]}', "[]", '"bare"', "17", "true", None], id="nested",
        ),
        pytest.param({}, "JSON", [1, "1", None], ["1", '"1"', None], id="any-type"),
        pytest.param({"type": "null"}, "VARCHAR", [None], [None], id="no-type"),
    ],
)  # fmt: skip
def test_value_is_held_as_it_came(
    about: Json, kind: str, values: list[Json], held: list[Json] | None, database: Database
) -> None:
    """Each type keeps every value of its kind, or the column becomes one that does."""
    database.load(*one_column(about, values))

    wanted = [None if value is None else str(value) for value in values] if held is None else held
    assert database.column("s", "Value") == wanted
    assert database.types("s")["Value"] == kind


def exact(*texts: str) -> list[Json]:
    """Return messages whose numbers have these digits."""
    about, *_ = one_column("exact", [])
    rows = [
        f'{{"type":"RECORD","stream":"s","record":{{"id":{n},"Value":{text}}}}}\n'.encode()
        for n, text in enumerate(texts)
    ]
    return [about, *rows]


def test_decimals_keep_all_digits(database: Database) -> None:
    """Where the schema says `decimal`, a number is not read as a double."""
    database.load(*exact("12345678901234567890.123456789", "-0.125", "1e-7", "0", "null"))

    held = database.column("s", "Value")
    assert held == [
        "12345678901234567890.123456789000000000",
        "-0.125000000000000000",
        "0.000000100000000000",
        "0.000000000000000000",
        None,
    ]


def test_decimal_without_room_makes_the_column_text(database: Database) -> None:
    """Nineteen places are one more than the column has; none is rounded away."""
    database.load(*exact("0.5", "0.1234567890123456789"))

    assert database.column("s", "Value") == ["0.5", "0.1234567890123456789"]


@pytest.mark.parametrize("about", ["number", "more"])
def test_digits_that_no_double_has_make_a_column_of_decimals(
    about: str, database: Database
) -> None:
    """A tap that calls a decimal a number, as most do, loses none of its digits; doubles stay."""
    kinds = {"id": "whole", "Value": "number", **({"Bag": "nested"} if about == "more" else {})}
    numbers = ("0.30000000000000004", "-12345678901234567890.123456789", "0.1", "7", "null")
    rows = [
        f'{{"type":"RECORD","stream":"s","record":{{"id":{n},"Value":{text}}}}}\n'.encode()
        for n, text in enumerate(numbers)
    ]

    database.load(schema("s", kinds, "id"), rows[0])
    assert database.types("s")["Value"] == "DOUBLE"
    database.load(schema("s", kinds, "id"), *rows)

    assert database.types("s")["Value"] == "DECIMAL(38,18)"
    held = [text and text.rstrip("0").rstrip(".") for text in database.column("s", "Value")]
    assert held == [*numbers[:-1], None]


@pytest.mark.parametrize("number", ["0.12345678901234567890123", "1.2345678901234567890e-30"])
def test_number_that_is_no_decimal_either_is_text(number: str, database: Database) -> None:
    """Beside the numbers that were there before."""
    about, *_ = one_column("number", [])
    rows = [
        f'{{"type":"RECORD","stream":"s","record":{{"id":{n},"Value":{text}}}}}\n'.encode()
        for n, text in enumerate(("0.5", number))
    ]

    database.load(about, *rows)

    assert database.column("s", "Value") == ["0.5", number]


def test_decimals_that_come_as_text_are_decimals(database: Database) -> None:
    """Singer's SDK writes them so, to keep them out of doubles."""
    about = {"type": ["string", "null"], "format": "x-singer.decimal"}

    database.load(*one_column(about, ["1.10", "1E+3"]))

    assert database.types("s")["Value"] == "DECIMAL(38,18)"
    assert [float(text) for text in database.column("s", "Value")] == [1.1, 1000.0]


def test_digits_inside_objects_stay(database: Database) -> None:
    """JSON is held as it came, not as DuckDB would write it."""
    about, *_ = one_column("nested", [])
    value = '{"n":1.10,"m":0.12345678901234567890}'
    row = f'{{"type":"RECORD","stream":"s","record":{{"id":0,"Value":{value}}}}}\n'

    database.load(about, row.encode())

    assert database.column("s", "Value") == [value]


@pytest.mark.parametrize(
    ("about", "value"),
    [
        pytest.param("whole", 1.5, id="fraction-for-an-integer"),
        pytest.param("whole", "secret", id="text-for-an-integer"),
        pytest.param("whole", True, id="flag-for-an-integer"),
        pytest.param("number", "secret", id="text-for-a-number"),
        pytest.param("flag", 1, id="number-for-a-flag"),
        pytest.param("time", "secret", id="text-for-a-time"),
        pytest.param("time", "infinity", id="duckdbs-word-for-a-time"),
        pytest.param("day", "2026-03-01T12:00:00", id="time-for-a-day"),
        pytest.param("guid", "secret", id="text-for-a-guid"),
        pytest.param("exact", "secret", id="text-for-a-decimal"),
    ],
)
def test_value_that_its_schema_forbids_fails(about: str, value: Json, database: Database) -> None:
    """Line and column are told, the value is not; nothing of the load stays."""
    with pytest.raises(LoadError) as failed:
        database.load(*one_column(about, [None, value]))

    assert "Line 3 of stream 's' has a value in column 'Value'" in str(failed.value)
    assert "secret" not in str(failed.value)
    assert database.ask("SELECT * FROM duckdb_tables()") == []


def test_long_text_is_held(database: Database) -> None:
    """Lines may be larger than what DuckDB takes unasked."""
    text = "é\"'\n" * (5 << 20)

    database.load_bytes(b"".join(map(_line, one_column("text", ["short", text, "end"]))))

    assert database.ask("SELECT id, length(Value) FROM s ORDER BY id") == [
        (0, 5),
        (1, len(text)),
        (2, 3),
    ]


def _line(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


def test_half_of_a_character_is_replaced(database: Database) -> None:
    """Windows lets command lines hold lone surrogates; DuckDB's JSON has no place for them."""
    database.load(*one_column("text", ["a\ud800b", "🦊", "\\ud800"]))

    assert database.column("s", "Value") == ["a\ufffdb", "🦊", "\\ud800"]


def test_columns_that_differ_by_case_both_stay(database: Database) -> None:
    """DuckDB ignores case in names, records do not; the names stay with their values."""
    both = schema("s", {"id": "whole", "LogonId": "text", "LogonID": "text", "": "text"}, "id")
    turned = schema("s", {"id": "whole", "": "text", "LogonID": "text", "LogonId": "text"}, "id")

    database.load(both, record("s", {"id": 1, "LogonId": "a", "LogonID": "b", "": "c"}))
    database.load(turned, record("s", {"id": 2, "LogonId": "d", "LogonID": "e", "": "f"}))

    held = database.ask('SELECT LogonId, LogonID_2, "_" FROM s ORDER BY id')
    assert held == [("a", "b", "c"), ("d", "e", "f")]


def test_odd_names_are_names(database: Database) -> None:
    """Quotes, dots and line breaks in names of columns and streams are part of them."""
    names = ['say "hi"', "it's", "a.b", "line\nbreak", "{x}", "a,b", "select", "日本", "$x", "[0]"]
    stream = 'odd-"stream"/ü.x'

    database.load(
        schema(stream, {"id": "whole", **dict.fromkeys(names, "text")}, "id"),
        record(stream, {"id": 1, **{name: f"of {name}" for name in names}}),
    )

    assert database.ask('FROM "odd-""stream""/ü.x"') == [(1, *(f"of {name}" for name in names))]
