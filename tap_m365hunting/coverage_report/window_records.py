"""Records of `hunting_windows` as left by loaders, and their times as counts of 100 ns.

Pure.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct

from tap_m365hunting.instants import Instant, canonical

COMPLETE: Final = "complete"
#: The status of a record that has none.
UNKNOWN: Final = "unknown"
_FIRST: Final = Instant.parse("0001-01-01T00:00:00Z").ticks
_LAST: Final = Instant.parse("9999-12-31T23:59:59.9999999Z").ticks
# DuckDB's nanoseconds and its short offset; loaders write the first and last instant as infinity.
_LOADED: Final = re.compile(r"(.{19}(?:\.\d{1,7})?)0{0,2}(?:Z|\+00(?::?00)?)?", re.ASCII)
_LENGTH: Final = len("2026-03-01T12:00:00.0000000Z")
_ENDLESS: Final = {"-infinity": _FIRST, "infinity": _LAST}


class WindowRecord(Struct, frozen=True, gc=False):
    """One record; `start`, `end` and `finished` are ticks of 100 ns since year 1, waits in ms."""

    run_id: str
    stream: str
    tenant_id: str
    start: int
    end: int
    status: str
    finished: int
    rows: int = 0
    late_rows: int | None = None
    calls: int = 0
    retries: int = 0
    wait_ms: int = 0
    message: str | None = None


def ticks_of(value: object) -> int:
    """Return an instant loaded as text, or as a time; without an offset in UTC.

    Raises:
        ValueError: the value is no instant.

    >>> ticks_of("2026-03-01T12:00:00.0000000Z") == ticks_of("2026-03-01 12:00:00+00")
    True
    >>> ticks_of("2026-03-01 12:00:00.123456700") == ticks_of("2026-03-01T13:00:00.1234567+01:00")
    False
    >>> ticks_of("-infinity")
    0
    """
    if isinstance(value, str):
        # the tap's own form, here and at once: millions of texts come in it and share seconds
        if len(value) == _LENGTH and value[19] == "." and value[27] == "Z":
            digits = value[20:27]
            if digits.isdecimal():
                return _second(value[:19]) + int(digits)
        return _of_loaded_text(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return Instant.of(moment).ticks
    msg = f"{value!r} is no time"
    raise ValueError(msg)


@lru_cache(maxsize=100_000)
def _of_loaded_text(text: str) -> int:
    if text in _ENDLESS:
        return _ENDLESS[text]
    found = _LOADED.fullmatch(text)
    whole = canonical(f"{found[1]}Z") if found else None
    if whole is not None:
        return Instant.parse(whole).ticks
    return ticks_of(datetime.fromisoformat(text))


@lru_cache(maxsize=50_000)
def _second(text: str) -> int:
    return Instant.parse(f"{text}Z").ticks
