"""Reading by hash parts what cannot be cut in time: one instant, one second, a whole table.

Pure. The parts' rows together must be as many as the service counts; else all is read once more.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.pending import Stretch
from tap_m365hunting.planning.windows import (
    Ask,
    CountAsk,
    HashPart,
    ReadAsk,
    TimeWindow,
    Unreadable,
    WindowAnswer,
    WindowDone,
)

# Parts are cut for this share of the rows that one answer may hold, as a hash is never quite even.
FILL: Final = 1 / 1.2
# A part may be halved until it is this much smaller than at first.
FINEST: Final = 16
ATTEMPTS: Final = 2
# A count is cheap, and nothing can be read without it; a refusal may pass.
COUNT_TRIES: Final = 4


class PartsRead:
    """One window (or, with `None`, a whole table) read by hash parts.

    First the rows are counted, then the parts are handed out. A part that is truncated or refused
    is halved. At the end `rows` is set, or `failure` says why the window cannot be read; `came` are
    the rows that came even so.
    """

    def __init__(self, window: TimeWindow | None, *, room: int, least: int = 2) -> None:
        self.window = window
        self.rows: int | None = None
        self.expected: int | None = None
        self.failure: str | None = None
        self.calls = 0
        self.splits = 0
        self.came = 0
        self._room = room
        self._least = least
        self._attempts = 1
        self._count_asked = False
        self._counts_refused = 0
        self._finest = 0
        self._sum = 0
        self._open = 0
        self._todo: deque[HashPart] = deque()

    @property
    def finished(self) -> bool:
        """Say if nothing is left to ask, for good or ill."""
        return self.rows is not None or self.failure is not None

    def charged_to(self, todo: Stretch) -> Stretch:
        """Return the stretch with what its parts have cost."""
        return todo.plus(calls=self.calls, splits=self.splits + 1)

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited or when all is done."""
        if self.finished:
            return None
        ask: Ask | None = None
        if not self._count_asked:
            self._count_asked, ask = True, CountAsk(self.window)
        elif self._todo:
            self._open, ask = self._open + 1, ReadAsk(self.window, self._todo.popleft())
        self.calls += ask is not None
        return ask

    def counted(self, rows: int) -> None:
        """Take the count, which decides how many parts there are."""
        self.expected = rows
        of = max(self._least, -int(-rows // (self._room * FILL)))
        self._finest = of * FINEST
        self._todo.extend(HashPart(index, of) for index in range(of))
        if rows == 0:
            self._todo.clear()
        self._settle()

    def answered(self, part: HashPart, answer: WindowAnswer, *, truncated: bool) -> None:
        """Take a part's answer; a truncated one does not count, its halves will."""
        self._open -= 1
        if truncated:
            self._halve(part, f"more than {answer.rows - 1} rows in one hash part")
        else:
            self._sum += answer.rows
            self.came += answer.rows
        self._settle()

    def too_large(self, part: HashPart | None, reason: str) -> None:
        """Take a refusal of a part, or of the count if `part` is `None`."""
        if part is None:
            self._count_again(reason)
            return
        self._open -= 1
        self._halve(part, reason)

    def _count_again(self, reason: str) -> None:
        self._counts_refused += 1
        self._count_asked = False
        if self._counts_refused == COUNT_TRIES:
            self.failure = reason

    def _halve(self, part: HashPart, reason: str) -> None:
        if part.of >= self._finest:
            self.failure = reason
        else:
            self.splits += 1
            self._todo.extendleft(reversed(part.halves()))

    def _settle(self) -> None:
        if self._todo or self._open or self.finished:
            return
        if self._sum == self.expected:
            self.rows = self._sum
        elif self._attempts < ATTEMPTS:
            self._attempts += 1
            self._count_asked, self._sum = False, 0
        else:
            self.failure = f"hash parts hold {self._sum} rows where {self.expected} were counted"


class TablePlanner:
    """Reads a table that has no cursor: in one call if it fits, else by hash parts."""

    def __init__(self, *, row_cap: int) -> None:
        self._row_cap = row_cap
        self._started = False
        self._parts: PartsRead | None = None
        self.rows: int | None = None
        self.expected: int | None = None
        self.calls = 0
        self.splits = 0

    @property
    def unreadable(self) -> Unreadable | None:
        """Why the table cannot be read whole, if it cannot."""
        failed = self._parts and self._parts.failure
        return Unreadable(None, failed) if failed else None

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited or when all is done."""
        if not self._started:
            self._started = True
            ask: Ask | None = ReadAsk(None)
        else:
            ask = self._parts.next() if self._parts else None
        self.calls += ask is not None
        return ask

    def counted(self, ask: CountAsk, counts: Mapping[Instant, int]) -> None:
        """Take the count of the table's rows, under any one key."""
        del ask
        if self._parts:
            self._parts.counted(sum(counts.values()))
            self._finish()

    def answered(self, ask: ReadAsk, answer: WindowAnswer) -> Instant | None:
        """Take what came; return `None` if its rows may be used, else an instant before them all.

        Rows that may not be used come again, in smaller parts.
        """
        truncated = answer.rows >= self._row_cap
        if ask.part and self._parts:
            self._parts.answered(ask.part, answer, truncated=truncated)
            self.splits += truncated
            self._finish()
        elif truncated:
            self._split()
        else:
            self.rows = answer.rows
        return Instant(0) if truncated else None

    def too_large(self, ask: Ask, reason: str, *, size: bool = False) -> None:
        """Take a refusal: the table, or the part, is read in smaller parts."""
        del size
        if self._parts:
            self.splits += 1
            self._parts.too_large(ask.part if isinstance(ask, ReadAsk) else None, reason)
        else:
            self._split()

    @property
    def hopeless(self) -> bool:
        """Whether skipping does not help: a table that is not whole is of no use."""
        return self.unreadable is not None

    def skip(self) -> None:
        """A table that cannot be read whole is not read: there is no window to skip."""

    def drain(self) -> Iterator[WindowDone]:
        """Yield nothing: a table has no windows that finish one by one."""
        return iter(())

    def _split(self) -> None:
        self.splits += 1
        self._parts = PartsRead(None, room=self._row_cap)

    def _finish(self) -> None:
        if self._parts:
            self.rows, self.expected = self._parts.rows, self._parts.expected
