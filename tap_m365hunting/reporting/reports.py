"""The report of each finished window: outcome and cost."""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant
from tap_m365hunting.planning.table_planner import TablePlanner
from tap_m365hunting.planning.windows import TimeWindow, WindowDone
from tap_m365hunting.sync.partition_sync import PartitionSync

Status = Literal["complete", "changed", "gap_retention", "gap_unreadable"]

#: A table that is read whole is one window, from here to the run.
EVER: Final = Instant(0)


class WindowReport(Struct, frozen=True):
    """A finished window; the fields are the columns of `hunting_windows`."""

    stream: str
    tenant_id: str
    window_start: str
    window_end: str
    status: Status
    rows: int
    expected_rows: int | None
    late_rows: int | None
    calls: int
    splits: int
    retries: int
    wait_seconds: float
    seconds: float
    message: str | None
    finished_at: str


class Stopwatch:
    """Reports the windows of a partition, each with the cost since the window before."""

    def __init__(
        self, stream: str, partition_sync: PartitionSync, report: Callable[[WindowReport], None]
    ) -> None:
        self._stream = stream
        self._partition_sync = partition_sync
        self._report = report
        self._since = partition_sync.service.now()
        self._effort = replace(partition_sync.effort)

    def window_done(self, done: WindowDone, late_rows: int | None) -> None:
        """Report a window read, or given up."""
        self._tell(done, _status(done), late_rows)

    def lost(self, window: TimeWindow, why: str) -> None:
        """Report a window beyond the service's retention."""
        self._tell(WindowDone(window, 0, gap=why), "gap_retention")

    def table_read(self, now: Instant, planner: TablePlanner) -> None:
        """Report a table read whole."""
        window = TimeWindow(EVER, now)
        done = WindowDone(
            window,
            planner.rows or 0,
            expected=planner.expected,
            calls=planner.calls,
            splits=planner.splits,
            changed=planner.changed,
        )
        self._tell(done, _status(done))

    def _tell(self, done: WindowDone, status: Status, late_rows: int | None = None) -> None:
        now, effort = self._partition_sync.service.now(), replace(self._partition_sync.effort)
        self._report(
            WindowReport(
                stream=self._stream,
                tenant_id=self._partition_sync.tenant_id,
                window_start=str(done.window.start),
                window_end=str(done.window.end),
                status=status,
                rows=done.rows,
                expected_rows=done.expected,
                late_rows=late_rows,
                calls=done.calls,
                splits=done.splits,
                retries=effort.retries - self._effort.retries,
                wait_seconds=round(effort.wait_seconds - self._effort.wait_seconds, 3),
                seconds=round((now.ticks - self._since.ticks) / TICKS_PER_SECOND, 3),
                message=done.gap or done.changed,
                finished_at=str(now),
            )
        )
        self._since, self._effort = now, effort


def _status(done: WindowDone) -> Status:
    """Return the status of a window given up, or in agreement with the count or not."""
    if done.gap:
        return "gap_retention" if done.lost else "gap_unreadable"
    return "changed" if done.changed else "complete"
