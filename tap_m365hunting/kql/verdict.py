"""The verdict on a query before any call: how to read the query, and its problems.

Pure.
"""

from datetime import timedelta
from enum import Enum
from typing import Final, Literal, Self

from msgspec import Struct

from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.printable import masked


class Mode(Enum):
    """How a query becomes calls; the names are Singer's replication methods, but for WINDOWED."""

    INCREMENTAL = "incremental"
    """The tap bounds the result by its cursor."""

    WINDOWED = "windowed"
    """The query bounds itself by `window_start` and `window_end`."""

    FULL_TABLE = "full_table"
    """The query runs as it stands, each run."""


class Problem(Struct, frozen=True):
    """A problem of a query, at a place in the user's own text (from 1)."""

    severity: Literal["error", "warning"]
    line: int
    column: int
    operator: str | None
    message: str

    @classmethod
    def of(cls, error: QueryTextError) -> Self:
        """Take an unreadable text as a problem like any other."""
        return cls("error", error.line, error.column, None, masked(str(error)))


class RowIdentity(Struct, frozen=True):
    """The columns after `by` in a grouping; `None` without groups, or if the text is unclear.

    `bins` are the times among the columns, rounded down to bins. With `whole` a row of the result
    is a row of a table. With `additive` a window has the rows of all its parts.
    """

    by: tuple[str, ...] | None = None
    bins: tuple[str, ...] = ()
    whole: bool = False
    additive: bool = False


#: Rows of a table.
WHOLE: Final = RowIdentity(whole=True, additive=True)
#: Rows of which nothing is known.
OTHER: Final = RowIdentity()


class Verdict(Struct, frozen=True):
    """How a query will be read.

    `cursor` is the column bounded by windows, `None` without windows over a column. `bin` is the
    width of the bins of the cursor (or, for WINDOWED, of any column): windows start and end at
    whole multiples, counted from 0001-01-01. `identity` tells rows apart, and says if several
    windows may be read as one.
    """

    mode: Mode
    cursor: str | None
    problems: tuple[Problem, ...]
    bin: timedelta | None = None
    identity: RowIdentity = OTHER

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about a query that may run, each with its place."""
        return tuple(
            f"line {problem.line}, column {problem.column}: {problem.message}"
            for problem in self.problems
            if problem.severity == "warning"
        )

    @property
    def ok(self) -> bool:
        """Whether the query may run."""
        return all(problem.severity != "error" for problem in self.problems)
