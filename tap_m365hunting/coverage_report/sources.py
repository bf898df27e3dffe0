"""Places where `hunting_windows` was loaded: files of lines, Parquet or DuckDB, and databases."""

import gzip
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from tap_m365hunting.configuration.file_names import is_there
from tap_m365hunting.coverage_report import databases, duckdb_files
from tap_m365hunting.coverage_report.json_lines import windows
from tap_m365hunting.coverage_report.source_names import shown_source
from tap_m365hunting.coverage_report.tallies import Tallies
from tap_m365hunting.errors import UnusableInputError

STDIN: Final = "-"
_BLOCK: Final = 1 << 18
_Kind = Literal["lines", "parquet", "duckdb", "database"]
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_SQLITE: Final = b"SQLite format 3\0"
# DuckDB's mark stands behind a checksum of eight bytes.
_DUCKDB: Final = slice(8, 12), b"DUCK"


def read(sources: Sequence[str], *, table: str) -> Tallies:
    """Read all sources into one set of tallies.

    Raises:
        UnusableInputError: a source is not there, or holds no `hunting_windows`.
    """
    tallies = Tallies()
    kinds: dict[_Kind, list[str]] = {"lines": [], "parquet": [], "duckdb": [], "database": []}
    for source in dict.fromkeys(sources):
        kind, place = _kind(source, table)
        kinds[kind].append(place)
    for source in kinds["lines"]:
        with _opened(source) as file:
            for record in windows(_blocks(file), source=source):
                tallies.add(record)
    if kinds["parquet"] or kinds["duckdb"]:
        duckdb_files.read(tallies, kinds["parquet"], kinds["duckdb"], table=table)
    for url in kinds["database"]:
        databases.read(tallies, url, table=table)
    return tallies


def _kind(source: str, table: str) -> tuple[_Kind, str]:
    """Return the kind of a source, by the first bytes of a file, and the place."""
    if "://" in source:
        return "database", source
    path, there = Path(source), source == STDIN or is_there(source)
    if (there and path.is_dir()) or (source.endswith(".parquet") and not there):
        own = path / table  # as a loader of Parquet has it, beside the other streams
        return "parquet", str(own) if own.is_dir() else source
    if source == STDIN or (there and not path.is_file()):
        return "lines", source  # a pipe gives its bytes once
    head = _head(path)
    if head.startswith(_SQLITE):
        return "database", f"sqlite:///{path.absolute()}"
    if head[_DUCKDB[0]] == _DUCKDB[1]:
        return "duckdb", source
    return ("parquet" if head.startswith(_PARQUET) else "lines"), source


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file has such a name"
        raise UnusableInputError([f"{shown_source(str(path))}: {why}"]) from error


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield blocks of whole lines."""
    while block := file.read(_BLOCK):
        yield block + file.readline()


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    """Open a file, a pipe or standard input once; gzip is inflated."""
    try:
        with nullcontext(_stdin()) if source == STDIN else Path(source).open("rb") as file:
            if file.peek(len(_GZIP)).startswith(_GZIP):
                with gzip.GzipFile(fileobj=file) as text:
                    yield cast("BinaryIO", text)
            else:
                yield file
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableInputError([f"{source}: {error}"]) from error


def _stdin() -> BufferedReader:
    given = sys.stdin.buffer
    return given if isinstance(given, BufferedReader) else BufferedReader(cast("RawIOBase", given))
