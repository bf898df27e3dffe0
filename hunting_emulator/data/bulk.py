"""Rows in bulk, made inside DuckDB from the rows' numbers alone.

A row hangs on the seed, the table and the number, so the same call makes the same rows for any
number of threads.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hunting_emulator.data.columns import expression
from hunting_emulator.data.columns_by_table import SPECIALS
from hunting_emulator.data.company import (
    ACCOUNT,
    DEVICE_ID,
    DEVICE_NAME,
    DIGESTS,
    DISPLAY_NAME,
    OBJECT_ID,
    PRIVATE_IP,
    UPN,
    USER_SID,
    hexadecimal,
    moment,
    number,
    text,
)
from hunting_emulator.data.rhythm import HourOfRows
from hunting_emulator.data.workspace_columns import WORKSPACE_SPECIALS
from hunting_emulator.kql.rewrite import INGESTED
from hunting_emulator.store import Store
from hunting_emulator.tables import Column, Table
from hunting_emulator.values import cast, wire_text

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TWICE: Final = 503
_SECOND: Final = 1_000_000_000
_TOLD_BY_SENTINEL: Final = frozenset({"TenantId", "Type"})
_ALWAYS: Final = "TIMESTAMP_NS '1970-01-01'"

# Most rows come within minutes, some within hours, a few after days offline.
_LAG: Final = f"""(CASE
  WHEN {number("late", 1000)} < 3 THEN 86400 + {number("lag", 5 * 86400)}
  WHEN {number("late", 1000)} < 30 THEN 600 + {number("lag", 6 * 3600)}
  ELSE 15 + {number("lag", 240)} END * {_SECOND} + {number("ticks", 9_999_999)} * 100)"""

# A few clocks tick in whole seconds, a few in milliseconds.
_CLOCK: Final = f"""CASE
  WHEN {number("clock", 100)} < 3 THEN raw - raw % {_SECOND}
  WHEN {number("clock", 100)} < 8 THEN raw - raw % 1000000
  ELSE raw // 100 * 100 END"""


_PROGRAMS: Final = 4096
# Columns that hang on a person, a device or a program alone, each before the columns within.
_ALONE: Final = {
    "u": (UPN, ACCOUNT, DISPLAY_NAME, OBJECT_ID, USER_SID),
    "d": (DEVICE_ID, DEVICE_NAME, PRIVATE_IP),
    **{
        row: tuple(hexadecimal(f"'{name}' || {row}", length) for name, length in DIGESTS)
        for row in ("p", "q")
    },
}


def fill(
    store: Store, table: Table, plan: Iterable[HourOfRows], *, seed: int, people: int, devices: int
) -> None:
    """Add the planned rows to a table."""
    hours = ", ".join(
        f"({int((hour.start - _EPOCH).total_seconds()) * _SECOND}, {hour.first}, {hour.count})"
        for hour in plan
        if hour.count
    )
    if not hours:
        return
    columns, known = _once(
        ", ".join(f"{_made(table, column)} AS c{i}" for i, column in enumerate(table.columns)),
        {"u": people, "d": devices, "p": _PROGRAMS, "q": _PROGRAMS},
    )
    seen = f"make_timestamp_ns(t + {_LAG})" if table.time_column else _ALWAYS
    store.cursor().execute(
        f"""INSERT INTO {store.target(table)}
        WITH planned(start, first, rows) AS (VALUES {hours}),
        numbered AS (SELECT start, rows, first, unnest(range(rows)) AS i FROM planned),
        told AS (SELECT start, rows, first,
          CASE WHEN i > 0 AND hash({seed}, {text(table.name)}, first + i) % {_TWICE} = 0
          THEN i - 1 ELSE i END AS i FROM numbered),
        hashed AS (SELECT CAST(first + i AS BIGINT) AS k, start, rows, i,
          hash({seed}, {text(table.name)}, first + i) AS s FROM told),
        timed AS (SELECT k, s, CAST(start + (i * 3600000000000::HUGEINT
          + {number("second", 3600)} * 1000000000 + {number("fraction", 10_000_000)} * 100)
          // rows AS BIGINT) AS raw FROM hashed),
        based AS (SELECT k, s, {_CLOCK} AS t, {number("person", people)} AS u,
          {number("device", devices)} AS d, {number("program", _PROGRAMS)} AS p,
          {number("parent", _PROGRAMS)} AS q FROM timed)
        SELECT {columns}, {seen} AS {INGESTED} FROM based{known}"""  # noqa: S608 - made of our own text
    )


def _once(columns: str, counts: Mapping[str, int]) -> tuple[str, str]:
    """Have what hangs on few numbers made once for each of them: the columns, and what to join."""
    joined = ""
    for row, expressions in _ALONE.items():
        used = {sql: f"{row}{i}" for i, sql in enumerate(expressions) if sql in columns}
        for sql, name in used.items():
            columns = columns.replace(sql, f"of_{row}.{name}")
        if used:
            made = ", ".join(f"{sql} AS {name}" for sql, name in used.items())
            rows = f"SELECT {row}, {made} FROM range({counts[row]}) AS _({row})"  # noqa: S608
            joined += f" JOIN ({rows}) AS of_{row} USING ({row})"
    return columns, joined


@dataclass(frozen=True, slots=True)
class Told:
    """A row with some columns given: number, occasion, time, and the values of the columns.

    Rows of an occasion are of the same person and device. Dynamic values are JSON text.
    """

    number: int
    occasion: str
    moment: datetime
    values: Mapping[str, object]


def tell(
    store: Store, table: Table, rows: Sequence[Told], *, seed: int, people: int, devices: int
) -> None:
    """Add rows to a table; the other columns are made as in `fill`."""
    names = sorted({name for row in rows for name in row.values})
    places = {name: f"w{index}" for index, name in enumerate(names)}
    kinds = {column.name: column.type for column in table.columns}
    types = {
        "k": "BIGINT",
        "o": "VARCHAR",
        "t": "BIGINT",
        **dict.fromkeys(places.values(), "VARCHAR"),
    }
    given = [
        {
            "k": row.number,
            "o": row.occasion,
            "t": int((row.moment - _EPOCH).total_seconds()) * _SECOND,
            **{places[name]: _given(v, kinds[name]) for name, v in row.values.items()},
        }
        for row in rows
    ]
    columns = ", ".join(
        _made(table, c)
        if c.name not in places
        else f"CASE WHEN {places[c.name]} IS NULL THEN {_made(table, c)} "
        f"ELSE {cast(places[c.name], c.type)} END"
        for c in table.columns
    )
    store.cursor().execute(
        f"""INSERT INTO {store.target(table)}
        WITH told AS (SELECT unnest(from_json(?::JSON, {text(json.dumps([types]))}),
          max_depth := 2)),
        hashed AS (SELECT * EXCLUDE t, hash({seed}, {text(table.name)}, k) AS s,
          hash({seed}, o) AS h, t AS raw FROM told),
        based AS (SELECT *, raw + {number("ticks", 9_999_999)} * 100 AS t,
          CAST(h % {people} AS BIGINT) AS u, CAST(hash(h) % {devices} AS BIGINT) AS d,
          {number("program", _PROGRAMS)} AS p, {number("parent", _PROGRAMS)} AS q FROM hashed)
        SELECT {columns}, make_timestamp_ns(t + {_LAG}) AS {INGESTED} FROM based""",  # noqa: S608
        [json.dumps(given)],
    )


def _given(value: object, kind: str) -> str | None:
    """Return the text of a given value; a dynamic value is JSON text already."""
    return str(value) if kind == "dynamic" else wire_text(value, kind)


def _made(table: Table, column: Column) -> str:
    if column.name in {table.time_column, "TimeGenerated"}:
        return moment("t")
    specials = WORKSPACE_SPECIALS if table.sentinel else SPECIALS
    special = specials.get(table.name.partition("@")[0], {}).get(column.name)
    if table.sentinel and special is None and column.name in _TOLD_BY_SENTINEL:
        return "''"
    return expression(column) if special is None else special
