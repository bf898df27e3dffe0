"""Rows over time, and the reach of one answer.

Pure. A density comes from one count per bin; each answer makes the density more exact.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from itertools import accumulate
from operator import lt
from typing import Final, Self

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant, ticks
from tap_m365hunting.planning.windows import TimeWindow

MOST_BINS: Final = 5_000
DAY: Final = timedelta(days=1)


class Over(Enum):
    """Fate of the rows beyond the room of one answer.

    The value is the share of the room to be used by a window with its end at a bin's edge.
    """

    #: The next answer begins with them: nothing is lost by reaching too far.
    CONTINUED = 0.97
    #: The answer behind them is on its way already, so they cost a call of their own.
    LEFT = 0.92
    #: The whole answer is refused.
    REFUSED = 0.7


# A window that ends inside a bin is cut for this share of the room, as an estimate may be wrong.
INSIDE: Final = 0.95
COARSE: Final = 0.25


def bin_width(window: TimeWindow, row_cap: int) -> timedelta:
    """Return the bin for counting a window in one call, fine but below the row cap itself.

    Bins divide a day or are whole days, so the service may start to count anywhere.

    >>> hour = TimeWindow(Instant.parse("2026-01-01"), Instant.parse("2026-01-01T01:00:00Z"))
    >>> bin_width(hour, 100)
    datetime.timedelta(seconds=40)
    """
    most = max(1, min(MOST_BINS, row_cap - 3))
    least = -(-window.ticks // (most * TICKS_PER_SECOND))
    day = DAY // timedelta(seconds=1)
    fits = (s for s in range(max(1, least), day + 1) if day % s == 0)
    return timedelta(seconds=next(fits, -(-least // day) * day))


@dataclass(frozen=True, slots=True)
class Density:
    """Rows per bin: bin `i` goes from `edges[i]` to `edges[i + 1]`, in ticks, and holds `rows[i]`.

    A bin never cut holds exactly the counted rows; a part of a bin is an estimate.
    """

    edges: tuple[int, ...]
    rows: tuple[int, ...]
    _sums: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rising = all(map(lt, self.edges, self.edges[1:]))
        if len(self.edges) != len(self.rows) + 1 or not rising:
            msg = "A density needs rising edges, one more than bins"
            raise ValueError(msg)
        object.__setattr__(self, "_sums", tuple(accumulate(self.rows, initial=0)))

    @classmethod
    def of(cls, window: TimeWindow, width: timedelta, counts: Mapping[Instant, int]) -> Self:
        """Take the counts of a window by the start of each bin; missing bins are empty."""
        low, high, wide = window.start.ticks, window.end.ticks, ticks(width)
        bins = {max(low, at.ticks): (min(high, at.ticks + wide), n) for at, n in counts.items()}
        edges, rows = [low], list[int]()
        for start, (end, count) in sorted(bins.items()):
            if start > edges[-1]:
                edges.append(start)
                rows.append(0)
            edges.append(end)
            rows.append(count)
        if edges[-1] < high:
            edges.append(high)
            rows.append(0)
        return cls(tuple(edges), tuple(rows))

    @property
    def total(self) -> int:
        """All rows."""
        return self._sums[-1]

    def bin_at(self, tick: int) -> tuple[int, int, int]:
        """Return start, end and rows of the bin around a tick, or of the nearest bin."""
        at = min(max(bisect_right(self.edges, tick) - 1, 0), len(self.rows) - 1)
        return self.edges[at], self.edges[at + 1], self.rows[at]

    def before(self, tick: int) -> int:
        """Return the rows before a tick, with a proportional share of the tick's own bin."""
        start, end, rows = self.bin_at(tick)
        inside = min(max(tick - start, 0), end - start)
        return self._sums[bisect_left(self.edges, start)] + rows * inside // (end - start)

    def expected(self, window: TimeWindow) -> int:
        """Return the rows of a window; over neighbours the estimates add up without a rest."""
        return self.before(window.end.ticks) - self.before(window.start.ticks)

    def covers(self, window: TimeWindow) -> bool:
        """Say if the window lies in the counted span."""
        return self.edges[0] <= window.start.ticks and window.end.ticks <= self.edges[-1]

    def is_empty(self, window: TimeWindow) -> bool:
        """Say if every bin touched by the window was counted, and each was empty."""
        first = bisect_right(self.edges, window.start.ticks) - 1
        last = bisect_left(self.edges, window.end.ticks)
        return self.covers(window) and self._sums[first] == self._sums[last]

    def reach(self, start: int, room: int, *, over: Over = Over.CONTINUED) -> int:
        """Return how far to ask from `start` for an answer of about `room` rows.

        The answer is the last edge within the room, if the room is then nearly full. Else the cost
        of going over decides: where the rest can be continued, going over is free, so the next edge
        is taken and the answer is surely full; where not, the cut is put inside the bin. (A bin too
        coarse for the room is not cut: the rest is rather waited for.)
        """
        taken = self.before(start)
        fit = max(bisect_right(self._sums, taken + room) - 1, 0)
        full = self._sums[fit] - taken
        if self.edges[fit] > start and (fit == len(self.rows) or full >= over.value * room):
            return self.edges[fit]
        coarse = self.rows[fit] > COARSE * room
        if over is Over.CONTINUED or (over is Over.LEFT and coarse):
            return self.edges[bisect_right(self.edges, max(start, self.edges[fit]))]
        if over is Over.LEFT:
            room = int(room * INSIDE)
        return self.point(taken + room)

    def point(self, rows: int) -> int:
        """Return the tick with about so many rows before."""
        at = min(max(bisect_right(self._sums, rows) - 1, 0), len(self.rows) - 1)
        start, end, inside = self.edges[at], self.edges[at + 1], self.rows[at]
        return start + (end - start) * (rows - self._sums[at]) // max(1, inside)

    def after(self, window: TimeWindow, rows: int) -> Self:
        """Learn the real rows of a window; the rest of a bin keeps the remainder."""
        low, high = window.start.ticks, window.end.ticks
        end = self.bin_at(high - 1)[1]
        rest = max(0, self.before(end) - self.before(low) - rows)
        return self._spliced((low, high), (rows,), rest)

    def finer(self, counted: Self) -> Self:
        """Put a finer count of a span in the place of its bins."""
        return self._spliced(counted.edges, counted.rows, 0)

    def _spliced(self, edges: tuple[int, ...], rows: tuple[int, ...], rest: int) -> Self:
        """Replace the part between edges covered by this density, cutting the bins at both ends.

        Of a bin with rows the left part keeps at least one row, the right part the `rest`.
        """
        low, high = edges[0], edges[-1]
        first, last = bisect_right(self.edges, low) - 1, bisect_left(self.edges, high)
        left, right = tuple[int, ...](), tuple[int, ...]()
        if (start := self.edges[first]) < low:
            edges = (start, *edges)
            left = (self.rows[first] and max(1, self.before(low) - self.before(start)),)
        if (end := self.edges[last]) > high:
            edges = (*edges, end)
            right = (self.rows[last - 1] and rest,)
        return type(self)(
            self.edges[:first] + edges + self.edges[last + 1 :],
            self.rows[:first] + left + rows + right + self.rows[last:],
        )
