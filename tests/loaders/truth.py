"""Rows that fill every column with a telling value, and what a record says of each value.

Pure. A value holds its column's name or number, so that two columns that change places show.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from hunting_emulator.tables import Column, Table

Json = Any
Row = Mapping[str, Json]

LONG: Final = 123_456_789_012_345_678
INT: Final = 2_147_483_647
_EMPTY: Final[Mapping[str, Json]] = {"string": ""}


@dataclass(frozen=True)
class Stream:
    """One stream of a case: its entry in the settings, its table, and the rows in it.

    `later` are rows that appear between two runs, and `added` a column; `passed` is how many of the
    first `rows` the second run reads no more, `gone` how many there are no more. `names` are the
    records' names of the columns, where they differ. `text` is a query over the table, else all of
    it is read.
    """

    name: str
    table: Table
    rows: Sequence[Row] = ()
    later: Sequence[Row] = ()
    passed: int = 0
    gone: int = 0
    added: tuple[Column, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    nested: bool = False
    text: str | None = None

    @property
    def query(self) -> dict[str, Json]:
        """The entry under `queries`."""
        time = self.table.time_column
        key = {"replication_key": time} if time not in {None, "Timestamp"} else {}
        what = {"query": self.text} if self.text else {"table": self.table.name}
        return {"name": self.name, **what, **key}

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, those that come later included."""
        return (*self.table.columns, *self.added)

    @property
    def kinds(self) -> Mapping[str, str]:
        """Kusto's type of each column by its name in the record."""
        return {self.names.get(c.name, c.name): c.type for c in self.columns}

    def first(self) -> list[dict[str, Json]]:
        """Return the records of the first run."""
        return [self.record(row, self.table.columns) for row in self.rows]

    def second(self) -> list[dict[str, Json]]:
        """Return the records of the second run."""
        return [
            self.record(row, self.columns)
            for row in (*self.rows[self.passed + self.gone :], *self.later)
        ]

    def record(self, row: Row, columns: Sequence[Column]) -> dict[str, Json]:
        """Return what the tap has to write of a row, without `_row_id`."""
        return {
            self.names.get(c.name, c.name): recorded(c.type, row.get(c.name), nested=self.nested)
            for c in columns
        }


def recorded(kind: str, value: Json, *, nested: bool = False) -> Json:
    """Return what a record says of a value; a missing string is empty, missing dynamic a bag.

    >>> recorded("dynamic", ["a"]), recorded("string", None), recorded("long", None)
    ('["a"]', '', None)
    """
    if kind == "string":
        return value or ""
    if kind == "dynamic":
        value = {} if value is None else value
        return value if nested else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def filled(table: Table, number: int, now: datetime) -> Row:
    """Return a row with a value of its type in every column."""
    values = {c.name: _value(c, number, index, now) for index, c in enumerate(table.columns)}
    return values | _time(table, number, now)


def empty(table: Table, number: int, now: datetime) -> Row:
    """Return a row of nulls and empty strings, but for its time."""
    nothing: dict[str, Json] = {c.name: _EMPTY.get(c.type) for c in table.columns}
    return nothing | _time(table, number, now)


def instant(when: datetime, ticks: int = 0) -> str:
    """Write an instant with 7 digits; `ticks` are the fraction, in 100 ns."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{ticks:07}Z"


def _time(table: Table, number: int, now: datetime) -> dict[str, str]:
    when = instant(now - timedelta(hours=3, minutes=number), 1_234_567 + number)
    return {table.time_column: when} if table.time_column else {}


def _value(column: Column, number: int, index: int, now: datetime) -> Json:
    tag = f"{column.name}/{number}"
    other = now - timedelta(days=index, seconds=number)
    return {
        "string": f"{tag} 'naïve' \"日本\" \\ , 🦊",
        "datetime": instant(other, 7_654_321 - index),
        "dynamic": {"name": tag, "list": ["a", "b"], "deep": {"n": index, "t": True, "é": "ü"}},
        "long": LONG + 1_000 * index + number,
        "int": INT - 1_000 * index - number,
        "bool": (number + index) % 2 == 0,
        "guid": str(UUID(int=LONG * (index + 1) + number)),
        "real": index + number / 7,
        "decimal": index + number / 8,
        "timespan": f"{number}.01:02:{index % 60:02}.5000000",
    }[column.type]
