"""Tells in words that name the stream why DuckDB's table does not take its rows or columns.

No value is shown: DuckDB's own text has some, for example those of a key that is there twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from bulk_loader.errors import LoadError

_WITHOUT_VALUES = (duckdb.BinderException, duckdb.CatalogException, duckdb.DependencyException)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say of `what`, a stream or a column of it, that its table does not take it.

    Raises:
        LoadError: DuckDB refused, for another reason than files or memory.
    """
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        msg = (
            f"{what} cannot go into its table: {_reason(error)}; drop what stands in the way (a "
            "view, an index, a constraint), or let the loader make a table in another `schema`"
        )
        raise LoadError(msg) from error


def _reason(error: duckdb.Error) -> str:
    said = str(error).partition("\n")[0].partition(": ")[2].rstrip("!")
    if "base table" in said or "ALTER VIEW" in said:
        return "it is a view"
    known = isinstance(error, duckdb.ConstraintException) and said.startswith(("NOT NULL", "CHECK"))
    if known or isinstance(error, _WITHOUT_VALUES):
        return said
    return type(error).__name__
