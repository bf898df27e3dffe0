"""Windows that are finished, kept until all before them are, too.

Pure.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.spans import span_between
from tap_m365hunting.planning.windows import TimeWindow, WindowDone

AGED: Final = (
    "older than the service keeps rows by the time it answered: the edge of retention moved past "
    "them while the run waited; read them sooner: a run of this stream alone, a greater share of "
    "the quotas, or retention_days if the service keeps more"
)
# A first answer takes its time, and as far back as there is data is all that was asked for.
_FIRST_ANSWER: Final = timedelta(minutes=5)


class FinishedWindows:
    """Windows finished from `complete_until` on, in any order; `drain` sorts them by time.

    With `as_far_back` the start is the beginning of the service's rows at the first answer.
    """

    def __init__(self, start: Instant, *, as_far_back: bool = False) -> None:
        self.complete_until = start
        self.rows = 0
        self._begins = start if as_far_back else None
        self._done = dict[Instant, WindowDone]()
        self._open_ended = set[Instant]()

    def add(
        self, done: WindowDone, *, kept_from: Instant | None = None, aged: int = 0, closes: bool
    ) -> None:
        """Take a window; the part before `kept_from`, with `aged` of its rows, is lost.

        A window that does not close (a counted bin reaches over its end) is not handed out before a
        window that does.
        """
        start, end = done.window.start, done.window.end
        lost = kept_from is not None and not done.gap and span_between(start, min(kept_from, end))
        if lost and not self._begin_at(lost):
            self._done[start] = WindowDone(lost, aged, gap=AGED, lost=True)
        start = lost.end if lost else start
        if start < end:
            rows = done.rows - (aged if lost else 0)
            self._done[start] = replace(done, window=TimeWindow(start, end), rows=rows)
            if not closes:
                self._open_ended.add(start)

    def take_back(self, region: TimeWindow) -> TimeWindow:
        """Forget the windows finished in a stretch; return the part to be read again."""
        inside = [at for at in self._done if region.start <= at < region.end]
        for at in inside:
            del self._done[at]
            self._open_ended.discard(at)
        return TimeWindow(max(region.start, self.complete_until), region.end)

    def drop_from(self, end: Instant) -> None:
        """Forget the windows finished from an instant on."""
        last = max(self._done, default=end)
        if last >= end:
            self.take_back(TimeWindow(end, last.plus(1)))

    def drain(self, *, stuck: bool) -> Iterator[WindowDone]:
        """Yield the windows that may be called finished, in the order of time.

        While the reading is `stuck`, an open window will not be proven, nor disproven.
        """
        if stuck:
            self._open_ended.clear()
        for done in self._ready():
            del self._done[done.window.start]
            self.complete_until = done.window.end
            self.rows += done.rows
            yield done

    def _ready(self) -> list[WindowDone]:
        chain, ready, at = list[WindowDone](), list[WindowDone](), self.complete_until
        while done := self._done.get(at):
            chain.append(done)
            if at not in self._open_ended:
                ready += chain
                chain.clear()
            at = done.window.end
        return ready

    def _begin_at(self, lost: TimeWindow) -> bool:
        """Begin later, if only the time of a first answer is lost; say if so."""
        begins, self._begins = self._begins, None
        if begins != lost.start or begins != self.complete_until:
            return False
        if lost.end > begins + _FIRST_ANSWER:
            return False
        self.complete_until = lost.end
        return True
