"""The windows a run is to read of one query, oldest first, and the windows lost to retention.

Pure.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Self, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.late_rows import LateRows, LookbackCounts
from tap_m365hunting.planning.spans import Timing, span_between
from tap_m365hunting.planning.state import WINDOW_END, Bookmark, why_void
from tap_m365hunting.planning.windows import TimeWindow, WindowDone

#: Puts a bookmark, if one is given, into the state; says if the state tells of ids anew.
Remember: TypeAlias = Callable[..., bool]


class RunWindows(Struct, frozen=True):
    """The windows to read: holes left by earlier runs, then the span since the bookmark.

    `lost` was wanted but is older than retention. `moves` says if the bookmark follows the windows.
    Rows from `fresh` on are new, `lookback` is the span before to be read again. With `as_far_back`
    no start is configured, so the start is the beginning of the service's rows. `void` is the
    reason why the bookmark in the state does not count, if so. `out_of_sight` is the reason why
    lost windows are not shown by the service, if not retention alone.
    """

    bookmark: Bookmark
    windows: tuple[TimeWindow, ...]
    lost: tuple[TimeWindow, ...]
    fresh: Instant
    moves: bool
    lookback: timedelta
    timing: Timing
    as_far_back: bool = False
    void: str | None = None
    out_of_sight: str | None = None

    @classmethod
    def of(
        cls,
        state: Mapping[str, Any],
        cursor: str,
        timing: Timing,
        *,
        query: str,
        now: Instant,
        tenant_id: str | None = None,
        elsewhere: str | None = None,
    ) -> Self:
        """Read the `state` of a query, and say what is to be done.

        `cursor` is its name there, `query` its fingerprint; `tenant_id` is whose it is, where the
        state has no part for each. `elsewhere` says of a bookmark that it is kept for others.

        Raises:
            ValueError: the state is none that this tap writes.
        """
        moves = timing.end_date is None
        bookmark = Bookmark.read(state, cursor, query=query, tenant_id=tenant_id)
        void = elsewhere or why_void(state, cursor, query=query, tenant_id=tenant_id)
        lost = tuple[TimeWindow, ...]()
        if moves:
            bookmark, lost = bookmark.within(timing, now=now)
        span, end = timing.span(now=now, bookmark=bookmark.value), timing.end(now)
        tried = bookmark.holes if moves else ()
        holes = [span_between(h.window.start, min(h.window.end, end)) for h in tried]
        return cls(
            bookmark,
            windows=tuple(window for window in (*holes, span.window) if window),
            lost=(*lost, *((span.gap,) if span.gap else ())),
            fresh=span.fresh,
            moves=moves,
            lookback=timing.lookback,
            timing=timing,
            as_far_back=timing.start_date is None and bookmark.value is None,
            void=void if moves else None,
        )

    def kept_for(self, retention: timedelta, now: Instant, why: str) -> Self:
        """Return the windows left to read within a shorter retention."""
        timing = replace(self.timing, retention=retention)
        return replace(self, timing=timing).since(timing.oldest(now), why)

    def since(self, first: Instant, why: str) -> Self:
        """Return the windows left to read if the service shows no row before an instant."""
        start = first.floor(self.timing.step)
        before = (span_between(w.start, min(w.end, start)) for w in self.windows)
        left = (span_between(max(w.start, start), w.end) for w in self.windows)
        return replace(
            self,
            windows=tuple(window for window in left if window),
            lost=(*self.lost, *(window for window in before if window)),
            fresh=max(self.fresh, start),
            out_of_sight=why,
        )

    def follow(
        self,
        bookmark: Bookmark,
        done: WindowDone,
        tally: LookbackCounts | None,
        remember: Remember,
    ) -> Bookmark:
        """Return the bookmark after a window, remembered; a backfill adds to its holes alone."""
        moved = bookmark.after(done, tally=tally) if self.moves else bookmark.beside(done)
        if self.moves or moved != bookmark:
            remember(moved)
        return moved

    def late_rows(self, window: TimeWindow) -> LateRows:
        """Return a counter for the late rows of one of the windows, where knowable."""
        has_new = window.end > self.fresh  # else it is a hole
        if not (has_new and self.moves) or self.bookmark.key == WINDOW_END:
            return LateRows.unknown(window)
        tally = self.bookmark.tally
        return LateRows(window, self.fresh, lookback=self.lookback, before=tally)
