"""Reading by hash parts where no cut in time is possible: one instant, one second, a whole table.

Pure. Rows of parts may be used once proven: the service counts the rows, and sums a hash of each,
before the parts are read and after. Both must agree, and the parts hold as many rows.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

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
# Rows that change while they are read are read again, three times.
ATTEMPTS: Final = 1 + 3
# A count is cheap, and nothing can be read without it; a refusal may pass.
COUNT_TRIES: Final = 4


class Proof(Enum):
    """Verdict of a count on the rows of the parts read so far."""

    OPEN = "open"
    """Nothing yet: rows are held."""

    FAILED = "failed"
    """They do not agree: rows are dropped, and come again if `PartsRead` is not finished."""

    USABLE = "usable"
    """Rows may be used."""


class Counted(Struct, frozen=True):
    """Rows counted by the service, and the sum of their hashes, if asked for."""

    rows: int
    checksum: int | None = None


class PartsRead:
    """One window (or, with `None`, a whole table) read by hash parts.

    First the rows are counted, then the parts are handed out, then the rows are counted again. A
    part truncated or refused is halved. At the end `rows` is set, or `failure` says why the window
    cannot be read. With `take_changed`, rows that never agree are taken as last read, and `changed`
    describes the difference.

    `known` rows have come before, in a truncated answer: after them a count of zero is no proof.
    """

    def __init__(
        self,
        window: TimeWindow | None,
        *,
        room: int,
        least: int = 2,
        known: int = 0,
        take_changed: bool = False,
    ) -> None:
        self.window = window
        self.rows: int | None = None
        self.expected: int | None = None
        self.failure: str | None = None
        self.changed: str | None = None
        self.calls = 0
        self.splits = 0
        self._room = room
        self._least = least
        self._known = known
        self._take_changed = take_changed
        self._attempts = 0
        self._before: Counted | None = None
        self._count_out = False
        self._counts_refused = 0
        self._finest = 0
        self._sum = 0
        self._open = 0
        self._todo: deque[HashPart] = deque()

    @property
    def finished(self) -> bool:
        """Say if there is no more to ask, for good or ill."""
        return self.rows is not None or self.failure is not None

    @property
    def unreadable(self) -> Unreadable | None:
        """The reason why the window cannot be read, if so."""
        changing = self.changed is not None
        return Unreadable(self.window, self.failure, changing) if self.failure else None

    def done(self, todo: Stretch) -> WindowDone:
        """Return the finished window, with the calls spent before the parts."""
        return replace(
            todo.plus(calls=self.calls, splits=self.splits + 1).done(self.rows or 0),
            expected=self.expected,
            gap=self.failure,
            changed=None if self.failure else self.changed,
        )

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited or when all is done."""
        if self.finished or self._count_out:
            return None
        ask: Ask | None = None
        if self._todo:
            self._open, ask = self._open + 1, ReadAsk(self.window, self._todo.popleft())
        elif not self._open:
            self._count_out, ask = True, CountAsk(self.window, checksum=True)
        self.calls += ask is not None
        return ask

    def counted(self, counted: Counted) -> Proof:
        """Take a count: the first decides the number of parts, later ones prove the rows.

        A count against the rows of one attempt is the first of the next.
        """
        self._count_out = False
        self.expected = counted.rows
        before = self._before
        if before is None:
            return self._begin(counted)
        if before == counted and self._sum == counted.rows:
            self.rows = self._sum
            return Proof.USABLE
        if self._attempts < ATTEMPTS:
            self._begin(counted)
            return Proof.FAILED
        return self._give_up(before, counted)

    def answered(self, part: HashPart, answer: WindowAnswer, *, truncated: bool) -> None:
        """Take a part's answer; a truncated answer does not count, the two halves will."""
        self._open -= 1
        if truncated:
            self._halve(part, f"more than {answer.rows - 1} rows in one hash part")
        else:
            self._sum += answer.rows

    def too_large(self, part: HashPart | None, reason: str) -> None:
        """Take a refusal of a part, or of the count if `part` is `None`."""
        if part is None:
            self._count_again(reason)
            return
        self._open -= 1
        self._halve(part, reason)

    def _begin(self, counted: Counted) -> Proof:
        self._attempts += 1
        self._before, self._sum = counted, 0
        of = max(self._least, -int(-counted.rows // (self._room * FILL)))
        self._finest = of * FINEST
        if counted.rows or self._known:
            self._todo.extend(HashPart(index, of) for index in range(of))
            return Proof.OPEN
        self.rows = 0
        return Proof.USABLE

    def _give_up(self, before: Counted, after: Counted) -> Proof:
        """Describe the difference between the rows of the last attempt and the count."""
        counts = (
            f"hash parts hold {self._sum} rows where {before.rows} were counted before and "
            f"{after.rows} after"
        )
        same = self._sum == before.rows == after.rows
        what = f"other values in {after.rows} rows after they were read" if same else counts
        self.changed = f"agrees in none of {ATTEMPTS} readings: {what}"
        if self._take_changed:
            self.rows = self._sum
            return Proof.USABLE
        self.failure = self.changed
        return Proof.FAILED

    def _count_again(self, reason: str) -> None:
        self._counts_refused += 1
        self._count_out = False
        if self._counts_refused == COUNT_TRIES:
            self.failure = reason

    def _halve(self, part: HashPart, reason: str) -> None:
        if part.of >= self._finest:
            self.failure = reason
        else:
            self.splits += 1
            self._todo.extendleft(reversed(part.halves()))


class PartedWindows:
    """The windows of a span to be read by hash parts, oldest first."""

    def __init__(self, *, take_changed: bool) -> None:
        self._take_changed = take_changed
        self._reads = list[tuple[PartsRead, Stretch]]()
        self._open = dict[Ask, PartsRead]()

    @property
    def unreadable(self) -> Unreadable | None:
        """The oldest window unreadable even at its narrowest."""
        return next((r.unreadable for r, _ in self._reads if r.unreadable), None)

    def add(self, todo: Stretch, *, room: int, least: int, known: int = 0) -> None:
        """Read a window by hash parts, as `PartsRead` does."""
        take = self._take_changed
        parts = PartsRead(todo.window, room=room, least=least, known=known, take_changed=take)
        self._reads.append((parts, todo))

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited or when all is done."""
        for parts, _ in self._reads:
            if ask := parts.next():
                self._open[ask] = parts
                return ask
        return None

    def counted(self, ask: CountAsk, counted: Counted) -> Proof:
        """Take a count."""
        return self._open.pop(ask).counted(counted)

    def answered(self, ask: ReadAsk, part: HashPart, answer: WindowAnswer, cap: int) -> bool:
        """Take a part's answer; return whether all rows fit under the cap."""
        truncated = answer.rows >= cap
        self._open.pop(ask).answered(part, answer, truncated=truncated)
        return not truncated

    def too_large(self, ask: Ask, reason: str) -> bool:
        """Take a refusal, if the ask was for a window here; return whether so."""
        parts = self._open.pop(ask, None)
        if parts:
            parts.too_large(ask.part if isinstance(ask, ReadAsk) else None, reason)
        return parts is not None

    def skip(self) -> Iterator[WindowDone]:
        """Give up the oldest unreadable window, as a gap."""
        yield from self._taken(lambda parts: parts.failure is not None, most=1)

    def finished(self) -> Iterator[WindowDone]:
        """Hand out the windows with proven parts, once."""
        yield from self._taken(lambda parts: parts.rows is not None)

    def _taken(
        self, wanted: Callable[[PartsRead], bool], most: int | None = None
    ) -> Iterator[WindowDone]:
        for entry in [entry for entry in self._reads if wanted(entry[0])][:most]:
            self._reads.remove(entry)
            parts, todo = entry
            yield parts.done(todo)
