"""What of a span is still to be asked for, oldest first, and what was spent on it already.

Pure.
"""

from bisect import insort
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.windows import TimeWindow, WindowDone


class Stretch(Struct, frozen=True, order=True):
    """A window with the calls that were spent on it, and how often it was narrowed."""

    window: TimeWindow
    calls: int = 0
    splits: int = 0

    def over(self, window: TimeWindow) -> Self:
        """Return what was spent, on another window."""
        return replace(self, window=window)

    def done(self, rows: int) -> WindowDone:
        """Return the window as finished, with so many rows."""
        return WindowDone(self.window, rows, calls=self.calls, splits=self.splits)

    def plus(self, *, calls: int = 0, splits: int = 0) -> Self:
        """Return the stretch with more spent on it."""
        return replace(self, calls=self.calls + calls, splits=self.splits + splits)


class PendingWindows:
    """Stretches that share no instant; neighbours are joined, so that no cut costs a call."""

    def __init__(self, span: TimeWindow) -> None:
        self._stretches = [Stretch(span)]

    def __bool__(self) -> bool:
        return bool(self._stretches)

    @property
    def head(self) -> TimeWindow:
        """The oldest stretch's window; there must be one."""
        return self._stretches[0].window

    def pop(self) -> Stretch:
        """Take the oldest stretch out."""
        return self._stretches.pop(0)

    def put(self, stretch: Stretch) -> None:
        """Put a stretch back, as one with what follows it."""
        for later in [s for s in self._stretches if s.window.start == stretch.window.end]:
            self._stretches.remove(later)
            whole = TimeWindow(stretch.window.start, later.window.end)
            stretch = stretch.over(whole).plus(calls=later.calls, splits=later.splits)
        insort(self._stretches, stretch)

    def put_rest(self, start: Instant, end: Instant) -> None:
        """Put back what is left behind a cut, if anything is."""
        if start < end:
            self.put(Stretch(TimeWindow(start, end)))
