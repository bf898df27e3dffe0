"""The span a run is to read, and the holes left by earlier runs.

Pure: from the time and the bookmark to spans.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, Self, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.windows import TimeWindow

JsonHole: TypeAlias = dict[str, str | int]

DEFAULT_HISTORY: Final = timedelta(days=30)


class ReadSpan(Struct, frozen=True):
    """The span for one run to read.

    `window` is `None` if there is no span to read yet. Rows from `fresh` on are new; earlier rows
    are the lookback, read again for late rows. `gap` was wanted but is older than retention.
    """

    window: TimeWindow | None
    fresh: Instant
    gap: TimeWindow | None = None


class Timing(Struct, frozen=True, kw_only=True):
    """The settings for a run's bounds in time; windows are whole multiples of `step`, if given."""

    start_date: Instant | None = None
    end_date: Instant | None = None
    lookback: timedelta = timedelta(minutes=60)
    settle: timedelta = timedelta(minutes=5)
    retention: timedelta = timedelta(days=30)
    reaches_back: bool = False
    step: timedelta | None = None

    def span(self, *, now: Instant, bookmark: Instant | None) -> ReadSpan:
        """Return the span to read now.

        With an `end_date` the run is a backfill, without a look at the bookmark. A bookmark ahead
        of the clock gives an empty span, until the clock has passed.

        A step cut by the end has its own day; a step cut by the start date, the bookmark or the
        lookback is read whole, and so a step cut by retention is lost whole.
        """
        oldest, end = now - self.retention, self.end(now)
        if self.end_date is not None:
            bookmark = None
        start_date = self.start_date or self._earliest(now)
        wanted = start_date if bookmark is None else max(bookmark, self.start_date or bookmark)
        reach = oldest.ceil(self.step)
        if bookmark is None:
            first = wanted.floor(self.step) if self.start_date else wanted.ceil(self.step)
            lost, start = wanted < oldest, max(first, reach)
        else:
            back = (wanted - self.lookback).floor(self.step)
            first = (self.start_date or back).floor(self.step)
            lost, start = wanted < reach, max(back, first, reach)
        fresh = reach if lost else wanted
        gap = span_between(wanted, min(reach, end)) if lost else None
        return ReadSpan(span_between(start, end) if fresh < end else None, fresh, gap)

    def _earliest(self, now: Instant) -> Instant:
        """Return the first instant that is read where nothing says which is wanted."""
        oldest = now - self.retention
        return oldest if self.reaches_back else max(oldest, now - DEFAULT_HISTORY)

    def settled_from(self, now: Instant) -> Instant:
        """Return the first time from now on at which rows before `end_date` are settled."""
        return max(now, self.end_date + self.settle) if self.end_date else now

    def problems(self, now: Instant) -> Iterator[str]:
        """Yield why bounds cannot be honoured, each with the nearest that can be."""
        if self.step and self.step > self.retention - self.settle:
            yield (
                f"windows of {self.step} are never whole in the {self.retention.days} days that "
                "the service keeps (retention_days, less settle_minutes); use narrower bins"
            )
        if self.start_date is None or self.end_date is None:
            return
        settled = now - self.settle
        if self.end_date > settled:
            minutes = self.settle // timedelta(minutes=1)
            yield (
                f"end_date: rows before {self.end_date} are settled from "
                f"{self.end_date + self.settle} on (settle_minutes {minutes}); run then, let "
                f"on_unsettled_end wait, or end the backfill at {settled.floor(self.step)}"
            )
        start, end = self.start_date.floor(self.step), self.end_date.ceil(self.step)
        if (start, end) != (self.start_date, self.end_date):
            yield (
                f"start_date, end_date: windows are whole steps of {self.step}, which these bounds "
                f"cut; the nearest that do not: {start} to {end}"
            )

    def oldest(self, now: Instant) -> Instant:
        """Return from where on the service has every row, in whole steps."""
        return (now - self.retention).ceil(self.step)

    def end(self, now: Instant) -> Instant:
        """Return up to where a run may read."""
        end = now - self.settle
        return (min(end, self.end_date) if self.end_date else end).floor(self.step)


def span_between(start: Instant, end: Instant) -> TimeWindow | None:
    """Return the window between two instants, or `None` for an empty span."""
    return TimeWindow(start, end) if start < end else None


def advanced(bookmark: Instant | None, complete_until: Instant) -> Instant:
    """Return the bookmark to save: never behind the present bookmark.

    While the lookback is read again, the complete part lies behind the bookmark.
    """
    return complete_until if bookmark is None else max(bookmark, complete_until)


class Hole(Struct, frozen=True, order=True):
    """A window given up as unreadable, to be tried again within retention."""

    window: TimeWindow
    reason: str
    attempts: int = 1

    @classmethod
    def from_json(cls, found: object) -> Self:
        """Read a hole from the state.

        Raises:
            ValueError: the text is no hole.
        """
        if not isinstance(found, Mapping):
            msg = f"A hole in the state is {found!r}"
            raise ValueError(msg)  # noqa: TRY004 - a wrong state is a wrong value
        try:
            window = TimeWindow(
                Instant.parse(str(found["start"])), Instant.parse(str(found["end"]))
            )
            return cls(window, str(found["reason"]), int(str(found["attempts"])))
        except KeyError as error:
            msg = f"A hole in the state has no {error}"
            raise ValueError(msg) from error

    def to_json(self) -> JsonHole:
        """Write the hole in the state's form."""
        return {
            "start": str(self.window.start),
            "end": str(self.window.end),
            "reason": self.reason,
            "attempts": self.attempts,
        }


def overlap(one: TimeWindow, other: TimeWindow) -> TimeWindow | None:
    """Return the common part of two windows."""
    return span_between(max(one.start, other.start), min(one.end, other.end))


def merged(holes: Iterable[Hole]) -> tuple[Hole, ...]:
    """Order holes and join touching or overlapping holes, keeping the most attempts."""
    joined = list[Hole]()
    for hole in sorted(holes):
        last = joined[-1] if joined else None
        if last is None or last.window.end < hole.window.start:
            joined.append(hole)
            continue
        window = TimeWindow(last.window.start, max(last.window.end, hole.window.end))
        joined[-1] = Hole(window, hole.reason, max(last.attempts, hole.attempts))
    return tuple(joined)


def kept(
    holes: Iterable[Hole], *, now: Instant, retention: timedelta, step: timedelta | None = None
) -> tuple[tuple[Hole, ...], tuple[TimeWindow, ...]]:
    """Part holes into those within retention, to be tried again, and those lost for good.

    A hole to be tried again begins with a whole `step`.
    """
    oldest = (now - retention).ceil(step)
    alive, lost = list[Hole](), list[TimeWindow]()
    for hole in merged(holes):
        start, end = hole.window.start, hole.window.end
        if rest := span_between(max(start, oldest), end):
            alive.append(replace(hole, window=rest))
        if gone := span_between(start, min(oldest, end)):
            lost.append(gone)
    return tuple(alive), tuple(lost)
