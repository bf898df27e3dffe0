"""Values in KQL's own writing, to read and to write.

Pure.
"""

import re
from datetime import timedelta
from typing import Final

from tap_m365hunting.instants import Instant, ticks

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_TIMESPAN: Final = re.compile(r"(?:time(?:span)?\()?\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*\)?", re.ASCII)
# A number alone is one of days, as the first is in 1.02:03:04.
_CLOCK: Final = re.compile(
    r"time(?:span)?\(\s*(?:(\d+)(?:\.|\s*\)))?(?:(\d+):(\d+)(?::(\d+(?:\.\d+)?))?\s*\))?", re.ASCII
)
_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_LONG_UNITS: Final = {
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("min", "minute", "minutes"), "m"),
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("milli", "millis", "millisecond", "milliseconds"), "ms"),
}
_LONGEST: Final = 36_500  # days; no bin is wider than a century


def column_text(name: str) -> str:
    r"""Write a column's name so that any text is safe.

    >>> print(column_text("it's"))
    ['it\'s']
    """
    return f"['{name.translate(_ESCAPES)}']"


def datetime_text(instant: Instant) -> str:
    """Write an instant to the tick."""
    return f"datetime({instant})"


def timespan_text(span: timedelta) -> str:
    """Write a span in the largest whole unit.

    >>> timespan_text(timedelta(hours=24)), timespan_text(timedelta(minutes=90))
    ('1d', '90m')
    """
    for unit, size in _UNITS.items():
        if span % size == timedelta(0):
            return f"{span // size}{unit}"
    return f"{ticks(span)}tick"


def timespan(text: str) -> timedelta | None:
    """Read a timespan; `None` for forms not used for bins.

    >>> str(timespan("90min")), str(timespan("timespan(1d)")), timespan("step")
    ('1:30:00', '1 day, 0:00:00', None)
    >>> str(timespan("time(1.12:00:00)")), str(timespan("time(2)")), str(timespan("time(00:05)"))
    ('1 day, 12:00:00', '2 days, 0:00:00', '0:05:00')
    """
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return _width(days * 86400 + hours * 3600 + minutes * 60 + seconds)
    found = _TIMESPAN.fullmatch(text)
    size = _UNITS.get(_LONG_UNITS.get(found[2], found[2])) if found else None
    return _width(float(found[1]) * size.total_seconds()) if found and size else None


def _width(seconds: float) -> timedelta | None:
    return timedelta(seconds=seconds) or None if seconds <= _LONGEST * 86400 else None
