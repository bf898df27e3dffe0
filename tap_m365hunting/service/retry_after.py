"""The meaning of a 429: how long to wait, and which quota was spent.

Pure: every function is told the time, in seconds since 1970, and answers in seconds.
"""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant

MINUTE: Final = 60.0
HOUR: Final = 3_600.0
DAY: Final = 86_400.0
# "When a query reaches 100 % of the allocated CPU, the tenant is blocked until the next 15-minute
# cycle" -- https://learn.microsoft.com/en-us/defender-xdr/advanced-hunting-limits
CPU_CYCLE: Final = 900.0
SHORTEST: Final = 1.0
# Dates of the year 3000 and later are slips, with which nothing can be counted
_LAST_SECOND: Final = 32_503_680_000
# 1970-01-01 in ticks since 0001-01-01.
_EPOCH: Final = Instant.parse("1970-01-01").ticks


def until_next(period: float, now: float) -> float:
    """Return the seconds to the next whole multiple of a period, never 0.

    >>> until_next(900, 1_000.0)
    800.0
    """
    return period - now % period


_QUOTA: Final = re.compile(r"\b(\d{1,9}) per ((?:\d{1,3}\.)?\d{1,2}:\d\d:\d\d)\b")
_CLOCK: Final = re.compile(r"\b(?:(\d{1,3})\.)?(\d{1,2}):(\d\d):(\d\d)\b")
_AGAIN: Final = re.compile(r"\b(?:in|after|for)\s+(?:about\s+|another\s+)?(.{1,60})", re.IGNORECASE)
_UNIT: Final = r"(\d{1,6}(?:\.\d{1,7})?)\s*(d|h|m|s)(?:ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?"
_UNITS: Final = re.compile(_UNIT, re.IGNORECASE)
# A word of its own: ids have digits before letters too
_DURATION: Final = re.compile(rf"(?<![\w.-])P?(?:T?{_UNIT})+(?![\w-])", re.IGNORECASE)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|\b)")
_CPU: Final = re.compile(r"\bcpu\b|processing resources|resource consumption", re.IGNORECASE)
_SECONDS: Final = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1.0}


def is_about_cpu(text: str) -> bool:
    """Say whether a 429 means the CPU quota.

    >>> is_about_cpu("You have exceeded processing resources allocated to this tenant.")
    True
    """
    return _CPU.search(text) is not None


def stated_quota(text: str) -> tuple[int, float] | None:
    """Return limit and period in seconds if a 429 names them.

    >>> stated_quota("API calls quota exceeded! maximum allowed 45 per 00:01:00")
    (45, 60.0)
    """
    found = _QUOTA.search(text)
    period = _timespan(found[2]) if found else None
    return (int(found[1]), period) if found and period else None


def stated_wait(text: str, now: float) -> float | None:
    """Return the seconds to wait if the text of a 429 names a moment, a duration or a period."""
    if (found := _MOMENT.search(text)) and (moment := _moment(found[0])) is not None:
        return moment - now if moment > now else None
    for again in _AGAIN.finditer(text):
        if seconds := _timespan(again[1]) or _in_words(again[1]):
            return seconds
    quota = stated_quota(text)
    return quota[1] if quota else None


def header_wait(value: str | None, now: float) -> float | None:
    """Return the seconds asked for by a `Retry-After`, as a number or as an HTTP date."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value, re.ASCII):
        return float(value)
    moment = http_date(value)
    return None if moment is None else max(0.0, moment - now)


def http_date(text: str | None) -> float | None:
    """Return the seconds since 1970 of a header with a date; `None` for other texts.

    A date without a zone is in UTC (RFC 9110, 5.6.7), whatever the machine's zone.

    >>> http_date("Sun, 01 Mar 2026 12:00:00 GMT"), http_date("Sun, 01 Mar 99999 12:00:00 GMT")
    (1772366400.0, None)
    """
    try:
        moment = parsedate_to_datetime(text or "")
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return seconds if 0 <= seconds < _LAST_SECOND else None


def wait_after(
    retry_after: str | None, text: str, *, now: float, attempt: int, jitter: float = 0.0
) -> float:
    """Return how long to wait on a 429: from 1 second to a day, never less than was asked for.

    `attempt` counts from 0 the 429s in a row, with each of which the least wait doubles up to a
    minute: a service that asks for no time, or for a moment that is past, is not asked every
    second. `jitter`, from 0 to 1, adds up to a tenth, at most 30 seconds, so that many callers do
    not come back at once. Whether so long a wait is acceptable is for the caller to say.
    """
    wait = header_wait(retry_after, now)
    if wait is None:
        wait = stated_wait(text, now)
    if wait is None and is_about_cpu(text):
        wait = until_next(CPU_CYCLE, now)
    if wait is None:
        wait = MINUTE * 2.0 ** min(attempt, 10)
    least = min(SHORTEST * 2.0 ** min(attempt, 10), MINUTE)
    wait = min(max(wait, least), DAY)
    return wait + jitter * min(wait / 10, 30.0)


def _timespan(text: str) -> float | None:
    """Read Kusto's form, `[days.]hh:mm:ss`."""
    if (found := _CLOCK.search(text)) is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * DAY + hours * HOUR + minutes * MINUTE + seconds


def _in_words(text: str) -> float | None:
    """Read `5 minutes`, `1 hour 30 min`, `PT5M`."""
    units = [unit for found in _DURATION.finditer(text) for unit in _UNITS.findall(found[0])]
    return sum(float(n) * _SECONDS[unit.lower()] for n, unit in units) or None


def _moment(text: str) -> float | None:
    try:
        return (Instant.parse(text).ticks - _EPOCH) / TICKS_PER_SECOND
    except ValueError:
        return None
