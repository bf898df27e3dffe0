"""What a run is to read of one query, oldest first, and what it can no longer have.

Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.bookmarks import Bookmark
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.planning.windows import TimeWindow


@dataclass(frozen=True, slots=True)
class Agenda:
    """The windows to read: holes that earlier runs left, then what has come since.

    `lost` is wanted but older than retention. `moves` says if the bookmark follows what is read.
    Rows from `fresh` on are new. `other_key` is the cursor of a bookmark that says nothing of them.
    """

    now: Instant
    bookmark: Bookmark
    windows: tuple[TimeWindow, ...]
    lost: tuple[TimeWindow, ...]
    fresh: Instant
    moves: bool
    other_key: str | None = None

    @classmethod
    def of(
        cls,
        state: Mapping[str, Any],
        cursor: str,
        timing: Timing,
        *,
        now: Instant,
        whole_steps: Callable[[TimeWindow], TimeWindow | None],
    ) -> Self:
        """Read the `state` of a query, and say what is to be done; `cursor` is its name there.

        Raises:
            ValueError: the state is none that this tap writes.
        """
        kept = state.get("replication_key", cursor)
        moves = timing.end_date is None
        bookmark = Bookmark.read(state, cursor) if moves else Bookmark(cursor)
        bookmark, lost = bookmark.within(timing.retention, now=now)
        span = timing.span(now=now, bookmark=bookmark.value)
        window = span.window and whole_steps(span.window)
        return cls(
            now,
            bookmark,
            windows=(*(hole.window for hole in bookmark.holes), *((window,) if window else ())),
            lost=(*lost, *((span.gap,) if span.gap else ())),
            fresh=span.fresh,
            moves=moves,
            other_key=str(kept) if moves and kept != cursor else None,
        )
