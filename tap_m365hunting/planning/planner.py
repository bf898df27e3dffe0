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

With `ahead`, for calls in parallel, the rest is counted after the first full answer already, if 20
more seem to follow it; windows then end where rows fit, so that asks are known before the answers.
If just the span's start was dense, that count is one call more than the bound.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant, ticks
from tap_m365hunting.planning.hash_parts import Counted, PartedWindows, Proof
from tap_m365hunting.planning.pending import PendingWindows, Stretch
from tap_m365hunting.planning.window_sizing import WindowSizing
from tap_m365hunting.planning.windows import (
    Ask,
    CountAsk,
    ReadAsk,
    TimeWindow,
    Unreadable,
    WindowAnswer,
    WindowDone,
)

LEAST_PARTS: Final = 4


class Planner:
    """Reads a span window by window.

    Tell it what came for each ask: `counted`, `answered` or `too_large`. Several asks may be out at
    once (with `ahead`, soon) and be answered in any order; `drain` yields finished windows in the
    order of time. With a `step` (the query makes its own use of the window's bounds) windows are
    whole steps, and an answer is used whole or not at all.
    """

    def __init__(
        self,
        span: TimeWindow,
        *,
        row_cap: int,
        step: timedelta | None = None,
        ahead: bool = False,
        take_changed: bool = False,
    ) -> None:
        self.span = span
        self.complete_until = span.start
        self.rows_read = 0
        self._row_cap = row_cap
        self._continues = step is None
        self._narrowest = ticks(step) if step else TICKS_PER_SECOND
        whole = step is not None
        self._reach = WindowSizing(
            row_cap=row_cap, narrowest=self._narrowest, whole_steps=whole, ahead=ahead
        )
        self._todo = PendingWindows(span)
        self._open: dict[ReadAsk, Stretch] = {}
        self._parts = PartedWindows(take_changed=take_changed)
        self._count_out: CountAsk | None = None
        self._may_count = not whole
        self._count_due = False
        self._too_many_bytes: TimeWindow | None = None
        self._calls = 0
        self._done: dict[Instant, WindowDone] = {}
        self._skipped_last = False

    @property
    def finished(self) -> bool:
        """Say if every window is read, or skipped."""
        return self.complete_until == self.span.end

    @property
    def rows_left(self) -> int | None:
        """About how many rows are still to come, where counted."""
        if self.finished:
            return 0
        return self._reach.expected(TimeWindow(self.complete_until, self.span.end))

    @property
    def unreadable(self) -> Unreadable | None:
        """The oldest window that fails even at its narrowest; nothing more is asked before `skip`.

        The stream stops before it, or calls `skip`.
        """
        return self._parts.unreadable

    @property
    def hopeless(self) -> bool:
        """Say if nothing was answered since the last `skip`: the service may be down."""
        return self._skipped_last and self.unreadable is not None

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited, at the end, or if stuck."""
        if self.unreadable or self._count_out:
            return None
        self._finish_empty()
        return self._parts.next() or self._next_count() or self._next_window()

    def counted(
        self, ask: CountAsk, counts: Mapping[Instant, int], checksum: int | None = None
    ) -> Proof:
        """Take the rows per bin; for an ask without `bin`, any one key with all the rows.

        Return what that says of the rows of the window's hash parts.
        """
        self._skipped_last = False
        if ask.bin is None:
            proof = self._parts.counted(ask, Counted(sum(counts.values()), checksum))
            self._finish_all(self._parts.finished())
            return proof
        self._count_out = None
        self._reach.counted(ask, counts)
        self._learn_size()
        return Proof.OPEN

    def answered(self, ask: ReadAsk, answer: WindowAnswer) -> Instant:
        """Take what came for an ask; return the instant before which its rows may be used.

        That is the window's end if the answer is whole, and the newest row's instant if it is
        truncated: the rows of that instant will come again. With a `step`, and for a hash part, it
        is the window's start if the answer is truncated: all of its rows will come again. Rows of a
        hash part wait for their proof, which `counted` returns.

        Raises:
            ValueError: the newest row lies outside the window that was asked for.
        """
        window = ask.window_of(answer)
        self._skipped_last = False
        if ask.part:
            whole = self._parts.answered(ask, ask.part, answer, self._row_cap)
            return window.end if whole else window.start
        truncated = answer.rows >= self._row_cap
        todo = self._open.pop(ask).plus(calls=1)
        if truncated and not (self._continues and answer.newest):
            self._may_count = False  # without a cursor there are no bins
            self._narrow(todo)
            return window.start
        self._reach.worked(window, answer.rows, answer.size)
        if truncated and answer.newest:
            self._continue(todo, answer.newest, answer.rows - answer.held)
            return answer.newest
        self._finish(todo.done(answer.rows))
        return window.end

    def too_large(self, ask: Ask, reason: str, *, size: bool = False) -> None:
        """Take a refusal to answer; `size` says that it was for too many bytes."""
        if self._parts.too_large(ask, reason):
            return
        if isinstance(ask, ReadAsk):
            self._narrow(self._open.pop(ask).plus(calls=1), size=size)
        else:
            self._count_out = None
            self._may_count = False
            self._learn_size()

    def skip(self) -> None:
        """Give the unreadable window up as a gap, and go on behind it."""
        self._skipped_last = True
        self._finish_all(self._parts.skip())

    def drain(self) -> Iterator[WindowDone]:
        """Yield what was finished since, in the order of time, moving `complete_until`.

        Call it when the rows are written: the bookmark may then be set to each window's end.
        """
        self._finish_empty()
        while done := self._done.pop(self.complete_until, None):
            self.complete_until = done.window.end
            self.rows_read += done.rows
            yield done

    def _next_count(self) -> Ask | None:
        if not self._may_count or not self._todo:
            return None
        head = self._todo.head
        if self._reach.density:
            ask = self._reach.finer_count(head)
        else:
            rest = TimeWindow(head.start, self.span.end)
            ask = self._reach.count(rest) if self._count_due else None
        self._count_out = ask
        self._calls += ask is not None
        return ask

    def _next_window(self) -> Ask | None:
        if not self._todo or self._overreaching():
            return None
        todo = self._pop()
        end = self._reach.cut(todo.window)
        window = TimeWindow(todo.window.start, end)
        self._todo.put_rest(end, todo.window.end)
        ask = ReadAsk(window, expected=self._reach.expected(window))
        self._open[ask] = todo.over(window)
        return ask

    def _overreaching(self) -> bool:
        """Say if an answer before the head will be truncated: the next one begins with its rest."""
        return any(
            (ask.expected or 0) >= self._row_cap and todo.window < self._todo.head
            for ask, todo in self._open.items()
        )

    def _finish_empty(self) -> None:
        """Finish stretches that were counted and hold no row: the count is their answer."""
        while self._todo and self._reach.is_empty(self._todo.head):
            self._finish(self._pop().done(0))

    def _pop(self) -> Stretch:
        calls, self._calls = self._calls, 0
        return self._todo.pop().plus(calls=calls)

    def _continue(self, todo: Stretch, newest: Instant, used: int) -> None:
        """Keep the rows before the newest instant; go on with it, by hash parts if it is all."""
        window = todo.window
        self._count_due |= self._reach.full(self.span, newest)
        if window.start < newest:
            self._finish(todo.over(TimeWindow(window.start, newest)).done(used))
            todo = Stretch(window)
        if used:
            self._todo.put_rest(newest, window.end)
        else:
            self._split(todo.over(TimeWindow.at(newest)), least=2, known=self._row_cap)
            self._todo.put_rest(newest.plus(1), window.end)

    def _narrow(self, todo: Stretch, *, size: bool = False) -> None:
        todo = todo.plus(splits=1)
        if todo.window.ticks <= self._narrowest:
            self._split(todo, least=LEAST_PARTS)
            return
        self._todo.put(todo)
        self._count_due = True
        if not size:
            self._reach.refused_cost(todo.window)
        elif self._reach.density is None and self._may_count:
            self._too_many_bytes = todo.window
        else:
            self._reach.refused_size(todo.window)

    def _learn_size(self) -> None:
        """Say to the reach how many rows were too many bytes, now that they are counted."""
        if window := self._too_many_bytes:
            self._too_many_bytes = None
            self._reach.refused_size(window)

    def _split(self, todo: Stretch, *, least: int, known: int = 0) -> None:
        self._parts.add(todo, room=self._reach.rows, least=least, known=known)

    def _finish_all(self, windows: Iterable[WindowDone]) -> None:
        for done in windows:
            self._finish(done)

    def _finish(self, done: WindowDone) -> None:
        counted = self._reach.read(done.window, done.rows)
        if done.expected is None:
            done = replace(done, expected=counted)
        self._done[done.window.start] = done
