"""What is loaded: each case is a set of streams that stresses the loaders in one way."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from hunting_emulator.tables import CATALOG, Column, Table
from tests.loaders.truth import INT, LONG, Row, Stream, empty, filled, instant

# The tap reads up to a few minutes before the present; these rows lie hours before it.
NOW: Final = datetime.now(UTC).replace(microsecond=0)
_START: Final = NOW - timedelta(hours=3)
# `LogonID` and `LogonId` would be one column where case is ignored
_RENAMED: Final = {"DeviceProcessEvents": {"LogonID": "LogonID_2"}}


@dataclass(frozen=True)
class Case:
    """A run of the tap, and a second one; with `resume` it goes on from the state of the first."""

    name: str
    about: str
    streams: tuple[Stream, ...]
    resume: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def _catalog(*, rows: bool) -> tuple[Stream, ...]:
    return tuple(
        Stream(
            name.lower(),
            table,
            _three(table) if rows else (),
            names=_RENAMED.get(name, {}),
        )
        for name, table in CATALOG.items()
    )


def _three(table: Table) -> tuple[Row, ...]:
    return filled(table, 1, NOW), filled(table, 2, NOW), empty(table, 3, NOW)


def _made(name: str, types: Mapping[str, str], *rows: Row, **more: Any) -> tuple[Stream, ...]:  # noqa: ANN401 - members of Stream
    """Return the one stream over a table of these columns; each row gets its time, in whole µs."""
    table = Table.of(name, {"Timestamp": "datetime", **types})
    timed = [
        {"Timestamp": instant(_START + timedelta(seconds=n), 10 * n), **row}
        for n, row in enumerate(rows)
    ]
    return (Stream(name.lower(), table, timed, **more),)


def _texts(name: str, *texts: str) -> tuple[Stream, ...]:
    rows = [{"Number": n, "Text": text} for n, text in enumerate(texts)]
    return _made(name, {"Number": "long", "Text": "string"}, *rows)


_LONG_NAME: Final = "InitiatingProcessVersionInfoProductNameOfTheParentOfTheParentProcess"
# more digits than a double has
_EXACT: Final = Decimal("12345678901234567890.123456789")
_ODD: Final = (
    *("$x", "a b", "a.b", "a-b", "1st", "select", "it's", "a,b", "{x}", "%s", "a:b", "naïve"),
    *("日本", "back\\slash", "[x]", "Order"),
)
# 63 bytes are kept; a hash of the whole name tells cut ones apart
_CHANGED: Final = {
    'say "hi"': "say _hi_",
    "line\nbreak": "line_break",
    "ORDER": "ORDER_2",
    "SELECT": "SELECT_2",
    "_sdc_mine": "sdc_mine",
    "_sdc_batched_at": "sdc_batched_at",
    **{name: f"{name}_2" for name in ("cmax", "cmin", "ctid", "tableoid", "xmax", "xmin")},
    _LONG_NAME: "InitiatingProcessVersionInfoProductNameOfTheParentOfTh_6faf2ff5",
}
_TEXTS: Final = (
    "plain",
    "",
    " space around ",
    "it's \"quoted\" and ''doubled''",
    "comma, semicolon; pipe| tab\there",
    "line\nbreak\r\nand return\rthere",
    'C:\\Windows\\System32\\cmd.exe /c "echo %PATH% > $x"',
    "\\N",
    "NULL",
    "null",
    "NaN",
    "true",
    "00012",
    "1e5",
    "2026-03-01",
    "naïve Straße 日本語 🦊👨‍👩‍👧 \u200b\u202e\ufeff",
    "{'a': 1}",
    '{"a": [1, 2]}',
    "=1+1",
    "\u0001\u001f\u007f control",
    "%s %(x)s :name {x} $1 ?",
    "'; DROP TABLE texts; --",
)
_BAGS: Final[tuple[object, ...]] = (
    {"a": {"b": {"c": "deep"}}, "flag": True, "n": 5, "x": 1.5, "none": None},
    {"list": ["a", "b"], "é": "日本 \"q\" 'p'\n"},
    {"long": LONG, "empty": "", "nothing": []},
    ["one", "two", ""],
    [],
    None,
)
_SCALARS: Final = ("bare text", "", 17, 2.5, True, LONG)


def _dynamic(name: str, *values: object, nested: bool) -> tuple[Stream, ...]:
    rows = [{"Number": n, "Value": value} for n, value in enumerate(values)]
    return _made(name, {"Number": "long", "Value": "dynamic"}, *rows, nested=nested)


def _grown(name: str, *added: Column) -> tuple[Stream, ...]:
    """Return a stream that gets a row late, and perhaps a column, between two runs."""
    table = Table.of(name, {"Timestamp": "datetime", "Number": "long", "Text": "string"})
    ages = (timedelta(hours=5), timedelta(minutes=40), timedelta(minutes=35))
    rows: list[Row] = [
        {"Timestamp": instant(NOW - age, 10 * n), "Number": LONG + n, "Text": f"row {n}"}
        for n, age in enumerate(ages)
    ]
    more = {column.name: 7 for column in added}
    return (Stream(name.lower(), table, rows[:2], [{**rows[2], **more}], passed=1, added=added),)


def _snapshot() -> tuple[Stream, ...]:
    """Return a table without time, read whole; between two runs a row goes and one comes."""
    table = Table.of("Snapshot", {"Number": "long", "Text": "string"})
    rows = [{"Number": n, "Text": f"row {n}"} for n in range(4)]
    return (Stream("snapshot", table, rows[:3], rows[3:], gone=1),)


def _instants() -> tuple[Stream, ...]:
    texts = (
        "1700-01-01T00:00:00.0000000Z",
        "1969-12-31T23:59:59.9999999Z",
        "1970-01-01T00:00:00.0000000Z",
        "2026-03-01T12:00:00.1234561Z",
        "2026-03-01T12:00:00.1234569Z",
        "2026-03-29T01:30:00.9999999Z",
        "2028-02-29T00:00:00.5000000Z",
        "2261-12-31T23:59:59.9999999Z",
    )
    rows = [{"Number": n, "At": text} for n, text in enumerate((*texts, None))]
    return _made("Instants", {"Number": "long", "At": "datetime"}, *rows)


def _numbers() -> tuple[Stream, ...]:
    types = {"Whole": "long", "Small": "int", "Real": "real", "Exact": "decimal", "Yes": "bool"}
    whole = (LONG, 2**63 - 1, -(2**63), 2**53 + 1, 0, None)
    small = (INT, -INT - 1, 0, 1, -1, None)
    real = (0.1, 1.7976931348623157e308, 5e-324, -2.5, 0.0, None)
    exact = (Decimal("0.25"), _EXACT, Decimal("-0.125"), Decimal(0), Decimal(1024), None)
    yes = (True, False, True, False, True, None)
    rows = [
        dict(zip(types, cells, strict=True))
        for cells in zip(whole, small, real, exact, yes, strict=True)
    ]
    return _made("Numbers", types, *rows)


def _odd_names() -> tuple[Stream, ...]:
    """Return a stream whose query gives its columns names that are hard on loaders."""
    names = {f"C{n}": name for n, name in enumerate((*_ODD, *_CHANGED))}
    row = {column: f"value of {name}" for column, name in names.items()}
    renamed = ", ".join(
        f"[{json.dumps(name, ensure_ascii=False)}] = {column}" for column, name in names.items()
    )
    recorded = {column: _CHANGED.get(name, name) for column, name in names.items()}
    text = f"Odd | project Timestamp, {renamed}"
    return _made("Odd", dict.fromkeys(names, "string"), row, names=recorded, text=text)


CASES: Final = (
    Case("tables-empty", "all 66 tables, no rows", _catalog(rows=False)),
    Case(
        "tables-filled",
        "all 66 tables, every column filled, and a row of nulls",
        _catalog(rows=True),
    ),
    Case(
        "again",
        "a second run from the state of the first, with a late row",
        _grown("Growing"),
        resume=True,
    ),
    Case(
        "new-column",
        "a column appears between two runs",
        _grown("Widening", Column("Extra", "long")),
        resume=True,
    ),
    Case(
        "snapshot",
        "a row is gone from a table that is read whole, with `emit_activate_version_messages`",
        _snapshot(),
        settings={"emit_activate_version_messages": True},
    ),
    Case(
        "names",
        "odd column names, renamed by `column_names: safe`",
        _odd_names(),
    ),
    Case("numbers", "18 digits, the ends of 64 bits, fractions, booleans", _numbers()),
    Case("instants", "7 digits, before 1970, far future", _instants()),
    Case(
        "texts",
        "quotes, newlines, tabs, Unicode, look-alikes of null and numbers",
        _texts("Texts", *_TEXTS),
    ),
    Case("nul", "a NUL character", _texts("Nuls", "a\x00b", "plain")),
    Case("megabyte", "texts of 1 MB", _texts("Megabytes", "x" * 2**20, "é\"'\n" * 2**18, "short")),
    Case("three-megabytes", "a text of 3 MB", _texts("Larger", "y" * 3 * 2**20, "short")),
    Case(
        "dynamic",
        "dynamic values as JSON text",
        _dynamic("Dynamics", *_BAGS, *_SCALARS, nested=False),
    ),
    Case(
        "dynamic-json",
        "objects and arrays nested, by `dynamic_as: json`",
        _dynamic("Nested", *_BAGS, nested=True),
        settings={"dynamic_as": "json"},
    ),
    Case(
        "dynamic-json-scalars",
        "nested, with bare texts and numbers among them",
        _dynamic("Mixed", *_BAGS, *_SCALARS, nested=True),
        settings={"dynamic_as": "json"},
    ),
)
