"""Coverage of each stream in each tenant, as figures.

Pure; the time of the report is an argument.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, Self

from msgspec import Struct

from tap_m365hunting.coverage_report.segments import Segment, segments
from tap_m365hunting.coverage_report.tallies import StreamTally, Sums, Tallies
from tap_m365hunting.instants import TICKS_PER_SECOND, Instant

_MS: Final = 1000


class StreamCoverage(Struct, frozen=True, dict=True):
    """A stream in a tenant; times are ticks of 100 ns, or `None`."""

    stream: str
    tenant_id: str
    segments: tuple[Segment, ...]
    sums: Sums
    last_read: int
    behind_seconds: float | None
    stale: bool

    @cached_property
    def gaps(self) -> Sequence[Segment]:
        """Segments that are not complete, oldest first."""
        return [segment for segment in self.segments if not segment.complete]

    @cached_property
    def complete_from(self) -> int | None:
        """Start of the first complete segment."""
        return next((part.start for part in self.segments if part.complete), None)

    @cached_property
    def complete_to(self) -> int | None:
        """End of the last complete segment."""
        return next((part.end for part in reversed(self.segments) if part.complete), None)

    @property
    def whole_table(self) -> bool:
        """Whether the stream is a table without time, which each run reads as a whole."""
        return self.complete_from == 0

    def to_json(self) -> dict[str, object]:
        """Return the object that stands for it in JSON."""
        sums = self.sums
        return {
            "stream": self.stream,
            "tenant_id": self.tenant_id,
            "complete_from": instant_text(self.complete_from),
            "complete_to": instant_text(self.complete_to),
            "whole_table": self.whole_table,
            "gaps": [_gap(gap) for gap in self.gaps],
            "behind_seconds": self.behind_seconds,
            "stale": self.stale,
            "last_read": instant_text(self.last_read or None),
            "windows": sums.windows,
            "rows": sums.rows,
            "late_rows": sums.late_rows,
            "calls": sums.calls,
            "retries": sums.retries,
            "wait_seconds": sums.wait_ms / _MS,
        }


class CoverageReport(Struct, frozen=True):
    """Coverage as of an instant, in ticks of 100 ns."""

    as_of: int
    streams: tuple[StreamCoverage, ...]

    @classmethod
    def of(
        cls, tallies: Tallies, *, now: Instant, stale_after_minutes: float, since: int = 0
    ) -> Self:
        """Judge the tallies; time before `since` (in ticks) is left out of the segments."""
        limit = stale_after_minutes * 60

        def judged(stream: str, tenant_id: str, tally: StreamTally) -> StreamCoverage:
            parts = tuple(_since(segments(tally), since))
            ends = [part.end for part in parts if part.complete]
            behind = (now.ticks - ends[-1]) / TICKS_PER_SECOND if ends else None
            stale = behind is None or behind > limit
            return StreamCoverage(
                stream, tenant_id, parts, tally.sums, tally.finished, behind, stale
            )

        return cls(now.ticks, tuple(judged(*names, tally) for names, tally in tallies.items()))

    @property
    def gaps(self) -> int:
        """Gaps of all streams together."""
        return sum(len(stream.gaps) for stream in self.streams)

    @property
    def stale(self) -> int:
        """Streams, each counted in each tenant, whose complete time ends too long ago."""
        return sum(stream.stale for stream in self.streams)

    def to_json(self) -> dict[str, object]:
        """Return the object that stands for it in JSON."""
        return {
            "as_of": str(Instant(self.as_of)),
            "gaps": self.gaps,
            "stale": self.stale,
            "streams": [stream.to_json() for stream in self.streams],
        }


def instant_text(ticks: int | None) -> str | None:
    """Return the one text form of an instant."""
    return None if ticks is None else str(Instant(ticks))


def _gap(gap: Segment) -> dict[str, object]:
    return {
        "from": instant_text(gap.start),
        "to": instant_text(gap.end),
        "reason": gap.status,
        "message": gap.message or None,
    }


def _since(parts: Iterable[Segment], since: int) -> Iterator[Segment]:
    for part in parts:
        if part.end > since:
            start = max(part.start, since) if part.start else part.start
            yield Segment(start, part.end, part.status, part.message)
