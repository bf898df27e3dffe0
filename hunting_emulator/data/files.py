"""Rows from elsewhere, fitted to a table, with columns added where the table lacks any.

Pure, but for the engine's tables, which grow to hold the rows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hunting_emulator.engine import Engine
from hunting_emulator.kql import times
from hunting_emulator.store import INGESTION_KEY
from hunting_emulator.tables import Column, Table

# An export names a column's type where columns of one name have several.
_TYPED_NAME: Final = re.compile(r"(.+)_(string|long|int|real|bool|datetime|dynamic|guid)")


def take(engine: Engine, table: str, rows: Iterable[Mapping[str, object]]) -> int:
    """Load rows of any columns; return how many.

    A missing table is made. A column `ReportId_long` goes into `ReportId` if the table
    has that as a long, and text in `ReportId` then goes into `ReportId_string`. Columns that the
    table lacks are added with the type of the values, unless there are none.
    """
    known = engine.tables.get(table)
    kept = [_renamed(row, known) for row in rows]
    lacking = _lacking(kept, known)
    if known is None:
        engine.create(Table.of(table, {column.name: column.type for column in lacking}))
    elif lacking:
        engine.alter(table, add=lacking)
    names = {column.name for column in engine.tables[table].columns} | {INGESTION_KEY}
    return engine.load(table, [{n: v for n, v in row.items() if n in names} for row in kept])


def _renamed(row: Mapping[str, object], table: Table | None) -> dict[str, object]:
    renamed: dict[str, object] = {}
    for name, value in row.items():
        plain = _plain_name(name, value, table)
        if value not in (None, "") or plain not in renamed:
            renamed[plain] = value
    return renamed


def _plain_name(name: str, value: object, table: Table | None) -> str:
    if table is None:
        return name
    column = table.column(name)
    if column is not None:
        return name if _fits(value, column.type) else f"{name}_{_kind(value)}"
    found = _TYPED_NAME.fullmatch(name)
    named = table.column(found[1]) if found else None
    return name if found is None or named is None or named.type != found[2] else named.name


def _fits(value: object, kind: str) -> bool:
    if kind not in {"int", "long"} or not isinstance(value, str):
        return True
    return value.lstrip("-").isdecimal() or not value


def _lacking(rows: Sequence[Mapping[str, object]], table: Table | None) -> list[Column]:
    have = set() if table is None else {column.name for column in table.columns}
    names = dict.fromkeys(name for row in rows for name in row if name not in have)
    values = {
        name: [row[name] for row in rows if row.get(name) not in (None, "")] for name in names
    }
    return [
        Column(name, _type_of(found))
        for name, found in values.items()
        if name != INGESTION_KEY and (found or table is None)
    ]


def _type_of(values: Sequence[object]) -> str:
    """Return the Kusto type for all the values; a string without any.

    >>> _type_of([1, 2]), _type_of([1, 2.5]), _type_of(["2026-01-01T00:00:00Z"]), _type_of([[1]])
    ('long', 'real', 'datetime', 'dynamic')
    """
    kinds = {_kind(value) for value in values}
    if kinds == {"long", "real"}:
        return "real"
    return kinds.pop() if len(kinds) == 1 else ("dynamic" if "dynamic" in kinds else "string")


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "datetime" if len(value) > len("2026-01-01") and times.parse(value) else "string"
    for kind, name in ((bool, "bool"), (int, "long"), (float, "real")):
        if isinstance(value, kind):
            return name
    return "dynamic"
