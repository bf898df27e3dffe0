"""Instants and spans, from Kusto's text to DuckDB's.

Pure. DuckDB's TIMESTAMP_NS holds every tick of 100 ns, but only from 1677 to 2262.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

TICKS_PER_SECOND: Final = 10_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = "1677-09-22 00:00:00.0000000"
_LAST: Final = "2262-04-10 23:59:59.9999999"
_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?"
    r"\s*(?:Z|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
_SPAN: Final = re.compile(r"(-?)(?:(\d+)\.)?(\d+):(\d+)(?::(\d+)(?:\.(\d{1,7}))?)?", re.ASCII)


def parse(text: str) -> str | None:
    """Return an instant as `YYYY-MM-DD hh:mm:ss.fffffff` in UTC, or `None` for other texts.

    >>> parse("2026-01-01T02:00:00.1234567+02:00"), parse("2026-01-01"), parse("2026-02-30")
    ('2026-01-01 00:00:00.1234567', '2026-01-01 00:00:00.0000000', None)
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    numbers = [int(part or 0) for part in (year, month, day, hour, minute, second)]
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        moment = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001 - made UTC below
        moment += offset if sign == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return f"{moment.isoformat(' ')}.{fraction or '':0<7.7}"


def of(moment: str | datetime) -> str:
    """Return `parse`'s form of a moment.

    Raises:
        ValueError: the text is no instant.
    """
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    found = parse(moment)
    if found is None:
        msg = f"{moment!r} is not a time such as 2026-01-31T00:00:00.0000000Z"
        raise ValueError(msg)
    return found


def minus_days(moment: str, days: int) -> str:
    """Move an instant in `parse`'s form back by whole days, no further than year 1."""
    date = datetime.fromisoformat(f"{moment[:10]}T00:00:00+00:00")
    try:
        earlier = date - timedelta(days=days)
    except OverflowError:
        return f"0001-01-01{moment[10:]}"
    return f"{earlier:%Y-%m-%d}".rjust(10, "0") + moment[10:]


def literal(moment: str, *, clamp: bool = True) -> str:
    """Write an instant in `parse`'s form as SQL, at 100 ns.

    An instant outside TIMESTAMP_NS becomes the nearest bound with `clamp` (right for comparisons
    with columns), else a TIMESTAMP of microseconds.
    """
    if clamp or _FIRST <= moment <= _LAST:
        return f"TIMESTAMP_NS '{min(max(moment, _FIRST), _LAST)}'"
    return f"TIMESTAMP '{moment[:26]}'"


def holds(moment: str) -> bool:
    """Whether TIMESTAMP_NS holds the instant."""
    return _FIRST <= moment <= _LAST


def span_microseconds(text: str) -> int:
    """Read Kusto's `[-][d.]hh:mm[:ss[.fffffff]]` as microseconds; a seventh digit is dropped.

    Raises:
        ValueError: the text is no timespan.

    >>> span_microseconds("1.02:03:04.5")
    93784500000
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        msg = f"{text!r} is not a timespan such as 1.02:03:04.5"
        raise ValueError(msg)
    sign, days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds or 0)
    total = whole * 1_000_000 + int(f"{fraction or '':0<6.6}")
    return -total if sign else total
