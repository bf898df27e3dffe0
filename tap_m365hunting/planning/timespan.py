"""The `Timespan` of calls to Graph for data older than 30 days, and the proof of its effect.

Pure. "Default is 30 days"; where the query filters on time too, "the shorter time span is applied"
(https://learn.microsoft.com/en-us/graph/api/security-security-runhuntingquery, page of 2026-08-18).
No page says which column a `Timespan` filters, or whether its ends are inclusive: so a span is sent
only where 30 days are too short, it covers all of the retention with a margin at both ends, and its
effect is counted before rows beyond 30 days are called complete.
"""

from datetime import timedelta
from typing import Final, Self

from msgspec import Struct

from tap_m365hunting.instants import Instant

#: As far back as a call without `Timespan` sees.
DEFAULT_TIMESPAN: Final = timedelta(days=30)

_MARGIN: Final = timedelta(days=1)
# A window so near the edge would cross it while its call waits for a quota.
_NEAR: Final = timedelta(hours=2)
# A table's oldest row need not be as old as its retention.
_TOLERANCE: Final = timedelta(days=1)


def reaches_beyond(start: Instant, now: Instant) -> bool:
    """Say if rows from `start` on may be out of sight for a call without `Timespan`."""
    return start < now - DEFAULT_TIMESPAN + _NEAR


def timespan(retention: timedelta, now: Instant) -> str:
    """Return a span around the whole retention, in the documented form `start/end`.

    >>> timespan(timedelta(days=90), Instant.parse("2026-06-01T12:00:00.1234567Z"))
    '2026-03-02T12:00:00Z/2026-06-02T12:00:00Z'
    """
    return f"{_seconds(now - retention - _MARGIN)}/{_seconds(now + _MARGIN)}"


class ShownRows(Struct, frozen=True):
    """The rows counted in a span: how many, and the oldest, where the query has a cursor."""

    rows: int
    oldest: Instant | None = None


class Sight(Struct, frozen=True):
    """How far back the service was seen to show rows.

    With `spanned` a `Timespan` is honoured; without, no row older than 30 days is believed in.
    `since` is the oldest row, where it is younger than the retention that is configured. `why` says
    why rows beyond are missing, `None` if none are.
    """

    spanned: bool
    since: Instant | None = None
    why: str | None = None

    @classmethod
    def of(
        cls, plain: ShownRows, spanned: ShownRows | None, *, retention: timedelta, now: Instant
    ) -> Self:
        """Judge two counts of all rows older than 30 days.

        `plain` was counted without a `Timespan`, `spanned` with one, `None` if the service refused.

        >>> now, days = Instant.parse("2026-06-01"), timedelta(days=90)
        >>> Sight.of(ShownRows(0), ShownRows(7, now - days), retention=days, now=now)
        Sight(spanned=True, since=None, why=None)
        >>> Sight.of(ShownRows(0), ShownRows(0), retention=days, now=now).spanned
        False
        """
        if spanned is None:
            return cls(spanned=False, why="the service refuses the Timespan that asks for them")
        if spanned.rows < plain.rows or not spanned.rows:
            why = "the service shows no row older than 30 days, with a Timespan or without"
            return cls(spanned=False, why=why)
        oldest = spanned.oldest
        if oldest is None or oldest <= now - retention + _TOLERANCE:
            return cls(spanned=True)
        why = f"the oldest row that the service shows is of {oldest}"
        return cls(spanned=True, since=oldest, why=why)


def _seconds(instant: Instant) -> str:
    return f"{str(instant)[:19]}Z"
