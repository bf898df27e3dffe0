"""Tables in databases, by URL: PostgreSQL, and all others that SQLAlchemy has a driver for."""

from collections.abc import Iterator
from functools import partial
from typing import Final
from warnings import catch_warnings, simplefilter

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError, NoSuchTableError, SAWarning, SQLAlchemyError

from tap_m365hunting.coverage_report.reduction import Row, Sql, chosen, reduce
from tap_m365hunting.coverage_report.source_names import shown_source, without_parts
from tap_m365hunting.coverage_report.tallies import Tallies
from tap_m365hunting.errors import UnusableInputError

_SCHEMES: Final = {"postgres": "postgresql"}


def read(tallies: Tallies, url: str, *, table: str) -> None:
    """Add the windows of a table in a database; the database reduces them.

    Raises:
        UnusableInputError: no driver, no connection, or no such table.
    """
    try:
        address = sa.make_url(url)
        address = address.set(drivername=_SCHEMES.get(address.drivername, address.drivername))
        engine = _engine(address)
        try:
            with engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    # elsewhere the first instant of year 1 lies before what Python's times hold
                    connection.execute(sa.text("SET TIME ZONE 'UTC'"))
                found = _reflected(connection, table)
                windows = _windows(connection, found)
                ordered = _has_times(connection, found)
                reduce(tallies, partial(_ask, connection), windows, ordered=ordered)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        reason = without_parts(url, _reason(error, table))
        raise UnusableInputError([f"{shown_source(url)}: {reason}"]) from error


def _engine(address: sa.URL) -> sa.Engine:
    with catch_warnings():
        simplefilter("ignore", SAWarning)  # of options, which it names: a secret may be among them
        return sa.create_engine(address)


def _reflected(connection: sa.Connection, table: str) -> sa.Table:
    schema, _, name = table.rpartition(".")
    return sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=connection)


def _has_times(connection: sa.Connection, found: sa.Table) -> bool:
    """Return whether the windows' bounds are times; SQLite calls texts so."""
    kinds = {column.name.lower(): column.type for column in found.columns}
    times = (isinstance(kinds[name], sa.DateTime) for name in ("window_start", "window_end"))
    return connection.dialect.name == "postgresql" and all(times)


def _windows(connection: sa.Connection, found: sa.Table) -> Sql:
    quoted = connection.dialect.identifier_preparer
    columns = {column.name.lower(): quoted.quote(column.name) for column in found.columns}
    if tenant := columns.get("tenant_id"):
        text = sa.cast(sa.literal_column(tenant), sa.String)
        columns["tenant_id"] = str(sa.func.lower(text).compile(dialect=connection.dialect))
    return chosen(quoted.format_table(found), columns, shown=found.fullname)


def _ask(connection: sa.Connection, sql: Sql) -> Iterator[Row]:
    streamed = connection.execution_options(stream_results=True, yield_per=10_000)
    # the driver would take a colon in a quoted name for a parameter
    yield from streamed.execute(sa.text(sql.replace(":", "\\:")))


def _reason(error: Exception, table: str) -> str:
    if isinstance(error, NoSuchTableError):
        return f"there is no table {table}; name it with --table"
    if isinstance(error, ImportError | NoSuchModuleError):
        return (
            f"its driver is not installed ({error}); for PostgreSQL: pip install 'psycopg[binary]'"
        )
    return str(getattr(error, "orig", None) or error).splitlines()[0]
