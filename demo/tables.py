"""The loader's files as tables in DuckDB, each row once, however often it was written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb


class Tables:
    """A view for each file `STREAM.jsonl` in a folder.

    A loader that appends writes a row of the lookback once more on the next run. The tap gave it
    the same `_row_id`, so the view shows it once.
    """

    def __init__(self, folder: Path, database: Path | None = None) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.jsonl"))}
        self._connection = duckdb.connect(database or ":memory:")
        for stream, file in self._files.items():
            self._connection.execute(_view(stream, file))

    @property
    def streams(self) -> Sequence[str]:
        """The streams that have written rows."""
        return tuple(self._files)

    def written(self) -> Mapping[str, int]:
        """Count the lines of each file: a row that was read again is counted again."""
        return {stream: _lines(file) for stream, file in self._files.items()}

    def rows(self) -> Mapping[str, int]:
        """Count the rows of each table."""
        return {
            stream: self.ask(f"SELECT count(*) FROM {stream}")[0][0]  # noqa: S608 - a file's name
            for stream in self._files
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


def _view(stream: str, file: Path) -> str:
    path = str(file).replace("'", "''")
    distinct = "DISTINCT" if stream == "hunting_windows" else "DISTINCT ON (_row_id)"
    # A column's type is decided by all rows (-1), since most may be null. Times become timestamps
    # in UTC, cut to the microsecond; the file has all seven digits.
    return (
        f"CREATE OR REPLACE VIEW {stream} AS "  # noqa: S608 - a file's name
        f"SELECT {distinct} * FROM read_json('{path}', "
        "format = 'newline_delimited', sample_size = -1, timestampformat = '%Y-%m-%dT%H:%M:%S.%nZ')"
    )


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
