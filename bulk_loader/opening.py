"""Opens the one database of a load."""

from pathlib import Path
from typing import Final

import duckdb

from bulk_loader.errors import LoadError
from bulk_loader.file_names import shown_name

#: A slice is read by one thread in any case, and takes half the processor time if there is no
#: other.
ONE_THREAD: Final = "SET threads = 1"
# An extension that a query asks for would be fetched
_OFFLINE: Final = "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false"


def opened(database: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open a database.

    Raises:
        LoadError: another process has it open, or it is none.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(database), config={"memory_limit": memory_limit})
    except (duckdb.Error, OSError) as error:
        named, said = shown_name(database), str(error).splitlines()[0]
        if isinstance(error, duckdb.IOException) and "lock" in said.lower():
            msg = (
                f"{named} is open in another process, and only one can write; "
                "end the other one, or let it open the file read-only after this load"
            )
        else:
            why = said if named == str(database) else type(error).__name__
            msg = f"{named} cannot be opened: {why}"
        raise LoadError(msg) from error
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(ONE_THREAD)
    connection.execute(_OFFLINE)
    # it would stand between the states on standard output
    connection.execute("SET enable_progress_bar = false")
    return connection
