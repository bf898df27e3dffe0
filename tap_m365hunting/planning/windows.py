"""Spans of time, the asks about them, and the answers.

Pure. The planner hands out asks; the stream spends a call on each and reports the answer.
"""

from datetime import timedelta
from typing import Self, TypeAlias

from msgspec import Struct

from tap_m365hunting.instants import Instant


class TimeWindow(Struct, frozen=True, order=True):
    """A half-open span of time: `start` is inside, `end` is not.

    Neighbours share a bound, so a row falls in exactly one window.
    """

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        if self.start >= self.end:
            msg = f"Window starts at {self.start}, not before its end {self.end}"
            raise ValueError(msg)

    @classmethod
    def at(cls, instant: Instant) -> Self:
        """Return the narrowest window around an instant: one tick."""
        return cls(instant, instant.plus(1))

    @property
    def ticks(self) -> int:
        """The window's width in ticks of 100 ns, at least 1."""
        return self.end.ticks - self.start.ticks

    def halves(self) -> tuple[Self, Self]:
        """Cut in the middle; the parts share the cut and cover the window.

        Raises:
            ValueError: the window is a single tick wide.
        """
        middle = self.start.plus(self.ticks // 2)
        return type(self)(self.start, middle), type(self)(middle, self.end)

    def __contains__(self, instant: Instant) -> bool:
        return self.start <= instant < self.end

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


class HashPart(Struct, frozen=True):
    """The rows with a hash of `index` modulo `of`. All parts together hold every row."""

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            msg = f"Hash part {self.index} of {self.of} does not exist"
            raise ValueError(msg)

    def halves(self) -> tuple[Self, Self]:
        """Return two parts with exactly the rows of the whole."""
        return type(self)(self.index, 2 * self.of), type(self)(self.index + self.of, 2 * self.of)


class CountAsk(Struct, frozen=True):
    """Count the rows of a window, per `bin` of the cursor, or all together.

    A `window` of `None` is the whole table. With `checksum` a hash of each row is summed, too.
    """

    window: TimeWindow | None
    bin: timedelta | None = None
    checksum: bool = False


class ReadAsk(Struct, frozen=True):
    """Read the rows of a window, or one hash part of them, ordered by the cursor.

    A `window` of `None` is the whole table. `expected` is the number of rows, where counted.
    """

    window: TimeWindow | None
    part: HashPart | None = None
    expected: int | None = None

    def window_of(self, answer: "WindowAnswer") -> TimeWindow:
        """Return the window of the ask; the answer must lie inside.

        Raises:
            ValueError: the newest row lies outside, or the ask was for a whole table.
        """
        if self.window is None:
            msg = "A window was not asked for, so none was answered"
            raise ValueError(msg)
        if answer.newest is not None and answer.newest not in self.window:
            msg = f"A row at {answer.newest} came for the window {self.window}"
            raise ValueError(msg)
        return self.window


Ask: TypeAlias = CountAsk | ReadAsk


class AnswerTimes(Struct, frozen=True):
    """When a query was asked, at the latest, and when it was answered, at the latest.

    Both by the service's own clock, where the answer tells its time.
    """

    asked: Instant
    answered: Instant


class WindowAnswer(Struct, frozen=True):
    """The answer to a `ReadAsk`: `rows` in all; the last `held` rows share the cursor `newest`.

    `size` is the length of the answer in bytes, 0 if not known; `aged` of the rows lay beyond
    retention on arrival. `times` are those of the last of the `calls` taken.
    """

    rows: int
    newest: Instant | None = None
    held: int = 0
    size: int = 0
    aged: int = 0
    calls: int = 1
    times: AnswerTimes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.held <= self.rows:
            msg = f"An answer of {self.rows} rows cannot hold back {self.held}"
            raise ValueError(msg)


class WindowDone(Struct, frozen=True):
    """A window that is finished: read whole, or given up as a gap if `gap` says why.

    `calls` counts what was spent on it, counts and refused calls included; `splits` how often it
    was narrowed. `expected` is the number of rows, where counted. `changed` says how rows that
    were taken differ from what was counted, as they changed while they were read. A gap that is
    `lost` is older than retention: no later run can read it.
    """

    window: TimeWindow
    rows: int
    expected: int | None = None
    calls: int = 0
    splits: int = 0
    gap: str | None = None
    changed: str | None = None
    lost: bool = False


class Unreadable(Struct, frozen=True):
    """A window unreadable even at its narrowest; a `window` of `None` is a whole table.

    The rows may be `changing` at each read.
    """

    window: TimeWindow | None
    reason: str
    changing: bool = False

    def __str__(self) -> str:
        """Say what cannot be read, and what can be done."""
        where = f"between {self.window}" if self.window else "in the whole table"
        if self.changing:
            return (
                f"What the service holds {where} {self.reason}; read it when it is at rest, or set "
                "on_changing_rows to take"
            )
        return (
            f"The service cannot answer {where}, however narrowly it is asked: {self.reason}; "
            "select less in the query, or set on_unreadable_window to skip"
        )
