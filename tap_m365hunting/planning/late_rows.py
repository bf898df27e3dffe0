"""Late rows in the lookback: rows absent a run ago.

Pure. A run leaves a tally behind, rows per bin of the stretch to be read again; the next run
compares. Known is the bin of a late row, not the row itself.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final, NamedTuple, Self, TypeAlias

from msgspec import Struct

from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.spans import overlap, span_between
from tap_m365hunting.planning.windows import TimeWindow, WindowDone
from tap_m365hunting.wording import plural

JsonTally: TypeAlias = dict[str, str | int | list[int | None]]

#: Enough to say how wide a lookback should be, and few enough for a state that people read.
MOST_BINS: Final = 16
_MINUTE: Final = timedelta(minutes=1)
_MINUTE_TICKS: Final = ticks(_MINUTE)


class LookbackCounts(Struct, frozen=True):
    """Rows per bin of the stretch before a bookmark; `None` where not known.

    Bins are `minutes` wide, counted back from the `end`, so `start` may cut the first bin.
    """

    start: Instant
    end: Instant
    minutes: int
    rows: tuple[int | None, ...]

    def __post_init__(self) -> None:
        wide = self.minutes * _MINUTE_TICKS
        if wide < 1 or -(-(self.end.ticks - self.start.ticks) // wide) != len(self.rows):
            msg = f"{len(self.rows)} bins of {self.minutes} min are not {self.start} to {self.end}"
            raise ValueError(msg)

    @property
    def bins(self) -> Iterator[tuple[TimeWindow, int | None]]:
        """Each bin with its rows, oldest first."""
        edges = _edges(self.start, self.end, self.minutes)
        return zip(_windows(edges), self.rows, strict=True)

    @classmethod
    def of_state(cls, found: object) -> Self | None:
        """Read a tally from the state; an unreadable tally is dropped, at no loss of rows."""
        if not isinstance(found, Mapping) or not isinstance(found.get("rows"), list):
            return None
        try:
            start, end = Instant.parse(str(found["start"])), Instant.parse(str(found["end"]))
            rows = tuple(None if count is None else int(str(count)) for count in found["rows"])
            return cls(start, end, int(str(found["minutes"])), rows)
        except (KeyError, ValueError):
            return None

    def to_json(self) -> JsonTally:
        """Write the tally in the state's form."""
        return {
            "start": str(self.start),
            "end": str(self.end),
            "minutes": self.minutes,
            "rows": list(self.rows),
        }


class Lateness(Struct, frozen=True):
    """The late rows of a run.

    The oldest lies at most so many `minutes` behind the bookmark, and not a bin less. `reaches` is
    set if the oldest lies in the first bin of the lookback: then more rows may lie before the
    lookback.
    """

    rows: int
    minutes: int
    reaches: bool

    def told(self, lookback: timedelta) -> str:
        """Describe the lateness, and the consequence for the configured lookback."""
        set_to = lookback // _MINUTE
        rows = plural(self.rows, "row")
        if self.reaches:
            return (
                f"{rows} came late, some as late as can be seen: lookback_minutes is {set_to}, and "
                "what is older is missed; raise it"
            )
        return (
            f"{rows} came late: lookback_minutes {self.minutes} would have sufficed (set: {set_to})"
        )


class _Bin(NamedTuple):
    """A stretch to be read again, and its rows a run ago, where known."""

    window: TimeWindow
    before: int | None


class LateRows:
    """Counts the rows of a span with a lookback at its start.

    Rows before `fresh`, the bookmark, are read again; `before` is the last run's count there. Add
    every block of records, in any order, and report each window once its rows have come.
    """

    def __init__(
        self,
        span: TimeWindow,
        fresh: Instant,
        *,
        lookback: timedelta,
        before: LookbackCounts | None,
    ) -> None:
        self._span = span
        self._fresh = fresh
        self._lookback = lookback
        self._again = tuple(_read_again(span_between(span.start, fresh), before))
        self._minutes = max(1, -(-lookback // (MOST_BINS * _MINUTE)))
        start = max(span.end - lookback, span.start)
        self._next = _edges(start, span.end, self._minutes) if start < span.end else ()
        bounds = {edge for again in self._again for edge in (again.window.start, again.window.end)}
        self._cuts = tuple(map(str, sorted({*bounds, *self._next})))
        self._counts = [0] * len(self._cuts)
        self._came = Counter[str]()
        self._unsure = list[TimeWindow]()

    @classmethod
    def unknown(cls, span: TimeWindow) -> Self:
        """Return a counter for spans without a known past: late rows are `None` in every window."""
        return cls(span, span.end, lookback=timedelta(0), before=None)

    def add(self, cursors: Sequence[str | None]) -> None:
        """Count the rows of a block by their cursors, in order."""
        if not cursors:
            return
        self._came[str(cursors[0])] += len(cursors)
        if not self._cuts or str(cursors[-1]) < self._cuts[0]:
            return
        known = [cursor for cursor in cursors if cursor is not None]
        places = [bisect_left(known, cut) for cut in self._cuts]
        for index, (low, high) in enumerate(pairwise((*places, len(known)))):
            self._counts[index] += high - low

    def done(self, done: WindowDone) -> int | None:
        """Return the number of late rows in a window, `None` if not known.

        A bin belongs to the window around its end, so that over a span the numbers add up.
        """
        if self._rows(done.window) != done.rows or done.gap:  # parts of it came twice, or none
            self._unsure.append(done.window)
        if done.gap:
            return None
        if done.window.start >= self._fresh:
            return 0
        late = [self._late(again) for again in self._again if again.window.end in _ends(done)]
        known = [rows for rows in late if rows is not None]
        return sum(known) if known and len(known) == len(late) else None

    def found(self) -> Lateness | None:
        """Return the lateness at the end of the span, `None` without late rows."""
        late = [(again.window, rows) for again in self._again if (rows := self._late(again))]
        if not late:
            return None
        oldest = late[0][0].start
        return Lateness(
            rows=sum(rows for _, rows in late),
            minutes=-((oldest.ticks - self._fresh.ticks) // _MINUTE_TICKS),
            reaches=oldest == self._span.start == self._fresh - self._lookback,
        )

    def tally(self) -> LookbackCounts | None:
        """Return the tally for the next run; `None` if no row will be read again."""
        if not self._next:
            return None
        rows = tuple(map(self._count, _windows(self._next)))
        return LookbackCounts(self._next[0], self._next[-1], self._minutes, rows)

    def _rows(self, window: TimeWindow) -> int:
        """Return the number of rows read for a window; a block lies in one window."""
        start, end = str(window.start), str(window.end)
        return sum(self._came.pop(first) for first in list(self._came) if start <= first < end)

    def _late(self, again: _Bin) -> int | None:
        """Return the late rows of a bin; vanished rows are not subtracted."""
        now = self._count(again.window)
        return None if now is None or again.before is None else max(0, now - again.before)

    def _count(self, window: TimeWindow) -> int | None:
        if any(overlap(window, unsure) for unsure in self._unsure):
            return None
        low, high = (bisect_left(self._cuts, str(edge)) for edge in (window.start, window.end))
        return sum(self._counts[low:high])


def _ends(done: WindowDone) -> TimeWindow:
    """Return the instants in the window at which a bin may end: the window's end, not its start."""
    return TimeWindow(done.window.start.plus(1), done.window.end.plus(1))


def _edges(start: Instant, end: Instant, minutes: int) -> tuple[Instant, ...]:
    wide = minutes * _MINUTE_TICKS
    return (start, *map(Instant, reversed(range(end.ticks, start.ticks, -wide))))


def _windows(edges: Sequence[Instant]) -> Iterator[TimeWindow]:
    return (TimeWindow(*bounds) for bounds in pairwise(edges))


def _read_again(stretch: TimeWindow | None, before: LookbackCounts | None) -> Iterator[_Bin]:
    """Cover a stretch with the bins of a tally; partial bins are not known."""
    if stretch is None:
        return
    bins = dict(before.bins) if before and before.end == stretch.end else {}
    start = stretch.start
    for window, rows in bins.items():
        if window.start >= stretch.start:
            if start < window.start:
                yield _Bin(TimeWindow(start, window.start), None)
            yield _Bin(window, rows)
            start = window.end
    if start < stretch.end:
        yield _Bin(TimeWindow(start, stretch.end), None)
