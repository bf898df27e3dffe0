"""What a stream remembers between runs: how far it is complete, and the holes before that.

Pure. A bookmark is read from a stream's state and written into it; its value never goes back.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Self

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.spans import Hole, advanced, kept, merged, overlap, span_between
from tap_m365hunting.planning.windows import TimeWindow, WindowDone

#: Stands for the replication key in the state of a query that bounds itself by the window.
WINDOW_END: Final = "window_end"


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Every row whose cursor `key` is before `value` has been written, but for those in `holes`."""

    key: str
    value: Instant | None = None
    holes: tuple[Hole, ...] = ()

    @classmethod
    def read(cls, state: Mapping[str, Any], key: str) -> Self:
        """Read the state of a stream; what was saved for another cursor does not count.

        Raises:
            ValueError: the state is none that this tap writes.
        """
        if state.get("replication_key") != key:
            return cls(key)
        holes = tuple(map(Hole.from_json, state.get("holes", ())))
        return cls(key, Instant.parse(str(state["replication_key_value"])), holes)

    def write(self, state: MutableMapping[str, Any]) -> None:
        """Put the bookmark into the state of a stream."""
        state.pop("holes", None)
        if self.value is not None:
            state["replication_key"] = self.key
            state["replication_key_value"] = str(self.value)
        if self.holes:
            state["holes"] = [hole.to_json() for hole in self.holes]

    def after(self, done: WindowDone) -> Self:
        """Return the bookmark once the next window is finished, be it read or given up.

        A window that was read fills what it covers of a hole, in a lookback or when the hole is
        tried again.
        """
        tries = [hole.attempts for hole in self.holes if overlap(hole.window, done.window)]
        holes = [rest for hole in self.holes for rest in _without(hole, done.window)]
        if done.gap:
            holes.append(Hole(done.window, done.gap, 1 + max(tries, default=0)))
        return replace(self, value=advanced(self.value, done.window.end), holes=merged(holes))

    def within(self, retention: timedelta, *, now: Instant) -> tuple[Self, tuple[TimeWindow, ...]]:
        """Return the bookmark without what the service no longer keeps, and that."""
        alive, lost = kept(self.holes, now=now, retention=retention)
        return replace(self, holes=alive), lost


def _without(hole: Hole, window: TimeWindow) -> Iterator[Hole]:
    before = span_between(hole.window.start, min(hole.window.end, window.start))
    behind = span_between(max(hole.window.start, window.end), hole.window.end)
    for rest in (before, behind):
        if rest is not None:
            yield replace(hole, window=rest)
