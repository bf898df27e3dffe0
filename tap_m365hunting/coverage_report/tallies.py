"""Windows of each stream and tenant, kept in little room: bounds, failures and sums.

Pure. The order of the records makes no difference. A complete window adds 1 at its start and takes
1 away at its end, and a bound with the sum 0 is forgotten. Windows that adjoin therefore leave two
bounds, however many there are.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from msgspec import Struct

from tap_m365hunting.coverage_report.window_records import COMPLETE, WindowRecord


class Failure(Struct, frozen=True, order=True):
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


class Tally:
    """The windows of a stream in a tenant."""

    def __init__(self) -> None:
        self.bounds: dict[int, int] = {}
        self.failures: dict[tuple[int, int], Failure] = {}
        self.sums = Sums()
        self.finished = 0
        self._runs: dict[str, _RunWindows] = {}

    def add(self, record: WindowRecord) -> None:
        """Take a record; its costs count once, however often the record was loaded."""
        start, end, finished = record.start, record.end, record.finished
        if record.status == COMPLETE:
            self._complete(start, end)
        else:
            self.fail(start, end, Failure(finished, record.status, record.message or ""))
        self.finished = max(self.finished, finished)
        run = self._runs.get(record.run_id)
        if run is None:
            run = self._runs[record.run_id] = _RunWindows()
        if run.is_new(start, end):
            self.sums.add(record, 1)

    def _complete(self, start: int, end: int) -> None:
        """Take a complete window; most of millions begin at the end of another, which is quick."""
        bounds = self.bounds
        if bounds.get(start) == -1 and end not in bounds:
            del bounds[start]
            bounds[end] = -1
        else:
            self.bound(start, 1)
            self.bound(end, -1)

    def bound(self, at: int, weight: int) -> None:
        """Add to the sum of a bound: windows that start there, less windows that end there."""
        total = self.bounds.pop(at, 0) + weight
        if total:
            self.bounds[at] = total

    def fail(self, start: int, end: int, failure: Failure) -> None:
        """Take a window that is not complete; of several attempts the newest counts."""
        known = self.failures.get((start, end))
        self.failures[start, end] = max(known, failure) if known else failure


class Tallies:
    """Tallies of all streams and tenants; a tenant's id is the same in capitals."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}

    def of(self, stream: str, tenant_id: str) -> Tally:
        """Return the tally of a stream in a tenant, a new one if there is none."""
        key = (stream, tenant_id)
        found = self._tallies.get(key)
        if found is None:
            key = (stream, tenant_id.lower())
            found = self._tallies.setdefault(key, Tally())
        return found

    def add(self, record: WindowRecord) -> None:
        """Take a record."""
        self.of(record.stream, record.tenant_id).add(record)

    def items(self) -> Iterator[tuple[tuple[str, str], Tally]]:
        """Yield stream, tenant and tally, in the order of the names."""
        yield from sorted(self._tallies.items(), key=lambda item: item[0])


class _RunWindows:
    """The counted windows of a run, 16 bytes each; mostly in order of time."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._ends = array("q")

    def is_new(self, start: int, end: int) -> bool:
        """Return whether the window is here for the first time."""
        starts = self._starts
        if not starts or start > starts[-1]:
            starts.append(start)
            self._ends.append(end)
            return True
        place = bisect_left(starts, start)
        while place < len(starts) and starts[place] == start:
            if self._ends[place] == end:
                return False
            place += 1
        starts.insert(place, start)
        self._ends.insert(place, end)
        return True
