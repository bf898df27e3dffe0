"""The asks to the service that read every row of a span with as few calls as possible.

Pure, a protocol without a clock or a socket: `next` names an ask, the stream reports the answer.
How the calls are kept few, in multiples of the row cap:

- The first ask is for the whole span. If the rows fit, as in a steady-state run, one call does.
- A truncated answer is not lost. Rows come ordered by the cursor, so all but those of the newest
  instant are whole; the next ask starts at that instant. Such answers are full, whatever the
  density, so reading on in this way costs `rows / (cap - ties)` calls, the least possible.
- Once there are enough full answers the rest is counted per bin: see `counts`.
- A refusal (too many bytes, too costly, a time-out) narrows the window; the rest is counted first,
  since a count is cheap and blind halving is not. Windows widen again as answers come.

So calls <= 1 + 1.1 x rows / cap, refusals and instants of many rows aside.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant, ticks
from tap_m365hunting.planning.completed_windows import FinishedWindows
from tap_m365hunting.planning.counts import BinCounts
from tap_m365hunting.planning.hash_parts import Counted, PartedWindows, Proof
from tap_m365hunting.planning.pending import PendingWindows, Stretch
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.planning.time_limits import TimeLimits
from tap_m365hunting.planning.window_sizing import WindowSizing
from tap_m365hunting.planning.windows import (
    AnswerTimes,
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

    Report the outcome of each ask: `counted`, `answered` or `too_large`. Several asks may be out at
    once (with `ahead`, soon) and be answered in any order; `drain` yields finished windows in the
    order of time. With a `step` (the query makes its own use of the window's bounds) windows are
    whole steps, with `single` a step each, and an answer is used whole or not at all.

    With a `timing`, windows are held against the service's clock at the time of their answers: the
    span ends no later than the clock less the settle time, and time passed by retention is a gap,
    but for the start of a span that goes `as_far_back` as there are rows.
    """

    def __init__(
        self,
        span: TimeWindow,
        *,
        row_cap: int,
        step: timedelta | None = None,
        ahead: bool = False,
        single: bool = False,
        take_changed: bool = False,
        timing: Timing | None = None,
        as_far_back: bool = False,
    ) -> None:
        self.span = span
        self._limits = TimeLimits(span.end, timing)
        self._row_cap = row_cap
        self._continues = step is None
        self._narrowest = ticks(step) if step else TICKS_PER_SECOND
        self._sizing = WindowSizing(
            row_cap=row_cap,
            narrowest=self._narrowest,
            whole_steps=step is not None,
            ahead=ahead,
            single=single,
        )
        self._counts = BinCounts(self._sizing, allowed=step is None)
        self._todo = PendingWindows(span)
        self._parts = PartedWindows(take_changed=take_changed)
        self._finished = FinishedWindows(span.start, as_far_back=as_far_back)
        self._skipped_last = False

    @property
    def complete_until(self) -> Instant:
        """The instant before which every window is read, or skipped, and was drained."""
        return self._finished.complete_until

    @property
    def rows_read(self) -> int:
        """The rows of the windows that were drained."""
        return self._finished.rows

    @property
    def finished(self) -> bool:
        """Say if every window is read, or skipped."""
        return self.complete_until >= self._limits.end

    @property
    def rows_left(self) -> int | None:
        """About how many rows are still to come, where counted."""
        start, end = self.complete_until, self._limits.end
        return 0 if self.finished else self._sizing.expected(TimeWindow(start, end))

    @property
    def unreadable(self) -> Unreadable | None:
        """The oldest window unreadable even at its narrowest; no ask follows before `skip`.

        The stream stops before the window, or calls `skip`.
        """
        return self._parts.unreadable

    @property
    def hopeless(self) -> bool:
        """Say if no ask was answered since the last `skip`: the service may be down."""
        return self._skipped_last and self.unreadable is not None

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited, at the end, or if stuck."""
        if self.unreadable or self._counts.asked:
            return None
        self._finish_empty()
        return (
            self._parts.next()
            or self._counts.next(self._todo, self._limits.end)
            or self._todo.ask(self._sizing, self._row_cap)
        )

    def counted(
        self,
        ask: CountAsk,
        counts: Mapping[Instant, int],
        checksum: int | None = None,
        *,
        times: AnswerTimes | None = None,
    ) -> Proof:
        """Take the rows per bin; for an ask without `bin`, any one key with all the rows.

        Return the verdict on the rows of the window's hash parts.
        """
        self._skipped_last = False
        if ask.bin is None:
            proof = self._parts.counted(ask, Counted(sum(counts.values()), checksum))
            for done in self._parts.finished():
                self._finish(done, times=times)
            return proof
        self._counts.counted(ask, counts, kept_from=self._limits.kept_from(times))
        return Proof.OPEN

    def kept_from(self, times: AnswerTimes | None) -> Instant | None:
        """Return from where on the service had every row when it answered, if that is known."""
        return self._limits.kept_from(times)

    def usable_until(self, ask: ReadAsk, answer: WindowAnswer) -> Instant:
        """Return the instant before which the rows of an answer may be used.

        The window's end, or the end of settled rows; the window's start if all rows will come
        again: fewer rows than counted, a truncated hash part and, with a `step`, an answer
        truncated or no whole step. Of other truncated answers the newest instant is left out. Rows
        of a hash part wait for their proof, returned by `counted`.
        """
        window = ask.window_of(answer)
        truncated = answer.rows >= self._row_cap
        if truncated and (ask.part or not self._continues):
            return window.start
        until = max(window.start, min(window.end, self._limits.settled(answer.times)))
        if ask.part or truncated or (until < window.end and self._continues):
            return until
        cut = until < window.end or self._limits.aged(window, answer.times)
        unusable = self._short(window, answer) if self._continues else cut
        return window.start if unusable else until

    def answered(self, ask: ReadAsk, answer: WindowAnswer) -> Instant:
        """Take the rows before the instant that `usable_until` says, and return it.

        A truncated answer that may be used has a newest instant, which is returned instead.
        """
        until = self.usable_until(ask, answer)
        self._skipped_last = False
        truncated = answer.rows >= self._row_cap
        if ask.part:
            whole = self._parts.answered(ask, ask.part, answer, self._row_cap)
            return ask.window_of(answer).end if whole else until
        todo = self._todo.answered(ask).plus(calls=answer.calls)
        if truncated and answer.newest and self._continues:
            self._sizing.worked(todo.window, answer.rows, answer.size)
            self._continue(todo, answer, answer.newest)
            return answer.newest
        if truncated:
            self._counts.allowed = False  # without a cursor there are no bins
            self._narrow(todo)
        else:
            self._take(todo, answer, until)
        return until

    def too_large(self, ask: Ask, reason: str, *, size: bool = False) -> None:
        """Take a refusal to answer; `size` marks a refusal for too many bytes."""
        if self._parts.too_large(ask, reason):
            return
        if isinstance(ask, ReadAsk):
            self._narrow(self._todo.answered(ask).plus(calls=1), size=size)
        else:
            self._counts.refused()

    def skip(self) -> None:
        """Give up the unreadable window as a gap, and go on behind."""
        self._skipped_last = True
        for done in self._parts.skip():
            self._finish(done)

    def drain(self) -> Iterator[WindowDone]:
        """Yield the newly finished windows, in the order of time, moving `complete_until`.

        Call after the rows are written: the bookmark may then be set to each window's end.
        """
        self._finish_empty()
        yield from self._finished.drain(stuck=self.unreadable is not None)

    def _finish_empty(self) -> None:
        """Finish stretches counted as empty: the count is the answer."""
        while self._todo and self._counts.is_empty(self._todo.head):
            self._finish(self._todo.pop().done(0))

    def _take(self, todo: Stretch, answer: WindowAnswer, until: Instant) -> None:
        """Finish a window, or its usable part; the rest is asked for again."""
        window = todo.window
        if (settled := self._limits.settled(answer.times)) < window.end:
            self._limits.end = min(self._limits.end, max(settled, window.start))
            self._todo.drop_from(self._limits.end)  # it is the next run's
            self._finished.drop_from(self._limits.end)
        if until > window.start:
            self._sizing.worked(window, answer.rows, answer.size)
            done = todo.over(TimeWindow(window.start, until)).done(answer.rows)
            self._finish(done, times=answer.times, aged=answer.aged)
        elif settled >= window.end and (region := self._short(window, answer)):
            self._doubt(todo, region)
        else:
            self._ask_again(todo, answer.times)

    def _short(self, window: TimeWindow, answer: WindowAnswer) -> TimeWindow | None:
        """Return the stretch with fewer rows than counted, unless due to the rows' age."""
        aged = self._limits.aged(window, answer.times)
        return None if aged else self._counts.short(window, answer.rows)

    def _ask_again(self, todo: Stretch, times: AnswerTimes | None) -> None:
        """Ask again for the whole steps that are settled, and that the service still has."""
        window = todo.window
        edge = max(window.start, min(window.end, self._limits.kept_from(times) or window.start))
        if window.start < edge:
            self._finish(todo.over(TimeWindow(window.start, edge)).done(0), times=times)
            todo = Stretch(window)
        if edge < (end := min(window.end, self._limits.end)):
            self._todo.put(todo.over(TimeWindow(edge, end)))

    def _doubt(self, todo: Stretch, region: TimeWindow) -> None:
        """Read a stretch again, in narrower windows, whose rows are fewer than were counted."""
        region = self._finished.take_back(region)
        todo = todo.over(region).plus(splits=1)
        if region.ticks > self._narrowest and self._counts.doubt(region):
            self._todo.put(todo)
        else:
            self._parts.add(todo, room=self._sizing.rows, least=2)

    def _continue(self, todo: Stretch, answer: WindowAnswer, newest: Instant) -> None:
        """Keep the rows before the newest instant; go on there, by hash parts if need be."""
        window, used = todo.window, answer.rows - answer.held
        self._counts.came(self.span, newest, answer.held)
        if window.start < newest:
            done = todo.over(TimeWindow(window.start, newest)).done(used)
            self._finish(done, times=answer.times, aged=answer.aged, closes=True)
            todo = Stretch(window)
        if not used:
            instant = todo.over(TimeWindow.at(newest))
            self._parts.add(instant, room=self._sizing.rows, least=2, known=answer.held)
        rest = newest if used else newest.plus(1)
        self._todo.put_rest(rest, min(window.end, self._limits.end))

    def _narrow(self, todo: Stretch, *, size: bool = False) -> None:
        todo = todo.plus(splits=1)
        if todo.window.ticks <= self._narrowest:
            self._parts.add(todo, room=self._sizing.rows, least=LEAST_PARTS)
            return
        self._todo.put(todo)
        self._counts.narrowed(todo.window, size=size)

    def _finish(
        self,
        done: WindowDone,
        *,
        times: AnswerTimes | None = None,
        aged: int = 0,
        closes: bool = False,
    ) -> None:
        window, kept_from = done.window, self._limits.kept_from(times)
        done, closed = self._counts.compared(done, aged=self._limits.aged(window, times))
        closes = closes or closed or window.end == self._limits.end
        self._finished.add(done, kept_from=kept_from, aged=aged, closes=closes)
