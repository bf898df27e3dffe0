"""Rewrites the file of a slice where DuckDB prints a value of its lines in other words.

To look through all lines is a fifth of the price of a load: so it is done only where a value that
was read may be such a one.
"""

from mmap import ACCESS_READ, mmap
from pathlib import Path

from bulk_loader.complaints import of_record
from bulk_loader.errors import LoadError
from bulk_loader.exact_cells import ExactCells, printed_anew
from bulk_loader.slices import Slice


def rewrite(part: Slice) -> bool:
    """Let cells that are no texts be texts, exactly as they are written; say if there were any.

    Raises:
        LoadError: a line is none that Singer allows, though DuckDB reads it.
    """
    if not _concerned(part.path):
        return False
    exact = ExactCells(part.declaration)
    fresh = part.path.with_suffix(".exact")
    with part.path.open("rb") as lines, fresh.open("wb") as rewritten:
        for row, line in enumerate(lines):
            text = _rewritten(exact, line, part, row) if printed_anew(line) else line
            part.longest = max(part.longest, len(text))
            rewritten.write(text)
    fresh.replace(part.path)
    return True


def _concerned(path: Path) -> bool:
    with (
        path.open("rb") as file,
        mmap(file.fileno(), 0, access=ACCESS_READ) as lines,
        memoryview(lines) as whole,
    ):
        return printed_anew(whole)


def _rewritten(exact: ExactCells, line: bytes, part: Slice, row: int) -> bytes:
    try:
        return exact.rewritten(line)
    except (ValueError, RecursionError) as error:
        msg = f"Line {part.line(row)} {of_record(line)}"
        raise LoadError(msg) from error
