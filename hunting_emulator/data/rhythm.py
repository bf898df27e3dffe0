"""Rows per hour: days and nights, weeks and week-ends, a burst.

Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

HOUR: Final = timedelta(hours=1)
# An office's day in UTC, and the servers that never sleep.
_DAY: Final = (2, 2, 1, 1, 1, 2, 5, 12, 20, 24, 25, 23, 18, 21, 25, 24, 20, 14, 8, 6, 5, 4, 3, 2)
_WEEKEND: Final = 0.2
_BURST_FACTOR: Final = 100
_BURST_BEFORE_ANCHOR: Final = timedelta(days=3, hours=5)


@dataclass(frozen=True, slots=True)
class HourOfRows:
    """So many rows, numbered from `first`, in the hour from `start`."""

    start: datetime
    first: int
    count: int


def burst_hour(anchor: datetime) -> datetime:
    """Return the start of the hour with a hundred times the usual rows."""
    return _floor(anchor - _BURST_BEFORE_ANCHOR)


def hours(anchor: datetime, *, rows: int, days: int, days_ahead: int) -> list[HourOfRows]:
    """Spread `rows` over the days before the anchor, and at the same pace over the days after.

    >>> from datetime import UTC
    >>> plan = hours(datetime(2026, 3, 1, tzinfo=UTC), rows=1000, days=10, days_ahead=0)
    >>> len(plan), sum(hour.count for hour in plan)
    (240, 1000)
    """
    first = _floor(anchor - timedelta(days=days))
    past = [first + HOUR * index for index in range(days * 24)]
    ahead = [past[-1] + HOUR * (index + 1) for index in range(days_ahead * 24)]
    burst = burst_hour(anchor)
    weights = [_weight(start, burst) for start in past]
    share = rows / sum(weights)
    counts = _rounded([weight * share for weight in weights + [_weight(h, burst) for h in ahead]])
    return _numbered([*past, *ahead], counts)


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _weight(start: datetime, burst: datetime) -> float:
    saturday = 5
    if start == burst:
        return _BURST_FACTOR * sum(_DAY) / len(_DAY)
    return _DAY[start.hour] * (_WEEKEND if start.weekday() >= saturday else 1.0)


def _rounded(amounts: Sequence[float]) -> list[int]:
    """Round so that the sum of any first part is right to the nearest whole."""
    counts, total, given = [], 0.0, 0
    for amount in amounts:
        total += amount
        counts.append(round(total) - given)
        given = round(total)
    return counts


def _numbered(starts: Sequence[datetime], counts: Sequence[int]) -> list[HourOfRows]:
    plan, first = [], 0
    for start, count in zip(starts, counts, strict=True):
        plan.append(HourOfRows(start, first, count))
        first += count
    return plan
