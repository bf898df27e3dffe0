"""What to ask the service, so that every row of a span is read with as few calls as can be.

Pure, a protocol without a clock or a socket: `next` says what to ask, the stream tells what came.

How the calls are kept few, in multiples of the row cap:

- The first ask is for the whole span. If it fits, as in a steady-state run, it is the only call.
- A truncated answer is not lost. Rows come ordered by the cursor, so all but those of the newest
  instant are whole; the next ask starts at that instant. Such answers are full, whatever the
  density, so reading on in this way costs `rows / (cap - ties)` calls, which nothing can beat.
- But each of these asks makes the service order all that is left, and its CPU is rationed. So after
  15 full answers, whose 10 % allowance pays for the call, the rest is counted per bin, and windows
  end at the bin's edge where an answer is full, or nearly. Stretches without rows cost nothing. A
  bin that alone holds 25 answers is counted finer, which 10 % of those pays for again.
- A refusal (too many bytes, too costly, a time-out) narrows the window; the rest is counted first,
  since a count is cheap and blind halving is not. Windows widen again as answers come.

So calls <= 1 + 1.1 x rows / cap, refusals and instants of many rows aside.
"""

from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from tap_m365hunting.density import Density, bin_width
from tap_m365hunting.instants import TICKS_PER_SECOND, Instant, ticks
from tap_m365hunting.parts import PartsRead
from tap_m365hunting.reach import Reach
from tap_m365hunting.windows import (
    Answer,
    Ask,
    CountAsk,
    ReadAsk,
    TimeWindow,
    Unreadable,
    WindowDone,
)

COUNT_AFTER: Final = 15
FINER_ABOVE: Final = 25
LEAST_PARTS: Final = 4


@dataclass(frozen=True, slots=True, order=True)
class _Todo:
    """A stretch not yet asked for, with what was already spent on its head."""

    window: TimeWindow
    calls: int = 0
    splits: int = 0


class Planner:
    """Reads a span window by window.

    Tell it what came for each ask: `counted`, `answered` or `too_large`. Several asks may be out at
    once and be answered in any order; `drain` yields finished windows in the order of time.

    With a `step` (the query makes its own use of the window's bounds) windows are whole steps, and
    an answer is used whole or not at all.
    """

    def __init__(self, span: TimeWindow, *, row_cap: int, step: timedelta | None = None) -> None:
        self.span = span
        self.complete_until = span.start
        self.density: Density | None = None
        self._row_cap = row_cap
        self._step = ticks(step) if step else None
        self._narrowest = self._step or TICKS_PER_SECOND
        self._reach = Reach(row_cap)
        self._todo = [_Todo(span)]
        self._open: dict[ReadAsk, _Todo] = {}
        self._parts: list[tuple[PartsRead, _Todo]] = []
        self._open_parts: dict[Ask, PartsRead] = {}
        self._count_out: CountAsk | None = None
        self._may_count = step is None
        self._count_due = False
        self._too_many_bytes: TimeWindow | None = None
        self._full_answers = 0
        self._calls = 0
        self._done: dict[Instant, WindowDone] = {}

    @property
    def finished(self) -> bool:
        """Say if every window is read, or skipped."""
        return self.complete_until == self.span.end

    @property
    def unreadable(self) -> Unreadable | None:
        """The oldest window that fails even at its narrowest; nothing more is asked before `skip`.

        The stream stops before it, or calls `skip`.
        """
        for parts, todo in self._parts:
            if parts.failure:
                return Unreadable(todo.window, parts.failure)
        return None

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited, at the end, or if stuck."""
        if self.unreadable or self._count_out:
            return None
        ask = self._next_part() or self._next_count() or self._next_window()
        self._calls += isinstance(ask, CountAsk)
        return ask

    def counted(self, ask: CountAsk, counts: Mapping[Instant, int]) -> None:
        """Take the rows per bin; for an ask without `bin`, any one key with all the rows."""
        if ask.bin is None:
            self._open_parts.pop(ask).counted(sum(counts.values()))
            self._collect()
        elif ask.window:
            self._count_out = None
            found = Density.of(ask.window, ask.bin, counts)
            self.density = self.density.finer(found) if self.density else found
            self._learn_size()

    def answered(self, ask: ReadAsk, answer: Answer) -> Instant:
        """Take what came for an ask; return the instant before which its rows may be used.

        That is the window's end if the answer is whole, and the newest row's instant if it is
        truncated: the rows of that instant will come again. With a `step`, and for a hash part, it
        is the window's start if the answer is truncated: all of its rows will come again.

        Raises:
            ValueError: the newest row lies outside the window that was asked for.
        """
        window = _checked(ask, answer)
        truncated = answer.rows >= self._row_cap
        if ask.part:
            self._open_parts.pop(ask).answered(ask.part, answer, truncated=truncated)
            self._collect()
            return window.start if truncated else window.end
        todo = self._spent(ask)
        if truncated and (self._step or answer.newest is None):
            self._narrow(todo, None)
            return window.start
        self._reach.worked(answer.rows, answer.size)
        if truncated and answer.newest:
            self._continue(todo, answer.newest, answer.rows - answer.held)
            return answer.newest
        self._finish(todo, answer.rows)
        return window.end

    def too_large(self, ask: Ask, reason: str, *, size: bool = False) -> None:
        """Take a refusal to answer; `size` says that it was for too many bytes."""
        if parts := self._open_parts.pop(ask, None):
            parts.too_large(ask.part if isinstance(ask, ReadAsk) else None, reason)
            self._collect()
        elif isinstance(ask, ReadAsk):
            self._narrow(self._spent(ask), ask.expected, size=size)
        else:
            self._count_out = None
            self._may_count = False
            self._learn_size()

    def skip(self) -> None:
        """Give the unreadable window up as a gap, and go on behind it."""
        for parts, todo in self._parts:
            if parts.failure:
                self._parts.remove((parts, todo))
                self._finish(_with(todo, parts), 0, gap=parts.failure)
                return

    def drain(self) -> Iterator[WindowDone]:
        """Yield what was finished since, in the order of time, moving `complete_until`.

        Call it when the rows are written: the bookmark may then be set to each window's end.
        """
        while done := self._done.pop(self.complete_until, None):
            self.complete_until = done.window.end
            yield done

    def _next_part(self) -> Ask | None:
        for parts, _ in self._parts:
            if ask := parts.next():
                self._open_parts[ask] = parts
                return ask
        return None

    def _next_count(self) -> Ask | None:
        if not self._may_count or not self._todo:
            return None
        head = self._todo[0].window
        if self.density:
            window = self._dense_bin(self.density, head)
        else:
            window = TimeWindow(head.start, self.span.end) if self._count_due else None
        if window is None or ticks(width := bin_width(window, self._row_cap)) >= window.ticks:
            return None
        self._count_out = CountAsk(window, width)
        self._calls += 1
        return self._count_out

    def _dense_bin(self, density: Density, head: TimeWindow) -> TimeWindow | None:
        """Return what is left of the next bin, if it is dense enough to be counted finer."""
        start, end, rows = density.bin_at(head.start.ticks)
        start = max(start, head.start.ticks)
        if rows < FINER_ABOVE * self._row_cap or end - start <= self._narrowest:
            return None
        return TimeWindow(Instant(start), Instant(end))

    def _next_window(self) -> Ask | None:
        while self._todo:
            todo = self._todo.pop(0)
            todo, self._calls = replace(todo, calls=todo.calls + self._calls), 0
            if self.density and self.density.is_empty(todo.window):
                self._finish(todo, 0)
                continue
            end = self._cut(todo.window)
            window = TimeWindow(todo.window.start, end)
            self._put_back(end, todo.window.end)
            ask = ReadAsk(window, expected=self._expected(window))
            self._open[ask] = replace(todo, window=window)
            return ask
        return None

    def _cut(self, window: TimeWindow) -> Instant:
        """Return how far to read from the window's start."""
        start, end = window.start.ticks, window.end.ticks
        if self.density and self.density.covers(window):
            continued = not self._reach.size_bound
            end = min(end, self.density.reach(start, self._reach.rows, continued=continued))
        if self._reach.width is not None:
            end = min(end, start + self._reach.width)
        end = max(end, start + self._narrowest)
        if self._step:
            end = max(end // self._step, start // self._step + 1) * self._step
        return min(window.end, Instant(end))

    def _expected(self, window: TimeWindow) -> int | None:
        if self.density and self.density.covers(window):
            return self.density.expected(window)
        return None

    def _continue(self, todo: _Todo, newest: Instant, used: int) -> None:
        """Keep the rows before the newest instant; go on with it, by hash parts if it is all."""
        window = todo.window
        self._full_answers += 1
        self._count_due |= self._full_answers >= COUNT_AFTER
        if window.start < newest:
            self._finish(replace(todo, window=TimeWindow(window.start, newest)), used)
            todo = _Todo(window)
        if used:
            self._put_back(newest, window.end)
        else:
            self._split(replace(todo, window=TimeWindow.at(newest)), least=2)
            self._put_back(newest.plus(1), window.end)

    def _narrow(self, todo: _Todo, expected: int | None, *, size: bool = False) -> None:
        todo = replace(todo, splits=todo.splits + 1)
        if todo.window.ticks <= self._narrowest:
            self._split(todo, least=LEAST_PARTS)
            return
        self._put_back(todo.window.start, todo.window.end, todo)
        self._count_due = True
        if not size:
            self._reach.refused_cost(todo.window.ticks)
        elif expected is None and self._may_count:
            self._too_many_bytes = todo.window
        else:
            self._reach.refused_size(todo.window.ticks, expected)

    def _learn_size(self) -> None:
        """Say to the reach how many rows were too many bytes, now that they are counted."""
        if window := self._too_many_bytes:
            self._too_many_bytes = None
            self._reach.refused_size(window.ticks, self._expected(window))

    def _split(self, todo: _Todo, *, least: int) -> None:
        self._parts.append((PartsRead(todo.window, room=self._reach.rows, least=least), todo))

    def _collect(self) -> None:
        """Finish the windows whose parts are all there."""
        for entry in [entry for entry in self._parts if entry[0].rows is not None]:
            self._parts.remove(entry)
            parts, todo = entry
            self._finish(_with(todo, parts), parts.rows or 0, expected=parts.expected)

    def _put_back(self, start: Instant, end: Instant, spent: _Todo | None = None) -> None:
        """Note that a stretch is still to be read, as one with what follows if that is free."""
        if start >= end:
            return
        for later in self._todo:
            if later.window.start == end:
                self._todo.remove(later)
                end = later.window.end
                break
        window = TimeWindow(start, end)
        insort(self._todo, replace(spent, window=window) if spent else _Todo(window))

    def _spent(self, ask: ReadAsk) -> _Todo:
        todo = self._open.pop(ask)
        return replace(todo, calls=todo.calls + 1)

    def _finish(
        self, todo: _Todo, rows: int, *, expected: int | None = None, gap: str | None = None
    ) -> None:
        window = todo.window
        if expected is None:
            expected = self._expected(window)
        if self.density and self.density.covers(window):
            self.density = self.density.after(window, rows)
        self._done[window.start] = WindowDone(
            window, rows, expected, todo.calls, todo.splits, gap=gap
        )


def _with(todo: _Todo, parts: PartsRead) -> _Todo:
    return replace(todo, calls=todo.calls + parts.calls, splits=todo.splits + 1 + parts.splits)


def _checked(ask: ReadAsk, answer: Answer) -> TimeWindow:
    """Return the window that was asked for, which the answer must lie in."""
    if ask.window is None:
        msg = "A window was not asked for, so none was answered"
        raise ValueError(msg)
    if answer.newest is not None and answer.newest not in ask.window:
        msg = f"A row at {answer.newest} came for the window {ask.window}"
        raise ValueError(msg)
    return ask.window
