"""One caller's view of the tables: visible tables, retention, and the columns of Sentinel.

Pure. A tenant that is connected to Sentinel has the tables of its workspaces, too, and the tables
that Defender XDR streams into a workspace have the workspace's columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from hunting_emulator.kql.letter_case import marked
from hunting_emulator.kql.rewrite import INGESTED
from hunting_emulator.kql.sql import quote
from hunting_emulator.tables import STREAMED, Column, Table

_ADDED: Final[Mapping[str, str]] = MappingProxyType(
    {"TimeGenerated": "datetime", "SourceSystem": "string", "TenantId": "string"}
)
# Documented: TimeGenerated of a row that comes more than 48 hours late is the time of its coming.
_LATE: Final = "INTERVAL 48 HOURS"
_SOURCE: Final = "Microsoft 365 Defender"


@dataclass(frozen=True, slots=True)
class TableView:
    """The tables of a tenant for one call.

    `without` are tables that are not there. `kept_days` is the retention of the tables whose
    retention is not the usual one. `primary` is the primary Sentinel workspace of the tenant, if
    Sentinel is connected; `workspace` is another one that the call is aimed at. With
    `by_ingestion`, a span of time bounds when rows came, in the place of when events happened.
    """

    without: frozenset[str] = frozenset()
    kept_days: Mapping[str, int] = field(default_factory=dict)
    primary: str | None = None
    workspace: str | None = None
    by_ingestion: bool = False

    @property
    def schema(self) -> tuple[frozenset[str], bool]:
        """The part of the view that decides which tables and columns there are."""
        return self.without, self.primary is not None

    def shows(self, table: Table) -> bool:
        """Say whether a query finds the table under its name.

        >>> TableView().shows(Table("SigninLogs", (), sentinel=True))
        False
        """
        if table.name in self.without or table.workspace:
            return False
        return not table.sentinel or self.primary is not None

    def columns(self, table: Table) -> tuple[Column, ...]:
        """Return the table's columns, those that Sentinel adds last."""
        return (*table.columns, *(Column(name, _ADDED[name]) for name in self.added(table)))

    def added(self, table: Table) -> Mapping[str, str]:
        """Return the SQL of each column that Sentinel adds to the table."""
        if self.primary is None or table.name not in STREAMED or table.time_column is None:
            return {}
        time = quote(marked(table.time_column))
        late = f"{INGESTED} - {time} > {_LATE}"
        made = {
            "TimeGenerated": f"CASE WHEN {late} THEN {INGESTED} ELSE {time} END",
            "SourceSystem": f"'{_SOURCE}'",
            "TenantId": f"'{self.primary}'",
        }
        return {name: sql for name, sql in made.items() if table.column(name) is None}

    def filled(self, table: Table) -> Mapping[str, str]:
        """Return the SQL of the columns in which a workspace names itself and the table."""
        if not table.sentinel:
            return {}
        told = {"TenantId": self.workspace or self.primary or "", "Type": table.name}
        return {
            name: f"coalesce(nullif({quote(marked(name))}, ''), '{value}')"
            for name, value in told.items()
            if table.column(name) is not None
        }

    def stored(self, table: Table) -> str:
        """Return the name under which the table's rows are stored."""
        if not table.sentinel or self.workspace in {None, self.primary}:
            return table.name
        return stored_name(table.name, str(self.workspace))


def stored_name(table: str, workspace: str) -> str:
    """Return the name for the rows of a Sentinel table in another workspace than the primary one.

    >>> stored_name("Syslog", "W")
    'Syslog@w'
    """
    return f"{table}@{workspace.lower()}"
