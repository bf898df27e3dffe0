"""Each cell becomes the value of its column's type, or says that it does not fit."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.wire.json_text import compact, parse, whole_text
from tap_m365hunting.wire.values import KINDS, Misfit

NULL = Misfit()


CASES: list[tuple[str, Any, Any]] = [
    ("string", "", ""),
    ("string", "null", "null"),
    ("string", 5, Misfit("5")),
    ("string", True, Misfit("true")),
    ("string", {"@odata.type": "#x", "a": [1]}, Misfit('{"a":[1]}')),
    ("sbyte", 0, False),
    ("sbyte", 1, True),
    ("sbyte", True, True),
    ("boolean", "True", True),
    ("boolean", "false", False),
    ("sbyte", 2, NULL),
    ("sbyte", -1, NULL),
    ("sbyte", "yes", NULL),
    ("sbyte", [], NULL),
    ("int32", 0, 0),
    ("int64", 639199803770463703, 639199803770463703),
    ("int64", "639199803770463703", 639199803770463703),
    ("int64", "-1", -1),
    ("int64", 5.0, 5),
    ("int64", 5.5, NULL),
    ("int64", 1e300, NULL),
    ("int64", Decimal("1e300"), NULL),
    ("int64", Decimal("5.0"), 5),
    ("int64", math.inf, NULL),
    ("int64", math.nan, NULL),
    ("int64", True, NULL),
    ("int64", "1_0", NULL),
    ("int64", " 1", NULL),
    ("int64", "٣", NULL),
    ("int64", [1], NULL),
    ("uint64", 2**64 - 1, 2**64 - 1),
    ("double", 5, 5.0),
    ("double", 10**400, NULL),
    ("double", "5", 5.0),
    ("double", 4.3, 4.3),
    ("double", "4.3", 4.3),
    ("double", "1e-3", 0.001),
    ("double", "NaN", None),
    ("double", "INF", None),
    ("double", "-Infinity", None),
    ("double", math.nan, None),
    ("double", "1e999", NULL),
    ("double", "high", NULL),
    ("double", "0x10", NULL),
    ("double", False, NULL),
    ("sqldecimal", 1, Decimal(1)),
    ("sqldecimal", "1.10", Decimal("1.1")),
    ("decimal", 0.1, Decimal("0.1")),
    ("decimal", Decimal("12345678901234567890.5"), Decimal("12345678901234567890.5")),
    ("decimal", "NaN", None),
    ("decimal", "+5", Decimal(5)),
    ("decimal", ".5", Decimal("0.5")),
    ("decimal", " 5. ", Decimal(5)),
    ("decimal", f"{'0' * 500}1", Decimal(1)),
    ("decimal", "9" * 500, NULL),
    ("decimal", "", NULL),
    ("decimal", "1e9999", Decimal("1e9999")),
    ("guid", "74be27de-1e4e-49d9-b579-fe0b331d3642", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
    ("guid", "74BE27DE1E4E49D9B579FE0B331D3642", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
    ("guid", "", NULL),
    ("guid", "not one", NULL),
    ("guid", 5, NULL),
    ("datetime", "2026-07-19T21:46:29Z", "2026-07-19T21:46:29.0000000Z"),
    ("datetime", "2026-07-19T21:46:29.928Z", "2026-07-19T21:46:29.9280000Z"),
    ("datetime", "2026-07-19T21:46:29.7688641Z", "2026-07-19T21:46:29.7688641Z"),
    ("datetime", "yesterday", NULL),
    ("datetime", "", NULL),
    ("datetime", 1753000000, NULL),
    ("timespan", "00:00:19.0468750", "00:00:19.0468750"),
    ("timespan", "1.02:03:04", "1.02:03:04"),
    ("timespan", "P1DT2H3M4S", "1.02:03:04"),
    ("timespan", "-PT36H", "-1.12:00:00"),
    ("timespan", "PT0.1S", "00:00:00.1000000"),
    ("timespan", "PT90S", "00:01:30"),
    ("timespan", "PT922337203685.4775807S", "10675199.02:48:05.4775807"),
    ("timespan", f"P{'9' * 5000}D", f"P{'9' * 5000}D"),
    ("timespan", 5, Misfit("5")),
    ("object", {"@odata.type": "#x", "a@odata.type": "#y", "a": 1}, {"a": 1}),
    ("object", {"mail@odata.com": 1, "@odata.com": 1}, {"mail@odata.com": 1}),
    ("object", {"a": {"b": {"@odata.type": "#x", "c": True}}}, {"a": {"b": {"c": True}}}),
    ("object", {"a": ['{"b": ["{}", "x"]}']}, {"a": [{"b": [{}, "x"]}]}),
    ("object", {"a": '{"b": 1}'}, {"a": '{"b": 1}'}),
    ("object", ['{"not json'], ['{"not json']),
    ("object", ["[1]"], ["[1]"]),
    ("object", ' {"a": 1}', {"a": 1}),
    ("object", "[1]", [1]),
    ("object", "5", "5"),
    ("object", "true", "true"),
    ("object", 1.5, 1.5),
    ("object", Decimal("1.5"), 1.5),
    ("object", '{"a":"\\ud800"}', {"a": "\ufffd"}),
    ("object", "[" * 5000, "[" * 5000),
    ("object", "[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [pytest.param(*case, id=f"{case[0]}-{case[1]!s:.24}") for case in CASES],
)
def test_a_cell_is_read_by_the_type_of_its_column(kind: str, cell: object, value: object) -> None:
    """Numbers that came as text are numbers; what is not of the type is never bent to fit."""
    result = KINDS[kind].read(cell)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        pytest.param("100.00", "100", id="no-exponent-where-none-is-needed"),
        pytest.param("1.10", "1.1", id="no-trailing-zeros"),
        pytest.param("-0.0000001", "-1E-7", id="small"),
        pytest.param("1e40", "1E+40", id="large"),
        pytest.param("9" * 34, "9" * 34, id="every-digit"),
    ],
)
def test_one_decimal_has_one_text(cell: str, text: str) -> None:
    """Ids hash it, and either API may write it its own way."""
    assert str(KINDS["decimal"].read(cell)) == text


def test_a_bag_nested_too_deep_to_clean_is_a_misfit() -> None:
    """Deep nesting costs one cell, not the run."""
    bag: Any = {}
    for _ in range(5000):
        bag = {"a": bag}

    assert KINDS["object"].read(bag) == NULL


def test_a_number_may_have_any_number_of_digits() -> None:
    """A float takes as many as it can hold, however it was read."""
    text = f"-5.{'0' * 500}1"

    assert KINDS["double"].read(parse(text)) == KINDS["double"].read(parse(text, exact=True)) == -5


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("text", [f"1e{'9' * 20}", f"-1e{'9' * 20}"])
def test_an_exponent_beyond_all_bounds_is_infinity(text: str, *, exact: bool) -> None:
    """No number of a service has it, and none must stop a stream."""
    assert math.isinf(parse(text, exact=exact))


@given(st.integers())
def test_integers_are_exact(number: int) -> None:
    """Report ids have 18 digits, and a float would round them."""
    read = KINDS["int64"].read

    assert read(number) == number
    assert read(parse(str(number).encode())) == number


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="pair"),
        pytest.param(b'"\\ud83d"', "\ufffd", id="half-a-pair"),
        pytest.param(b'{"\\udc00":["\\ud800x"]}', {"\ufffd": ["\ufffdx"]}, id="halves-everywhere"),
        pytest.param(b'"a\xffb"', "a\ufffdb", id="broken-utf8"),
        pytest.param(b"\xef\xbb\xbf[1]", [1], id="byte-order-mark"),
        pytest.param(b"[1e999]", [math.inf], id="number-out-of-range"),
        pytest.param(b"[-Infinity]", [None], id="bare-infinity"),
        pytest.param(b"[%b]" % (b"9" * 5000), [Decimal("9" * 5000)], id="thousands-of-digits"),
        pytest.param(b'{"a":1}', {"a": 1}, id="plain"),
    ],
)
def test_text_that_strict_readers_refuse_is_read(body: bytes, value: object) -> None:
    """One odd command line of one machine must not stop a stream."""
    assert parse(body) == value


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":1}x', b"<html>", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Neither half an answer nor a proxy's page is an answer."""
    with pytest.raises(ValueError, match=r".+"):
        parse(body)


@given(st.text())
def test_whole_text_can_be_written(text: str) -> None:
    """Text without half pairs is left as it is."""
    assert whole_text(text) == text
    assert whole_text(f"{text}\udc00").encode() == f"{text}\ufffd".encode()


def test_what_json_cannot_say_is_null_inside_a_bag() -> None:
    """The text of a bag is always valid JSON."""
    assert compact({"a": math.nan}) == '{"a":null}'
