"""Tells on standard error where a run is: a live line on a terminal, else a log line a window."""

import logging
import shutil
from collections.abc import Callable
from typing import Final, Protocol, Self, TextIO

from msgspec import Struct

from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.reporting.reports import WindowReport
from tap_m365hunting.sync.partition_sync import PartitionSync
from tap_m365hunting.wording import plural

_LOG: Final = logging.getLogger(__name__)
# Often enough to look alive, seldom enough to cost nothing.
_DRAW_SECONDS: Final = 0.25
_MINUTE: Final = 60.0
# To the start of the line, and clear it.
_BLANK: Final = "\r\x1b[K"


class Position(Struct, frozen=True):
    """The position of a stream's reading in a tenant; `rows_left` where counted."""

    stream: str
    complete_until: str
    rows: int
    rows_left: int | None
    calls_left: int

    @classmethod
    def of(cls, stream: str, partition_sync: PartitionSync, planner: Planner) -> Self:
        """Say where a sweep is."""
        return cls(
            stream,
            str(planner.complete_until),
            rows=planner.rows_read,
            rows_left=planner.rows_left,
            calls_left=partition_sync.service.calls_left(),
        )

    def line(self, seconds: float) -> str:
        """Write the position as a line, `seconds` after the first of the rows.

        >>> Position("mail", "2026-03-01T12:00:00.0000000Z", 1000, 3000, 43).line(60)
        'mail  to 2026-03-01 12:00  1,000 of 4,000 rows  3 min left  43 calls left this minute'
        """
        rows = self.rows + (self.rows_left or 0)
        of = "" if self.rows_left is None else f" of {rows:,}"
        parts = [
            self.stream,
            f"to {self.complete_until[:16].replace('T', ' ')}",
            f"{self.rows:,}{of} {plural(rows, 'row').partition(' ')[2]}",
        ]
        if self.rows and self.rows_left is not None:
            minutes = seconds * self.rows_left / self.rows / _MINUTE
            parts.append(f"{minutes:.0f} min left" if minutes >= 1 else "under a minute left")
        parts.append(f"{plural(self.calls_left, 'call')} left this minute")
        return "  ".join(parts)


class Progress(Protocol):
    """The receiver of a run's positions."""

    def moved(self, position: Callable[[], Position]) -> None:
        """Take notice of written rows; the position is asked for only if shown."""

    def finished(self, report: WindowReport) -> None:
        """Take notice of a finished window."""


class LogLines:
    """A log line for each window, for readers of logs."""

    def moved(self, position: Callable[[], Position]) -> None:
        """Stay silent: a log grows with windows, not with rows."""

    def finished(self, report: WindowReport) -> None:
        """Tell of a window."""
        _LOG.info(
            "Stream %s, tenant %s: %s to %s is %s, %s, %s",
            report.stream,
            report.tenant_id,
            report.window_start,
            report.window_end,
            report.status,
            plural(report.rows, "row"),
            plural(report.calls, "call"),
        )


class LiveLine(logging.Filter):
    """A line drawn anew; as a filter of a log's handler the line makes way for log lines."""

    def __init__(self, terminal: TextIO, clock: Callable[[], float]) -> None:
        super().__init__()
        self._terminal = terminal
        self._clock = clock
        self._drawn_at = 0.0
        self._begun = dict[str, float]()

    def moved(self, position: Callable[[], Position]) -> None:
        """Draw the line, unless drawn a moment ago."""
        now = self._clock()
        if now - self._drawn_at < _DRAW_SECONDS:
            return
        self._drawn_at = now
        at = position()
        width = shutil.get_terminal_size().columns - 1
        self._write(_BLANK + at.line(now - self._begun.setdefault(at.stream, now))[:width])

    def finished(self, report: WindowReport) -> None:
        """Stay silent: the line moves on with the next rows."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Blank the line to make room for a log line."""
        del record
        self.clear()
        return True

    def clear(self) -> None:
        """Blank the line."""
        if self._drawn_at:
            self._drawn_at = 0.0
            self._write(_BLANK)

    def _write(self, text: str) -> None:
        self._terminal.write(text)
        self._terminal.flush()


def progress_on(terminal: TextIO, clock: Callable[[], float]) -> Progress:
    """Return how to tell of progress: live on a terminal, in the log elsewhere."""
    if not terminal.isatty():
        return LogLines()
    line = LiveLine(terminal, clock)
    for handler in logging.getLogger().handlers:
        handler.addFilter(line)
    return line
