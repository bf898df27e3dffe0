"""The request's `Timespan`: which stretch of time a Graph query may see.

Pure. Documented forms: start/end, duration/end, start/duration, a duration back from now, and a
single instant up to now; all ISO 8601.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DURATION: Final = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?"
    r"(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)

Span = tuple[datetime, datetime]


def parse(text: str, *, now: datetime) -> Span:
    """Return start and end of a timespan.

    Raises:
        ValueError: the text is in none of the documented forms.

    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> [str(at) for at in parse("PT90M", now=noon)]
    ['2026-03-01 10:30:00+00:00', '2026-03-01 12:00:00+00:00']
    >>> [str(at) for at in parse("2026-02-01/P1D", now=noon)]
    ['2026-02-01 00:00:00+00:00', '2026-02-02 00:00:00+00:00']
    """
    first, slash, second = text.strip().partition("/")
    try:
        span = _pair(first, second) if slash else _single(first, now)
    except OverflowError as error:
        msg = f"{text!r} reaches beyond the calendar"
        raise ValueError(msg) from error
    if span[0] > span[1]:
        msg = f"{text!r} ends before it starts"
        raise ValueError(msg)
    return span


def _single(text: str, now: datetime) -> Span:
    if text.startswith("P"):
        return now - _duration(text), now
    return _instant(text), now


def _pair(first: str, second: str) -> Span:
    if first.startswith("P"):
        end = _instant(second)
        return end - _duration(first), end
    start = _instant(first)
    if second.startswith("P"):
        return start, start + _duration(second)
    return start, _instant(second)


def _instant(text: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        msg = f"{text!r} is no ISO 8601 date and time"
        raise ValueError(msg)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    parts = {} if found is None else {k: float(v) for k, v in found.groupdict().items() if v}
    if not parts:
        msg = f"{text!r} is no ISO 8601 duration"
        raise ValueError(msg)
    # .NET reads a year as 365 days and a month as 30.
    days = parts.pop("years", 0) * 365 + parts.pop("months", 0) * 30
    return timedelta(days=days) + timedelta(**parts)
