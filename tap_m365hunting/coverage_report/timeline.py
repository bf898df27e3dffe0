"""Segments of a stream as pieces of a bar, at most `COLUMNS` pieces.

Pure. A gap fills every touched column, so that a second in a month is seen, too.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct

from tap_m365hunting.coverage_report.report import CoverageReport
from tap_m365hunting.coverage_report.segments import Segment
from tap_m365hunting.instants import TICKS_PER_SECOND, Instant

COLUMNS: Final = 1000
_DAY: Final = 86_400 * TICKS_PER_SECOND
_MOST_MARKS: Final = 8
_STEPS: Final = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730, 3650)


class BarPart(Struct, frozen=True):
    """A part of a bar, in columns; an `end` is not in it."""

    start: int
    end: int
    status: str


class Axis(Struct, frozen=True):
    """The time that all bars show, in ticks of 100 ns."""

    start: int
    end: int

    @classmethod
    def of(cls, report: CoverageReport) -> "Axis":
        """Span the time from the first window that has a start to the report, a day at least."""
        parts = [part for stream in report.streams for part in stream.segments]
        end = max([part.end for part in parts] + [report.as_of])
        start = min([part.start for part in parts if part.start] + [end - _DAY])
        return cls(start, end)

    def column(self, ticks: int) -> int:
        """Return the column that an instant lies in."""
        return (min(max(ticks, self.start), self.end) - self.start) * COLUMNS // self._ticks

    def pieces(self, segments: Sequence[Segment]) -> Iterator[BarPart]:
        """Yield the pieces of a bar; columns before and after all segments are left out."""
        columns: list[str | None] = [None] * COLUMNS
        for segment in sorted(segments, key=lambda part: not part.complete):
            last = -(-(min(segment.end, self.end) - self.start) * COLUMNS // self._ticks)
            for column in range(self.column(segment.start), min(last, COLUMNS)):
                columns[column] = segment.status
        at = 0
        for status, same in groupby(columns):
            end = at + len(list(same))
            if status is not None:
                yield BarPart(at, end, status)
            at = end

    def marks(self) -> Iterator[tuple[int, str]]:
        """Yield column and date of some midnights."""
        days = self._ticks // _DAY + 1
        step = next((step for step in _STEPS if days <= step * _MOST_MARKS), _STEPS[-1])
        first = -(-self.start // _DAY)
        for day in range(first, self.end // _DAY + 1, step):
            yield self.column(day * _DAY), str(Instant(day * _DAY))[:10]

    @property
    def _ticks(self) -> int:
        return self.end - self.start
