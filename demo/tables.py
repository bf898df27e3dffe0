"""The loader's tables, to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb


class Tables:
    """The tables of a DuckDB file; none where the file is not there yet."""

    def __init__(self, database: Path) -> None:
        self._connection = (
            duckdb.connect(database, read_only=True) if database.exists() else duckdb.connect()
        )

    @property
    def streams(self) -> Sequence[str]:
        """The streams that have a table."""
        found = self.ask("SELECT table_name FROM duckdb_tables() ORDER BY ALL")
        return tuple(name for (name,) in found)

    def read(self) -> Mapping[str, int]:
        """Count what the tap has read of each stream: a row that was read again is counted again.

        `hunting_windows` says so. Of itself it does not: none of its rows is read again.
        """
        if "hunting_windows" not in self.streams:
            return {}
        counted = self.ask("SELECT stream, sum(rows)::BIGINT FROM hunting_windows GROUP BY stream")
        return {**dict(counted), "hunting_windows": self.rows()["hunting_windows"]}

    def rows(self) -> Mapping[str, int]:
        """Count the rows of each table."""
        return {
            stream: self.ask(f"SELECT count(*) FROM {stream}")[0][0]  # noqa: S608 - a table's name
            for stream in self.streams
        }

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Answer a question in SQL."""
        return self._connection.sql(sql).fetchall()

    def shown(self, sql: str) -> str:
        """Answer a question in SQL, as a table to look at."""
        return str(self._connection.sql(sql))

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()
