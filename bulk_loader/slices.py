"""Lines of one stream on their way into DuckDB, in a file of their own."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bulk_loader.columns import Declaration

Json = bytes


class Slice:
    """Rows of one stream under one declaration, as lines in a file.

    `mark` remembers how far it goes at a STATE, `cut` takes away what came later.
    """

    def __init__(self, declaration: Declaration, path: Path, received: datetime) -> None:
        self.declaration = declaration
        self.path = path
        self.received = received
        self.rows = 0
        self.size = 0
        self.longest = 0
        self._file = path.open("wb")
        self._starts: list[int] = []
        self._lines: list[int] = []
        self._marked = (0, 0)

    def add(self, text: bytes, *, rows: int, line: int, longest: int) -> None:
        """Append lines, of which the first is this line of the input."""
        if not self._lines or self._lines[-1] + self.rows - self._starts[-1] != line:
            self._starts.append(self.rows)
            self._lines.append(line)
        self._file.write(text)
        self.rows += rows
        self.size += len(text)
        self.longest = max(self.longest, longest)

    def mark(self) -> None:
        """Remember the end."""
        self._marked = (self.rows, self.size)

    def cut(self) -> None:
        """Forget the rows since `mark`."""
        self.rows, self.size = self._marked
        self._file.flush()
        self._file.truncate(self.size)

    def close(self) -> None:
        """Write what is left to the file."""
        self._file.close()

    def discard(self) -> None:
        """Remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def line(self, row: int) -> int:
        """Return the line of the input that holds a row, counted from 0."""
        at = bisect_right(self._starts, row) - 1
        return self._lines[at] + row - self._starts[at]


@dataclass(frozen=True, slots=True)
class Activation:
    """Only rows of this version stay."""

    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class Commit:
    """All before it belongs together; then comes this state, if there is one."""

    state: Json | None


Item = Slice | Declaration | Activation | Commit


def now() -> datetime:
    """Return the time, in UTC without saying so, as DuckDB takes it."""
    return datetime.now(UTC).replace(tzinfo=None)
