"""Questions of the rewriting about a part of a query: columns, SQL and rows.

Pure: the translator answers.
"""

from collections.abc import Sequence
from typing import Protocol

Described = Sequence[tuple[str, str]]
"""Names and DuckDB types of columns."""


class PartTranslator(Protocol):
    """Answers for parts of the query that is being rewritten."""

    def columns(self, text: str) -> Described:
        """Return the columns of a query, without the hidden one."""
        ...

    def sql(self, text: str) -> str:
        """Return the SQL of a query, in which stages go by their names."""
        ...

    def stage(self, sql: str) -> str:
        """Keep a statement under a name that queries may then read as a table's."""
        ...

    def stand_in(self, columns: Sequence[str]) -> str:
        """Return a table's name that has columns but no rows, for SQL that brings its own."""
        ...

    def rows(self, text: str) -> Sequence[tuple[object, ...]]:
        """Run a query now, over what the call may see."""
        ...

    def external(self, url: str) -> str | None:
        """Return the text at a URL, `None` unless given beforehand."""
        ...

    def tables(self) -> Sequence[str]:
        """Return the names of all tables."""
        ...
