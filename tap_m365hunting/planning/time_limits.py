"""The part of a window for which an answer is believed, by the service's own clock.

Pure. Rows that are younger than the settle time may still be written, and those older than
retention may be gone: neither is proven complete by an answer that lacks them.
"""

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.planning.windows import AnswerTimes, TimeWindow


class TimeLimits:
    """The limits of a span that `end`s here; without a `timing` there are no others."""

    def __init__(self, end: Instant, timing: Timing | None) -> None:
        self.end = end
        self._timing = timing

    def settled(self, times: AnswerTimes | None) -> Instant:
        """Return up to where rows were settled when the service was asked, the end at the most."""
        if self._timing is None or times is None:
            return self.end
        return min(self.end, self._timing.end(times.asked))

    def kept_from(self, times: AnswerTimes | None) -> Instant | None:
        """Return from where on the service had every row when it answered, if that is known."""
        return self._timing.oldest(times.answered) if self._timing and times else None

    def aged(self, window: TimeWindow, times: AnswerTimes | None) -> bool:
        """Say if some of a window lay beyond retention when the service answered."""
        kept_from = self.kept_from(times)
        return kept_from is not None and kept_from > window.start
