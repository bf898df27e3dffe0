"""The part of a span still to be asked for, oldest first, and the calls spent so far.

Pure.
"""

from bisect import insort
from typing import Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.windows import ReadAsk, TimeWindow, WindowDone


class Stretch(Struct, frozen=True, order=True):
    """A window with the calls spent so far, and the number of narrowings."""

    window: TimeWindow
    calls: int = 0
    splits: int = 0

    def over(self, window: TimeWindow) -> Self:
        """Return the same spending, on another window."""
        return replace(self, window=window)

    def done(self, rows: int) -> WindowDone:
        """Return the window as finished, with so many rows."""
        return WindowDone(self.window, rows, calls=self.calls, splits=self.splits)

    def plus(self, *, calls: int = 0, splits: int = 0) -> Self:
        """Return the stretch with more calls spent."""
        return replace(self, calls=self.calls + calls, splits=self.splits + splits)


class Sizing(Protocol):
    """Says how wide windows are, as `WindowSizing` does."""

    def cut(self, window: TimeWindow) -> Instant:
        """Return how far to read from the window's start."""

    def expected(self, window: TimeWindow) -> int | None:
        """Return the rows of a window, where counted."""


class PendingWindows:
    """Stretches without a common instant; neighbours are joined, so that no cut costs a call.

    Calls spent for all stretches are `charge`d to the next stretch taken out. The calls spent
    before on stretches asked for are known.
    """

    def __init__(self, span: TimeWindow) -> None:
        self._stretches = [Stretch(span)]
        self._calls = 0
        self._asked = dict[ReadAsk, Stretch]()

    def __bool__(self) -> bool:
        return bool(self._stretches)

    @property
    def head(self) -> TimeWindow:
        """The oldest stretch's window; there must be a stretch."""
        return self._stretches[0].window

    def pop(self) -> Stretch:
        """Take the oldest stretch out."""
        calls, self._calls = self._calls, 0
        return self._stretches.pop(0).plus(calls=calls)

    def ask(self, sizing: Sizing, row_cap: int) -> ReadAsk | None:
        """Ask for the head of the oldest stretch, as far as the sizing says, if there is one yet.

        Where an answer before it will be truncated, the next one begins with the rest of that.
        """
        if not self or self._overreaching(row_cap):
            return None
        todo = self.pop()
        end = sizing.cut(todo.window)
        window = TimeWindow(todo.window.start, end)
        self.put_rest(end, todo.window.end)
        ask = ReadAsk(window, expected=sizing.expected(window))
        self._asked[ask] = todo.over(window)
        return ask

    def _overreaching(self, row_cap: int) -> bool:
        return any(
            (ask.expected or 0) >= row_cap and todo.window < self.head
            for ask, todo in self._asked.items()
        )

    def answered(self, ask: ReadAsk) -> Stretch:
        """Return the calls spent on an ask before its answer."""
        return self._asked.pop(ask)

    def charge(self, calls: int) -> None:
        """Note calls that were spent on more than one stretch, such as a count."""
        self._calls += calls

    def put(self, stretch: Stretch) -> None:
        """Put a stretch back, joined with its neighbour behind."""
        for later in [s for s in self._stretches if s.window.start == stretch.window.end]:
            self._stretches.remove(later)
            whole = TimeWindow(stretch.window.start, later.window.end)
            stretch = stretch.over(whole).plus(calls=later.calls, splits=later.splits)
        insort(self._stretches, stretch)

    def put_rest(self, start: Instant, end: Instant) -> None:
        """Put back the rest behind a cut, if there is a rest."""
        if start < end:
            self.put(Stretch(TimeWindow(start, end)))

    def drop_from(self, end: Instant) -> None:
        """Leave out everything from an instant on."""
        kept = [stretch for stretch in self._stretches if stretch.window.start < end]
        self._stretches = [
            stretch.over(TimeWindow(stretch.window.start, min(stretch.window.end, end)))
            for stretch in kept
        ]
