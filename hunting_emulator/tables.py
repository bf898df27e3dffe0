"""The tables of advanced hunting: names, columns, types.

Pure, but for reading the catalog that lies in this package.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

TYPES: Final = frozenset(
    {
        "bool",
        "datetime",
        "decimal",
        "dynamic",
        "guid",
        "int",
        "long",
        "real",
        "string",
        "timespan",
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `type` is Kusto's name for its type."""

    name: str
    type: str

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            msg = f"Column {self.name!r} has type {self.type!r}, not one of {sorted(TYPES)}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `time_column` is what retention and Timespan look at, if it has one.

    >>> Table.of("T", {"Timestamp": "datetime", "n": "long"}).time_column
    'Timestamp'
    """

    name: str
    columns: tuple[Column, ...]
    time_column: str | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            msg = f"Table {self.name!r} has two columns of one name"
            raise ValueError(msg)
        if self.time_column is not None and self.time_column not in names:
            msg = f"Table {self.name!r} has no column {self.time_column!r}"
            raise ValueError(msg)

    @classmethod
    def of(cls, name: str, types: Mapping[str, str], *, time: str | None = None) -> "Table":
        """Make a table from column types by name; `Timestamp` is its time unless said."""
        columns = tuple(Column(column, kind) for column, kind in types.items())
        return cls(name, columns, time or ("Timestamp" if "Timestamp" in types else None))

    def column(self, name: str) -> Column | None:
        """Return the column of exactly this name."""
        return next((column for column in self.columns if column.name == name), None)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that are no column of this table, sorted."""
        return sorted(set(names) - {column.name for column in self.columns})


def _catalog() -> Mapping[str, Table]:
    text = Path(__file__).with_name("catalog").joinpath("tables.json").read_text("utf-8")
    return MappingProxyType(
        {
            name: Table.of(name, entry["columns"], time=entry["time"])
            for name, entry in json.loads(text).items()
        }
    )


CATALOG: Final = _catalog()
"""The documented tables by name, as the service lists their columns."""
