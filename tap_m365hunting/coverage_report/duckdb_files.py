"""Parquet files and DuckDB databases, read by DuckDB (extra `duckdb`) in bounded memory."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tap_m365hunting.coverage_report.reduction import Row, Sql, chosen, reduce
from tap_m365hunting.coverage_report.tallies import Tallies
from tap_m365hunting.errors import UnusableInputError

if TYPE_CHECKING:
    import duckdb

#: Beyond this DuckDB writes to a temporary folder.
_MEMORY: Final = "192MB"
_AT_ONCE: Final = 10_000
_TABLES: Final = """
SELECT DISTINCT schema_name, table_name FROM duckdb_columns()
WHERE database_name = ? AND lower(table_name) = lower(?) AND (? = '' OR lower(schema_name) = ?)
"""


def read(tallies: Tallies, parquet: Sequence[str], databases: Sequence[str], *, table: str) -> None:
    """Add the windows of Parquet files (a file, a folder or a pattern) and of DuckDB files.

    Raises:
        UnusableInputError: DuckDB is not installed, or a source has no such table.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        reason = f"{(*parquet, *databases)[0]} needs DuckDB: pip install 'tap-m365hunting[duckdb]'"
        raise UnusableInputError([reason]) from error
    with tempfile.TemporaryDirectory() as folder, closing(duckdb.connect()) as connection:
        try:
            _set_up(connection, folder)
            tables = [_parquet(source) for source in parquet]
            tables += [
                _table(connection, file, f"source_{number}", table)
                for number, file in enumerate(databases)
            ]
            kinds = [_kinds(connection, table) for table in tables]
            chosen_of_all = map(_chosen, tables, kinds, (*parquet, *databases))
            windows = " UNION ALL ".join(chosen_of_all)
            ordered = all(map(_has_times, kinds))
            ask = partial(_ask, connection)
            reduce(tallies, ask, windows, text="CAST({} AS VARCHAR)", ordered=ordered)
        except (duckdb.Error, ValueError) as error:
            reason = f"{', '.join((*parquet, *databases))}: {str(error).splitlines()[0]}"
            raise UnusableInputError([reason]) from error


def _set_up(connection: "duckdb.DuckDBPyConnection", folder: str) -> None:
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    connection.execute(f"SET memory_limit = '{_MEMORY}'; SET temp_directory = {literal(folder)}")
    # each thread asks for memory of its own, and waits more for the disk than it helps
    connection.execute("SET threads = 1")


def literal(text: str) -> Sql:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> Sql:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _parquet(source: str) -> Sql:
    pattern = f"{source}/**/*.parquet" if Path(source).is_dir() else source
    return f"read_parquet({literal(pattern)}, union_by_name = true, hive_partitioning = false)"


def _table(connection: "duckdb.DuckDBPyConnection", file: str, name: str, table: str) -> Sql:
    connection.execute(f"ATTACH {literal(file)} AS {name} (READ_ONLY)")
    schema, _, short = table.rpartition(".")
    found = connection.execute(_TABLES, [name, short, schema, schema.lower()]).fetchall()
    if len(found) != 1:
        schemas = ", ".join(sorted(schema for schema, _ in found)) or "none"
        reason = f"{file}: one table {table} was expected; schemas that have it: {schemas}"
        raise UnusableInputError([reason])
    return ".".join([name, *map(quoted, found[0])])


def _kinds(connection: "duckdb.DuckDBPyConnection", table: Sql) -> dict[str, str]:
    """Return the columns with their types."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {row[0]: row[1] for row in rows}


def _chosen(table: Sql, kinds: Mapping[str, str], source: str) -> Sql:
    columns = {name.lower(): quoted(name) for name in kinds}
    if tenant := columns.get("tenant_id"):
        columns["tenant_id"] = f"lower(CAST({tenant} AS VARCHAR))"
    return chosen(table, columns, shown=source)


def _has_times(kinds: Mapping[str, str]) -> bool:
    """Return whether the windows' bounds are times, and no texts."""
    by_name = {name.lower(): kind for name, kind in kinds.items()}
    return all(by_name[name].startswith("TIMESTAMP") for name in ("window_start", "window_end"))


def _ask(connection: "duckdb.DuckDBPyConnection", sql: Sql) -> Iterator[Row]:
    answer = connection.execute(sql)
    while rows := answer.fetchmany(_AT_ONCE):
        yield from rows
