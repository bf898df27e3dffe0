"""Opens the one database of a load."""

from pathlib import Path
from typing import Final

import duckdb

from bulk_loader.errors import LoadError

#: A slice is read by one thread in any case, and takes half the processor time if there is no
#: other.
ONE_THREAD: Final = "SET threads = 1"


def opened(database: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open a database.

    Raises:
        LoadError: another process has it open, or it is none.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(database), config={"memory_limit": memory_limit})
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            msg = (
                f"{database} is open in another process, and only one can write; "
                "end the other one, or let it open the file read-only after this load"
            )
            raise LoadError(msg) from error
        msg = f"{database} cannot be opened: {str(error).splitlines()[0]}"
        raise LoadError(msg) from error
    except (duckdb.Error, OSError) as error:
        msg = f"{database} cannot be opened: {str(error).splitlines()[0]}"
        raise LoadError(msg) from error
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(ONE_THREAD)
    # it would stand between the states on standard output
    connection.execute("SET enable_progress_bar = false")
    return connection
