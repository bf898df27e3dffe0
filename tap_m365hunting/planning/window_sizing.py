"""The reach of one ask, learned from counts, answers and refusals.

Pure. Three things are learned apart: where the rows lie; how many rows an answer may hold (an
answer can be too large in bytes); how wide a window may be (a window can be too costly, whatever
the rows).
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.density import Density, Over, bin_width
from tap_m365hunting.planning.windows import CountAsk, TimeWindow

# "The maximum query result size of a single request can't exceed 50 MB."
# -- https://learn.microsoft.com/en-us/graph/api/security-security-runhuntingquery (2026-08-18).
# Older pages say 124 MB, so it is believed only once an answer has been refused for its size.
BYTE_CAP: Final = 50_000_000
# The service may measure otherwise than we do: stay below what was refused by a margin.
MARGIN: Final = 0.85
# How fast to feel for more after a refusal, which costs a call: at first slowly, as the limit may
# be a lasting one; for width then ever faster, as it may have been one bad spot.
MORE_BYTES: Final = 1.03
WIDENING: Final = 0.1
FASTEST: Final = 8.0
WIDEST: Final = 1e18  # ticks, more than there are
NEAR_CEILING: Final = 0.75
# So many full answers pay for a count out of their 10 %.
COUNT_AFTER: Final = 15
# So many answers to come pay for it at once, where waiting for one answer holds up others.
LONG: Final = 20
# A bin of so many answers pays for a finer count out of 10 % of them.
FINER_ABOVE: Final = 25


class WindowSizing:
    """Decides the end of the next window of a stretch."""

    def __init__(
        self,
        *,
        row_cap: int,
        narrowest: int,
        whole_steps: bool = False,
        ahead: bool = False,
        single: bool = False,
    ) -> None:
        self.rows = row_cap - 1
        self.density: Density | None = None
        self._row_cap = row_cap
        self._narrowest = narrowest
        self._whole_steps = whole_steps
        self._ahead = ahead
        self._single = single
        self._width: int | None = None
        self._ceiling = 0.0
        self._worked = 0
        self._widest = 0
        self._largest = 0
        self._full_answers = 0
        self._dense_from: Instant | None = None
        self._caution = 1.0
        self._widening = WIDENING
        self._byte_room: float | None = None
        self._row_bytes: float | None = None

    def cut(self, window: TimeWindow) -> Instant:
        """Return how far to read from the window's start."""
        start, end = window.start.ticks, window.end.ticks
        if self.density and self.density.covers(window):
            end = min(end, self.density.reach(start, self.rows, over=self._over()))
        if self._width is not None and start + self._width < end:
            end = self._edge_before(start + self._width, start)
        end = max(end, start + self._narrowest)
        if self._whole_steps:
            step = self._narrowest
            end = start if self._single else end
            end = max(end // step, start // step + 1) * step
        return min(window.end, Instant(end))

    def _edge_before(self, end: int, start: int) -> int:
        """Return the edge of a bin before an end, if there is one: then counts can be compared."""
        edges = self.density.edges if self.density else ()
        at = bisect_right(edges, end) - 1
        return edges[at] if at >= 0 and edges[at] > start else end

    def _over(self) -> Over:
        """Return the fate of rows too many: of too many bytes refused, else continued."""
        if self._byte_room is not None:
            return Over.REFUSED
        return Over.LEFT if self._ahead else Over.CONTINUED

    def expected(self, window: TimeWindow) -> int | None:
        """Return the rows of a window, where counted."""
        if self.density and self.density.covers(window):
            return self.density.expected(window)
        return None

    def count(self, window: TimeWindow) -> CountAsk | None:
        """Return the ask for a count of the window per bin, `None` if too narrow for bins."""
        width = bin_width(window, self._row_cap)
        return CountAsk(window, width) if ticks(width) < window.ticks else None

    def finer_count(self, window: TimeWindow) -> CountAsk | None:
        """Return the ask for a finer count of the bin at the window's start, if worth a call."""
        if self.density is None:
            return None
        start, end, rows = self.density.bin_at(window.start.ticks)
        start = max(start, window.start.ticks)
        if rows < FINER_ABOVE * self._row_cap or end - start <= self._narrowest:
            return None
        return self.count(TimeWindow(Instant(start), Instant(end)))

    def counted(self, ask: CountAsk, counts: Mapping[Instant, int]) -> None:
        """Learn rows per bin."""
        if ask.window and ask.bin:
            found = Density.of(ask.window, ask.bin, counts)
            self.density = self.density.finer(found) if self.density else found

    def full(self, span: TimeWindow, newest: Instant) -> bool:
        """Learn of a full answer, up to the newest row; say if a count of the rest pays now.

        With `ahead` a count pays if the rest is long at the density so far; the stretch before the
        first rows may be empty.
        """
        self._full_answers += 1
        since = self._dense_from or span.start
        answers = max(1, self._full_answers - (self._dense_from is not None))
        self._dense_from = self._dense_from or newest
        rest, read = span.end.ticks - newest.ticks, newest.ticks - since.ticks
        long = self._ahead and rest * answers >= LONG * read
        return long or self._full_answers >= COUNT_AFTER

    def read(self, window: TimeWindow, rows: int) -> int | None:
        """Learn the rows of a window; return the expected rows, where counted.

        A window with its end inside a bin expects just its own rows: the bin's other rows are
        expected of the next window, so that over a span both numbers add up to the count.
        """
        if not (self.density and self.density.covers(window)):
            return None
        whole = window.end.ticks in self.density.edges
        expected = self.density.expected(window) if whole else rows
        self.density = self.density.after(window, rows)
        return expected

    def worked(self, window: TimeWindow, rows: int, size: int) -> None:
        """Learn from an answer; after a refusal the next windows may reach a little further.

        The reach of any earlier answer is regained soon.
        """
        self._worked = max(self._worked, window.ticks)
        self._widest = max(self._widest, window.ticks)
        self._largest = max(self._largest, size)
        if self._width is not None and self._width < self._widest:
            self._width = min(2 * self._width, self._widest)
        elif self._width is not None:
            ceiling = int(self._ceiling * NEAR_CEILING)
            self._width = max(self._width, min(2 * self._width, ceiling))
            self._ceiling = min(self._ceiling * (1 + self._widening), WIDEST)
            self._widening = min(2 * self._widening, FASTEST)
        if rows and size:
            self._row_bytes = size / rows
        if self._byte_room is not None and self._row_bytes is not None:
            if size > self._byte_room / 2:
                self._byte_room = min(self._byte_room * MORE_BYTES, MARGIN * BYTE_CAP)
            self.rows = max(1, min(self._row_cap - 1, int(self._byte_room / self._row_bytes)))

    def refused_cost(self, window: TimeWindow) -> None:
        """Learn of a window too costly to answer.

        If a window hardly narrower was answered, the limit seems lasting: keep below. Else the spot
        may be a bad one: halve, and widen soon, less far with each refusal.
        """
        refused = window.ticks
        lasting = refused // 2 < self._worked < refused and self._widest < refused
        self._width = self._worked if lasting else refused // 2
        self._worked = self._width if lasting else 0
        if refused < self._widest:
            self._widest = (self._widest + refused) // 2
        self._ceiling = float(max(refused, self._widest))
        self._caution = self._caution * 2 if lasting else 1.0
        self._widening = WIDENING / self._caution

    def refused_size(self, window: TimeWindow) -> None:
        """Learn of a window with too many bytes."""
        rows = min(self.expected(window) or 0, self._row_cap)
        if rows < 2:  # noqa: PLR2004 - one row cannot be halved
            self.refused_cost(window)
            return
        guess = rows * self._row_bytes if self._row_bytes else BYTE_CAP
        # as many bytes as were answered once are not too many
        self._byte_room = max(MARGIN * min(guess, BYTE_CAP), float(self._largest))
        self.rows = max(1, min(self.rows, rows // 2))
