"""The last words of a run: rows read, cost, and gaps."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.reporting.reports import WindowReport
from tap_m365hunting.wording import plural

# Of more gaps a log would be no summary; the stream `hunting_windows` has them all.
_MOST_GAPS: Final = 20
_COUNTED: Final = ("row", "window", "call")


class Summary:
    """Adds up the windows of a run."""

    def __init__(self) -> None:
        self._sums = Counter[str]()
        self._waited = 0.0
        self._swept = set[tuple[str, str]]()
        self._reached = dict[tuple[str, str], str]()
        self._gaps = list[WindowReport]()

    def add(self, report: WindowReport) -> None:
        """Count a finished window."""
        self._sums.update(windows=1, rows=report.rows, calls=report.calls, retries=report.retries)
        self._waited += report.wait_seconds
        self._swept.add((report.stream, report.tenant_id))
        self._reached[report.stream, report.tenant_id] = report.window_end
        if report.status != "complete":
            self._gaps.append(report)

    @property
    def windows(self) -> int:
        """How many windows were finished."""
        return self._sums["windows"]

    def __str__(self) -> str:
        """Write the sums as a line."""
        streams = plural(len({stream for stream, _ in self._swept}), "stream")
        tenants = plural(len({tenant_id for _, tenant_id in self._swept}), "tenant")
        rows, windows, calls = (plural(self._sums[f"{noun}s"], noun) for noun in _COUNTED)
        retries = plural(self._sums["retries"], "retry", many="retries")
        return (
            f"Read {streams} in {tenants}: {rows} in {windows}, {calls}, {retries}; calls waited "
            f"{self._waited:.0f} s, those at the same time added up"
        )

    def reached(self) -> Iterator[str]:
        """Yield the end of reading for each stream and tenant, for the last of them."""
        for (stream, tenant_id), until in [*self._reached.items()][-_MOST_GAPS:]:
            yield f"Stream {stream}, tenant {tenant_id}: read to {until}"

    def gaps(self) -> Iterator[str]:
        """Yield a line for each missing or changed window, for the first of them."""
        for gap in self._gaps[:_MOST_GAPS]:
            word = "Changed" if gap.status == "changed" else "Missing"
            yield (
                f"{word}: stream {gap.stream}, tenant {gap.tenant_id}, {gap.window_start} to "
                f"{gap.window_end} ({gap.status}): {gap.message}"
            )
        if (more := len(self._gaps) - _MOST_GAPS) > 0:
            yield f"Missing: {plural(more, 'window')} more; hunting_windows has them all"


def notices(run_windows: RunWindows, *, now: Instant, days: int) -> Iterator[tuple[int, str]]:
    """Yield everything out of the ordinary, each with a level; the service keeps so many days."""
    if run_windows.void:
        yield logging.WARNING, f"the bookmark {run_windows.void}; all is read anew"
    complete = run_windows.bookmark.value
    for window in run_windows.lost:
        why = run_windows.out_of_sight
        told = f"rows between {window} are not shown: {why}" if why else None
        yield logging.WARNING, told or _lost(window, days, first=complete is None)
    if run_windows.moves and complete and complete > now:
        ahead = f"the bookmark {complete} is ahead of the clock, and nothing before it will be read"
        yield logging.WARNING, f"{ahead}; if a clock was wrong, set the state back to before that"
    elif not run_windows.windows:
        yield logging.INFO, f"nothing to read yet: complete until {run_windows.fresh}"


def _lost(window: TimeWindow, days: int, *, first: bool) -> str:
    keeps = f"the service keeps {plural(days, 'day')}"
    if first:
        return f"there are no rows between {window}, since {keeps}: start_date lies before that"
    return f"rows between {window} are lost: {keeps}; run more often"


def shared_keys(stream: str, key: Iterable[str], shared: int) -> str:
    """Say of a stream that its key does not hold, and what to do."""
    return (
        f"Stream {stream}: about {shared:,} keys ({', '.join(key)}) have more than one row, of "
        "which a loader keeps the last; add columns to primary_keys that tell them apart, or leave "
        "it out and use _row_id"
    )
