"""Places where `hunting_windows` was loaded: files of lines, Parquet or DuckDB, and databases."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from tap_m365hunting.coverage_report.json_lines import windows
from tap_m365hunting.coverage_report.tallies import Tallies
from tap_m365hunting.errors import UnusableInputError

STDIN: Final = "-"


def read(sources: list[str]) -> Tallies:
    """Read all sources into one set of tallies.

    Raises:
        UnusableInputError: a source is not there, or holds no `hunting_windows`.
    """
    tallies = Tallies()
    for source in sources:
        with _opened(source) as lines:
            for record in windows(lines, source=source):
                tallies.add(record)
    return tallies


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if source == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(source).open("rb") as file:
            if source.endswith(".gz"):
                with gzip.GzipFile(fileobj=file) as text:
                    yield cast("BinaryIO", text)
            else:
                yield file
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableInputError([f"{source}: {error}"]) from error
