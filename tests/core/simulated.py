"""A service that is only a callable, and a reader that tells a planner what it answered."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant, ticks
from tap_m365hunting.planning.hash_parts import Proof
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.windows import (
    Ask,
    CountAsk,
    ReadAsk,
    TimeWindow,
    WindowAnswer,
    WindowDone,
)

Row: TypeAlias = tuple[int, int]  # cursor in ticks, id

START = Instant.parse("2026-01-01")
SECOND = TICKS_PER_SECOND


def span(seconds: int) -> TimeWindow:
    """Return a span from the start of 2026."""
    return TimeWindow(START, START.plus(seconds * SECOND))


def rows_at(cursors: Sequence[int]) -> list[Row]:
    """Give each cursor (ticks since the start of 2026) a row with an id of its own."""
    return sorted((START.ticks + at, index) for index, at in enumerate(cursors))


class RefusedError(Exception):
    """The service does not answer for so much."""

    def __init__(self, reason: str, *, size: bool) -> None:
        super().__init__(reason)
        self.size = size


@dataclass
class Service:
    """Rows in the order of their cursor, a row cap, and what is refused.

    `poison` are cursors: whatever touches one is refused, counts apart.
    """

    rows: list[Row]
    cap: int
    row_bytes: int = 1_000
    most_bytes: float = float("inf")
    widest: float = float("inf")
    poison: frozenset[int] = frozenset()
    refuse: Callable[[Ask], bool] = lambda _ask: False
    calls: int = 0
    counts: int = 0
    asked: list[Ask] = field(default_factory=list)

    def select(self, window: TimeWindow | None) -> list[Row]:
        """Return the rows of a window."""
        if window is None:
            return self.rows
        low, high = (bisect_left(self.rows, (at.ticks, -1)) for at in (window.start, window.end))
        return self.rows[low:high]

    def count(self, ask: CountAsk) -> dict[Instant, int]:
        """Say how many rows each bin holds; as in Kusto, an empty bin is not in the answer."""
        self._called(ask)
        self.counts += 1
        width = ticks(ask.bin) if ask.bin else None
        found = Counter(at // width * width if width else 0 for at, _ in self.select(ask.window))
        assert len(found) < self.cap, "a count must not be truncated itself"
        return {Instant(at): count for at, count in found.items()}

    def checksum(self, ask: CountAsk) -> int | None:
        """Return a sum that depends on the rows of the window and not on their order."""
        return sum(map(hash, self.select(ask.window))) if ask.checksum else None

    def read(self, ask: ReadAsk) -> list[Row]:
        """Return the first rows, in order, as many as the cap lets through."""
        self._called(ask)
        found = self.select(ask.window)
        if ask.part:
            found = [row for row in found if row[1] * 7919 % ask.part.of == ask.part.index]
        if ask.window and (ask.window.ticks > self.widest or self._poisoned(found)):
            reason = "The query execution was preempted"
            raise RefusedError(reason, size=False)
        if len(found[: self.cap]) * self.row_bytes > self.most_bytes:
            reason = "Query execution has exceeded the allowed result size"
            raise RefusedError(reason, size=True)
        return found[: self.cap]

    def _poisoned(self, rows: list[Row]) -> bool:
        return bool(self.poison) and not self.poison.isdisjoint(at for at, _ in rows)

    def _called(self, ask: Ask) -> None:
        self.calls += 1
        self.asked.append(ask)
        if self.refuse(ask):
            reason = "504 without a message"
            raise RefusedError(reason, size=False)


def answer_of(rows: Sequence[Row], row_bytes: int = 1_000) -> WindowAnswer:
    """Describe rows as the stream does."""
    newest = rows[-1][0] if rows else 0
    held = sum(at == newest for at, _ in rows)
    return WindowAnswer(
        rows=len(rows),
        newest=Instant(newest) if rows else None,
        held=held,
        size=len(rows) * row_bytes,
    )


class HeldRows:
    """The rows of hash parts, held until a count proves them."""

    def __init__(self) -> None:
        self._held = defaultdict[TimeWindow | None, list[Row]](list)

    def hold(self, ask: ReadAsk, rows: Sequence[Row]) -> None:
        """Keep the rows of a part."""
        self._held[ask.window] += rows

    def proven(self, ask: CountAsk, proof: Proof) -> list[Row]:
        """Return the rows that may be used by that proof."""
        if proof is Proof.OPEN:
            return []
        held = self._held.pop(ask.window, [])
        return held if proof is Proof.USABLE else []


def tell(planner: Planner, service: Service, ask: Ask, held: HeldRows | None = None) -> list[Row]:
    """Spend one call on an ask, tell the planner, and return the rows that may be used.

    Those of hash parts are `held`; without it they are as good as any.
    """
    try:
        if isinstance(ask, CountAsk):
            proof = planner.counted(ask, service.count(ask), service.checksum(ask))
            return held.proven(ask, proof) if held else []
        rows = service.read(ask)
    except RefusedError as refused:
        planner.too_large(ask, str(refused), size=refused.size)
        return []
    until = planner.answered(ask, answer_of(rows, service.row_bytes))
    usable = [row for row in rows if row[0] < until.ticks]
    if held is None or not ask.part:
        return usable
    held.hold(ask, usable)
    return []


@dataclass
class Read:
    """What a reader has at the end."""

    rows: list[Row]
    done: list[WindowDone]


def read_all(planner: Planner, service: Service, *, skip: bool = False) -> Read:
    """Read until nothing is left to ask; with `skip`, go on behind what is unreadable."""
    used, done, held = list[Row](), list[WindowDone](), HeldRows()
    while True:
        while ask := planner.next():
            used += tell(planner, service, ask, held)
            done += planner.drain()
        done += planner.drain()
        if not (skip and planner.unreadable):
            return Read(used, done)
        planner.skip()


@dataclass
class AheadRead(Read):
    """What a reader has at the end, and when that was, if every answer takes 1."""

    finished_at: int = 0


def read_ahead(planner: Planner, service: Service, *, most: int) -> AheadRead:
    """Read with so many calls out at once, the oldest window first; answers take time alone."""
    used, done, held = list[Row](), list[WindowDone](), HeldRows()
    out, now = dict[Ask, int](), 0
    while True:
        while len(out) < most and (ask := planner.next()):
            out[ask] = now + 1
        if not out:
            return AheadRead(used, done, finished_at=now)
        oldest = min(out, key=lambda ask: ask.window.start if ask.window else START)
        now = max(now, out.pop(oldest))
        used += tell(planner, service, oldest, held)
        done += planner.drain()
