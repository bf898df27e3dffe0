"""One load: lines in, rows into their place, a state out when all before it is there for good."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from bulk_loader.columns import Declaration
from bulk_loader.intake import Intake, Read
from bulk_loader.lake import WORK, Lake
from bulk_loader.opening import opened
from bulk_loader.refusals import told
from bulk_loader.settings import Settings
from bulk_loader.slices import Activation, Commit, Item, Slice
from bulk_loader.sorting import COMMIT_BYTES
from bulk_loader.tables import Tables

Emit = Callable[[bytes], None]


class Place(Protocol):
    """Where rows go; nothing of it is there for good before `commit`."""

    def declare(self, declaration: Declaration) -> None:
        """Make ready for a stream's rows."""

    def add(self, part: Slice) -> None:
        """Take rows."""

    def activate(self, stream: str, version: int) -> object:
        """Take away what is of an older version."""

    def commit(self) -> None:
        """Make all of it last."""


def load(settings: Settings, read: Read, emit: Emit, *, commit_bytes: int = COMMIT_BYTES) -> int:
    """Load what `read` returns, up to its end; return the number of rows.

    A transaction ends at the first state behind so many bytes.

    Raises:
        LoadError: the load stopped; what came up to the last state that was emitted is there.
    """
    with _place(settings) as (place, folder):
        intake = Intake(read, folder, commit_bytes=commit_bytes)
        return put(intake.items(), place, emit)


def put(items: Iterable[Item], place: Place, emit: Emit) -> int:
    """Put items into a place, and emit a state after each commit."""
    rows = 0
    for item in items:
        if isinstance(item, Slice):
            with told(f"Stream {item.declaration.stream!r}"):
                place.add(item)
            item.discard()
            rows += item.rows
        elif isinstance(item, Commit):
            place.commit()
            if item.state is not None:
                emit(item.state)
        else:
            _tell(item, place)
    return rows


def _tell(item: Declaration | Activation, place: Place) -> None:
    with told(f"Stream {item.stream!r}"):
        if isinstance(item, Declaration):
            place.declare(item)
        else:
            place.activate(item.stream, item.version)


@contextmanager
def _place(settings: Settings) -> Iterator[tuple[Place, Path]]:
    """Open the place; its folder of slices is nobody else's, as the database is locked."""
    database = settings.database or Path(str(settings.parquet_dir)) / WORK / "work.duckdb"
    with closing(opened(database, settings.memory_limit)) as connection:
        folder = database.with_name(f"{database.name}.slices")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(0o700)  # rows on their way: the database's own mode is its owner's choice
        metadata = settings.add_metadata_columns
        try:
            if settings.parquet_dir is None:
                yield Tables(connection, settings.schema, add_metadata=metadata), folder
            else:
                yield Lake(connection, settings.parquet_dir, add_metadata=metadata), folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
