"""The time for a count of rows per bin, and the proof in the counts.

Pure. Each full answer makes the service order all remaining rows, and CPU is rationed. So after 15
full answers, whose 10 % allowance pays for the call, the rest is counted per bin, and windows end
at the bin's edge where an answer is full, or nearly. Stretches without rows cost no call. A bin
with more than 25 answers is counted finer, and 10 % of those answers pay for the count again. For
calls in parallel the rest is counted after the first full answer already, if 20 more seem to
follow; windows then end where rows fit, so that asks are known before the answers. If just the
span's start was dense, the count is one call more than the bound.

A count is believed only as far as nothing else speaks against it: known rows must be among the
counted rows, and the windows of a bin must bring as many rows as were counted.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.pending import PendingWindows
from tap_m365hunting.planning.window_sizing import WindowSizing
from tap_m365hunting.planning.windows import CountAsk, TimeWindow, WindowDone

# A count that leaves out rows known to be there is asked for once more, and then never again.
_MOST_DENIALS: Final = 2


class BinCounts:
    """The counts of one span: asks for them through its `sizing`, and holds windows against them.

    With `allowed` false there is no column to count by. It is `due` when it pays.
    """

    def __init__(self, sizing: WindowSizing, *, allowed: bool) -> None:
        self.allowed = allowed
        self.due = False
        self.asked: CountAsk | None = None
        self._sizing = sizing
        self._counted: Density | None = None
        self._since = Instant(0)
        self._brought = dict[int, tuple[int, int | None]]()
        self._known: tuple[Instant, int] | None = None
        self._denials = 0
        self._doubted: TimeWindow | None = None
        self._doubts = set[TimeWindow]()
        self._too_many_bytes: TimeWindow | None = None

    def next(self, todo: PendingWindows, end: Instant) -> CountAsk | None:
        """Return the count to ask for before the rest until `end`, charged to the rest."""
        self.asked = self._next(todo.head, end) if self.allowed and todo else None
        todo.charge(self.asked is not None)
        return self.asked

    def _next(self, head: TimeWindow, end: Instant) -> CountAsk | None:
        if self._doubted:
            ask, self._doubted = self._sizing.count(self._doubted), None
        elif self._sizing.density:
            ask = self._sizing.finer_count(head)
        else:
            ask = self._sizing.count(TimeWindow(head.start, end)) if self.due else None
        return ask

    def counted(
        self, ask: CountAsk, counts: Mapping[Instant, int], *, kept_from: Instant | None
    ) -> None:
        """Take the rows per bin, unless they leave out rows that have come already.

        Rows before `kept_from` may have been there once, so no bin before it is called empty.
        """
        self.asked = None
        if self._denied(ask, counts):
            self._denials += 1
            self.allowed = self._denials < _MOST_DENIALS
            return
        self._sizing.counted(ask, counts)
        self._learn_size()
        if ask.window and ask.bin:
            found = Density.of(ask.window, ask.bin, counts)
            self._counted = self._counted.finer(found) if self._counted else found
        self._since = max(self._since, kept_from or self._since)

    def refused(self) -> None:
        """Do without: the service does not answer a count."""
        self.asked = None
        self.allowed = False
        self._learn_size()

    def came(self, span: TimeWindow, newest: Instant, held: int) -> None:
        """Learn from a full answer in a span, of whose newest instant so many rows are known."""
        self.due |= self._sizing.full(span, newest)
        self._known = (newest, held)

    def narrowed(self, window: TimeWindow, *, size: bool) -> None:
        """Learn that a window was too much to be answered; `size` says that it was its bytes.

        How many rows were too many bytes is known once they are counted.
        """
        self.due = True
        if not size:
            self._sizing.refused_cost(window)
        elif self._sizing.density is None and self.allowed:
            self._too_many_bytes = window
        else:
            self._sizing.refused_size(window)

    def is_empty(self, window: TimeWindow) -> bool:
        """Say if the window was counted and holds no row; an estimate says nothing.

        Bins come in order, so an answer that was cut lacks the last ones: a stretch is believed to
        be empty if rows were counted behind it.
        """
        counted = self._counted
        if counted is None or window.start < self._since or not counted.is_empty(window):
            return False
        return counted.before(window.end.ticks) < counted.total

    def short(self, window: TimeWindow, rows: int) -> TimeWindow | None:
        """Return the stretch with fewer rows than counted, up to the end of a window.

        The stretch is the window, with earlier windows in the same bin; `None` if all is well, or
        unknown.
        """
        counted = self._counted
        if counted is None or not counted.covers(window) or not self._is_edge(window.end.ticks):
            return None
        start, total = window.start.ticks, rows
        while not self._is_edge(start):
            before, brought = self._brought.get(start, (0, None))
            if brought is None:
                return None
            start, total = before, total + brought
        region = TimeWindow(Instant(start), window.end)
        return region if total < counted.expected(region) else None

    def compared(self, done: WindowDone, *, aged: bool) -> tuple[WindowDone, bool]:
        """Return a window with the rows that were expected of it, and whether it closes.

        It does if nothing that was counted reaches over its end. With `aged` the service may no
        longer have had all of its rows, so they prove nothing, nor do those of a gap.
        """
        window, counted = done.window, self._counted
        if counted is not None:
            rows = None if aged or done.gap else done.rows
            self._brought[window.end.ticks] = (window.start.ticks, rows)
        expected = self._sizing.read(window, done.rows)
        if done.expected is None:
            done = replace(done, expected=expected)
        covered = counted is not None and counted.covers(window)
        return done, not covered or self._is_edge(window.end.ticks)

    def doubt(self, region: TimeWindow) -> bool:
        """Have a stretch counted anew, and read in narrower windows, whose rows are too few.

        Say if that was done: it is of use once, and only where counts are answered.
        """
        if not self.allowed or region in self._doubts:
            return False
        self._doubts.add(region)
        self._doubted = region
        self._sizing.refused_cost(region)
        return True

    def _learn_size(self) -> None:
        if window := self._too_many_bytes:
            self._too_many_bytes = None
            self._sizing.refused_size(window)

    def _is_edge(self, tick: int) -> bool:
        edges = self._counted.edges if self._counted else ()
        at = bisect_left(edges, tick)
        return at < len(edges) and edges[at] == tick

    def _denied(self, ask: CountAsk, counts: Mapping[Instant, int]) -> bool:
        """Say if a count leaves out rows that are known to be there."""
        if not (self._known and ask.window and ask.bin) or self._known[0] not in ask.window:
            return False
        (newest, held), wide = self._known, ticks(ask.bin)
        return held > sum(n for at, n in counts.items() if at <= newest < at.plus(wide))
