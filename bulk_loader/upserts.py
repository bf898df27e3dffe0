"""Statements that put rows into a table by their key.

Pure. Tables have no index: DuckDB keeps one in memory as a whole, and a join with the key's column
is as fast for a slice of rows. One process at a time writes, so keys stay single.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulk_loader.sql_types import Sql, literal, quoted


@dataclass(frozen=True, slots=True)
class Upsert:
    """Rows `source`, called `here`, for a table: `cells` has an expression for each column."""

    into: Sql
    cells: Mapping[str, Sql]
    key: tuple[str, ...]
    source: Sql

    def all(self) -> Sql:
        """Return the statement that inserts every row."""
        return f"{self._inserting()} FROM {self.source} AS here"

    def new(self, span: tuple[Sql, Any, Any] | None) -> Sql:
        """Return the statement that inserts the rows whose key is not there."""
        return f"{self._inserting()} {self.absent(span)}"

    def absent(self, span: tuple[Sql, Any, Any] | None) -> Sql:
        """Return where rows come from whose key is not there.

        `span` is a column of time that rows with the same key share, and its ends: only what the
        table has between them is looked at.
        """
        within = ""
        if span:
            column, low, high = span
            within = f" WHERE {column} BETWEEN {literal(low)} AND {literal(high)}"
        there = f"SELECT {', '.join(map(quoted, self.key))} FROM {self.into}{within}"
        matched = " AND ".join(f"there.{quoted(n)} = {self.cells[n]}" for n in self.key)
        return f"FROM {self.source} AS here ANTI JOIN ({there}) AS there ON {matched}"

    def _inserting(self) -> Sql:
        names = ", ".join(map(quoted, self.cells))
        return f"INSERT INTO {self.into} ({names}) SELECT {', '.join(self.cells.values())}"

    def renewed(self) -> Sql:
        """Return the statement that gives rows with these keys the version of their new reading."""
        return (
            f'UPDATE {self.into} AS there SET "_sdc_table_version" = here.version'
            f" FROM {self.source} AS here WHERE {self._matched()}"
            ' AND there."_sdc_table_version" IS DISTINCT FROM here.version'
        )

    def cleared(self) -> Sql:
        """Return the statement that takes away what has one of these keys."""
        return (
            f"DELETE FROM {self.into} AS there USING {self.source} AS here WHERE {self._matched()}"
        )

    def _matched(self) -> Sql:
        return " AND ".join(f"there.{quoted(name)} = {self.cells[name]}" for name in self.key)
