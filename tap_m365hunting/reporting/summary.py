"""The last words of a run: what was read, what it cost, and what is missing."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.reporting.reports import WindowReport

# Of more gaps a log would be no summary; the stream `hunting_windows` has them all.
_MOST_GAPS: Final = 20


class Summary:
    """Adds up the windows of a run."""

    def __init__(self) -> None:
        self._sums = Counter[str]()
        self._waited = 0.0
        self._swept = set[tuple[str, str]]()
        self._gaps = list[WindowReport]()

    def add(self, report: WindowReport) -> None:
        """Count a finished window."""
        self._sums.update(windows=1, rows=report.rows, calls=report.calls, retries=report.retries)
        self._waited += report.wait_seconds
        self._swept.add((report.stream, report.tenant_id))
        if report.status != "complete":
            self._gaps.append(report)

    def __str__(self) -> str:
        """Say it in a line."""
        streams = len({stream for stream, _ in self._swept})
        tenants = len({tenant_id for _, tenant_id in self._swept})
        return (
            f"Read {streams} streams in {tenants} tenants: {self._sums['rows']:,} rows in "
            f"{self._sums['windows']:,} windows, {self._sums['calls']:,} calls, "
            f"{self._sums['retries']:,} retries, {self._waited:.0f} s of waiting"
        )

    def gaps(self) -> Iterator[str]:
        """Yield a line for each window that is missing, or changed, for the first of them."""
        for gap in self._gaps[:_MOST_GAPS]:
            word = "Changed" if gap.status == "changed" else "Missing"
            yield (
                f"{word}: stream {gap.stream}, tenant {gap.tenant_id}, {gap.window_start} to "
                f"{gap.window_end} ({gap.status}): {gap.message}"
            )
        if (more := len(self._gaps) - _MOST_GAPS) > 0:
            yield f"Missing: {more} more windows; hunting_windows has them all"


def notices(run_windows: RunWindows, *, now: Instant, days: int) -> Iterator[tuple[int, str]]:
    """Yield what is out of the ordinary, each with its level; the service keeps so many days."""
    if run_windows.void:
        yield logging.WARNING, f"the bookmark {run_windows.void}; all is read anew"
    for window in run_windows.lost:
        yield (
            logging.WARNING,
            f"rows between {window} are lost: the service keeps {days} days; run more often",
        )
    complete = run_windows.bookmark.value
    if run_windows.moves and complete and complete > now:
        ahead = f"the bookmark {complete} is ahead of the clock, and nothing before it will be read"
        yield logging.WARNING, f"{ahead}; if a clock was wrong, set the state back to before that"
    elif not run_windows.windows:
        yield logging.INFO, f"nothing to read yet: complete until {run_windows.fresh}"
