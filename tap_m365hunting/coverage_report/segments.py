"""Time cut into segments: read whole, or missing for a reason.

Pure. An instant is complete if within any complete window of any run: the rows were written
then. Else the newest attempt tells the reason. An instant within no window of any record is
`unread`.
"""

import heapq
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from msgspec import Struct

from tap_m365hunting.coverage_report.tallies import FailedAttempt, StreamTally
from tap_m365hunting.coverage_report.window_records import COMPLETE

UNREAD: Final = "unread"
_NOTHING: Final = FailedAttempt(0, UNREAD, "")
_WHOLE: Final = FailedAttempt(0, COMPLETE, "")


class Segment(Struct, frozen=True):
    """A half-open span in ticks of 100 ns, with a single status; a gap may have a reason."""

    start: int
    end: int
    status: str
    message: str = ""

    @property
    def complete(self) -> bool:
        """Whether every row of the segment was written."""
        return self.status == COMPLETE


def segments(tally: StreamTally) -> list[Segment]:
    """Return the segments from the first window's start to the last one's end, each maximal.

    A gap that several windows make has the message of the newest attempt.
    """
    found: list[Segment] = []
    newest = _NOTHING
    for start, end, reason in _pieces(tally):
        if found and found[-1].status == reason.status:
            newest = max(newest, reason)
            found[-1] = Segment(found[-1].start, end, reason.status, newest.message)
        else:
            newest = reason
            found.append(Segment(start, end, reason.status, reason.message))
    return found


def _pieces(tally: StreamTally) -> Iterator[tuple[int, int, FailedAttempt]]:
    """Yield the time between each bound and the next, and the reason for its status."""
    starts = sorted((start, end, failure) for (start, end), failure in tally.failures.items())
    weights = tally.bounds()
    bounds = sorted({*weights, *(at for window in tally.failures for at in window)})
    attempts = _Attempts(starts)
    depth = 0
    for at, end in pairwise(bounds):
        depth += weights.get(at, 0)
        reason = attempts.newest(at)
        yield at, end, _WHOLE if depth else reason


class _Attempts:
    """Failed windows in order of their starts, asked at later and later instants."""

    def __init__(self, windows: list[tuple[int, int, FailedAttempt]]) -> None:
        self._waiting = windows[::-1]
        self._open: list[tuple[int, _Newest, int]] = []

    def newest(self, at: int) -> FailedAttempt:
        """Return the newest failure whose window has the instant."""
        while self._waiting and self._waiting[-1][0] <= at:
            _, end, failure = self._waiting.pop()
            heapq.heappush(self._open, (-failure.finished, _Newest(failure), end))
        while self._open and self._open[0][2] <= at:
            heapq.heappop(self._open)
        return self._open[0][1].failure if self._open else _NOTHING


class _Newest(Struct, frozen=True):
    """A failure in a heap, the greatest first."""

    failure: FailedAttempt

    def __lt__(self, other: "_Newest") -> bool:
        return self.failure > other.failure
