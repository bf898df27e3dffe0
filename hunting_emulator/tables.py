"""The tables of advanced hunting: names, columns, types.

Pure, but for reading the package's catalog.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

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
    """A table; `time_column` is the column that retention and Timespan bound, if there is one.

    `sentinel` marks a table of a Sentinel workspace: of the tenant's primary workspace, unless
    `workspace` names another.

    >>> Table.of("T", {"Timestamp": "datetime", "n": "long"}).time_column
    'Timestamp'
    """

    name: str
    columns: tuple[Column, ...]
    time_column: str | None = None
    sentinel: bool = False
    workspace: str = ""

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
        """Return the column of exactly the name."""
        return next((column for column in self.columns if column.name == name), None)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that are no column of this table, sorted."""
        return sorted(set(names) - {column.name for column in self.columns})


def _listed(name: str) -> dict[str, Any]:
    text = Path(__file__).with_name("catalog").joinpath(name).read_text("utf-8")
    listed: dict[str, Any] = json.loads(text)
    return listed


def _catalog() -> Mapping[str, Table]:
    return MappingProxyType(
        {
            name: Table.of(name, entry["columns"], time=entry["time"])
            for name, entry in _listed("tables.json").items()
        }
    )


def _in_sentinel(listed: Mapping[str, Mapping[str, str]]) -> Mapping[str, Table]:
    made = {name: Table.of(name, types, time="TimeGenerated") for name, types in listed.items()}
    return MappingProxyType({name: replace(table, sentinel=True) for name, table in made.items()})


CATALOG: Final = _catalog()
"""The documented tables of Defender XDR by name, as the service lists their columns."""

_SENTINEL: Final = _listed("sentinel.json")
SENTINEL: Final = _in_sentinel(_SENTINEL["tables"])
"""Tables of a Sentinel workspace by name, with the columns of the Azure Monitor reference."""

STREAMED: Final = frozenset(_SENTINEL["streamed"])
"""The names of the Defender XDR tables that the Azure Monitor reference has, too."""
