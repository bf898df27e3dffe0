"""Windows of each stream and tenant, kept in little room: complete spans, failures and sums.

Pure. The order of the records makes no difference. Complete windows that touch are one span; each
record leaves 24 bytes, by which it counts once.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping

from msgspec import Struct

from tap_m365hunting.coverage_report.window_records import COMPLETE, WindowRecord


class FailedAttempt(Struct, frozen=True, order=True):
    """The newest attempt at a window that did not end as complete."""

    finished: int
    status: str
    message: str


class Sums(Struct):
    """Windows read, and their cost; `late_rows` is `None` where no window knew."""

    windows: int = 0
    rows: int = 0
    late_rows: int | None = None
    calls: int = 0
    retries: int = 0
    wait_ms: int = 0

    def add(self, other: "Sums | WindowRecord", windows: int) -> None:
        """Add what other windows cost."""
        self.windows += windows
        self.rows += other.rows
        self.calls += other.calls
        self.retries += other.retries
        self.wait_ms += other.wait_ms
        if other.late_rows is not None:
            self.late_rows = (self.late_rows or 0) + other.late_rows


class StreamTally:
    """The windows of a stream in a tenant."""

    def __init__(self) -> None:
        self.failures: dict[tuple[int, int], FailedAttempt] = {}
        self.sums = Sums()
        self.finished = 0
        self._complete = _Spans()
        self._weights: dict[int, int] = {}
        self._counted = _CountedWindows()

    def add(self, record: WindowRecord) -> None:
        """Take a record; it costs once, however often it was loaded."""
        start, end, finished = record.start, record.end, record.finished
        if record.status == COMPLETE:
            self._complete.add(start, end)
        else:
            self.fail(start, end, FailedAttempt(finished, record.status, record.message or ""))
        self.finished = max(self.finished, finished)
        if self._counted.is_new(start, end, _told_by(record)):
            self.sums.add(record, 1)

    def bound(self, at: int, weight: int) -> None:
        """Add complete windows by a bound: those that start there, less those that end there."""
        self._weights[at] = self._weights.get(at, 0) + weight

    def fail(self, start: int, end: int, failure: FailedAttempt) -> None:
        """Take a window that is not complete; of several attempts the newest counts."""
        known = self.failures.get((start, end))
        self.failures[start, end] = max(known, failure) if known else failure

    def bounds(self) -> Mapping[int, int]:
        """Return the bounds of complete time, each with what starts there less what ends there."""
        weights = dict(self._weights)
        for start, end in self._complete:
            weights[start] = weights.get(start, 0) + 1
            weights[end] = weights.get(end, 0) - 1
        return {at: weight for at, weight in weights.items() if weight}


class Tallies:
    """Tallies of all streams and tenants; a tenant's id is the same in capitals."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], StreamTally] = {}

    def of(self, stream: str, tenant_id: str) -> StreamTally:
        """Return the tally of a stream in a tenant, a new one if there is none."""
        key = (stream, tenant_id)
        found = self._tallies.get(key)
        if found is None:
            key = (stream, tenant_id.lower())
            found = self._tallies.setdefault(key, StreamTally())
        return found

    def add(self, record: WindowRecord) -> None:
        """Take a record."""
        self.of(record.stream, record.tenant_id).add(record)

    def items(self) -> Iterator[tuple[tuple[str, str], StreamTally]]:
        """Yield stream, tenant and tally, in the order of the names."""
        yield from sorted(self._tallies.items(), key=lambda item: item[0])


class _Spans:
    """Spans of time that neither touch nor overlap, in order."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._ends = array("q")

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def add(self, start: int, end: int) -> None:
        """Add a span, one with all that it touches; most of millions go on where the last ends."""
        starts, ends = self._starts, self._ends
        if starts and starts[-1] <= start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        elif start < end:
            first, beyond = bisect_left(ends, start), bisect_right(starts, end)
            if first < beyond:
                start, end = min(start, starts[first]), max(end, ends[beyond - 1])
            starts[first:beyond] = array("q", [start])
            ends[first:beyond] = array("q", [end])


def _told_by(record: WindowRecord) -> int:
    """Return a hash of the record without its window; two attempts of a run are two records."""
    costs = (record.rows, record.late_rows, record.calls, record.retries, record.wait_ms)
    return hash((record.run_id, record.status, record.finished, costs))


class _CountedWindows:
    """The windows that were counted, each with its record's hash, in order of start, hash, end."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._hashes = array("q")
        self._ends = array("q")

    def is_new(self, start: int, end: int, told_by: int) -> bool:
        """Return whether the record of the window is here for the first time."""
        starts, hashes, ends = self._starts, self._hashes, self._ends
        if not starts or start > starts[-1]:  # as most of millions
            starts.append(start)
            hashes.append(told_by)
            ends.append(end)
            return True
        low, high = bisect_left(starts, start), bisect_right(starts, start)
        low, high = (
            bisect_left(hashes, told_by, low, high),
            bisect_right(hashes, told_by, low, high),
        )
        place = bisect_left(ends, end, low, high)
        if place < high and ends[place] == end:
            return False
        starts.insert(place, start)
        hashes.insert(place, told_by)
        ends.insert(place, end)
        return True
