"""Instants of 100 ns, as text and as numbers.

Pure. Kusto's `datetime` counts ticks of 100 ns since 0001-01-01; Python's counts microseconds and
would drop the seventh digit. So an instant is a count of ticks here, with a text of fixed form,
`YYYY-MM-DDThh:mm:ss.fffffffZ`: alphabetical order is the order in time.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from msgspec import Struct

from tap_m365hunting.printable import quoted

TICKS_PER_SECOND: Final = 10_000_000
TICKS_PER_MICROSECOND: Final = 10

_EPOCH: Final = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# Seen on the wire: no fraction, 3 digits and 7; any number up to 7 is taken.
_FORM: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(?:Z|\+00:00)?", re.ASCII
)


def ticks(span: timedelta) -> int:
    """Return the span in ticks of 100 ns, exactly."""
    return span // _MICROSECOND * TICKS_PER_MICROSECOND


def canonical(text: str) -> str | None:
    """Return an instant's text in the fixed form, or `None` if the text is no instant in UTC.

    >>> canonical("2026-07-19T21:46:29Z")
    '2026-07-19T21:46:29.0000000Z'
    >>> canonical("2026-07-19T21:46:29.928Z")
    '2026-07-19T21:46:29.9280000Z'
    >>> canonical("yesterday") is None
    True
    """
    if len(text) == 28 and text[19] == "." and text[27] == "Z" and _FORM.fullmatch(text):  # noqa: PLR2004
        return text
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    day, time, fraction = found.groups()
    return f"{day}T{time}.{fraction or '':0<7}Z"


class Instant(Struct, frozen=True, order=True):
    """A moment in UTC: `ticks` of 100 ns since 0001-01-01T00:00:00Z."""

    ticks: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read any form of the service; a date alone means midnight.

        Raises:
            ValueError: the text is no instant in UTC.

        >>> str(Instant.parse("2026-01-01"))
        '2026-01-01T00:00:00.0000000Z'
        """
        whole = canonical(text) or canonical(f"{text}T00:00:00Z")
        if whole is None:
            msg = f"{quoted(text)} is not a UTC time such as 2026-01-31T00:00:00Z"
            raise ValueError(msg)
        return cls.of(datetime.fromisoformat(f"{whole[:19]}+00:00")).plus(int(whole[20:27]))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Take a moment with a time zone; Python's microseconds become ticks."""
        return cls(ticks(moment - _EPOCH))

    @classmethod
    def of_seconds(cls, seconds: float) -> Self:
        """Take seconds since 1970, from a clock, to the microsecond."""
        return cls.of(datetime.fromtimestamp(seconds, tz=UTC))

    def plus(self, ticks: int) -> Self:
        """Return the instant so many ticks later (earlier, if negative)."""
        return type(self)(self.ticks + ticks)

    def seconds_since(self, other: "Instant") -> float:
        """Return the seconds from another instant to this one."""
        return (self.ticks - other.ticks) / TICKS_PER_SECOND

    def floor(self, step: timedelta | None) -> Self:
        """Return the start of the instant's step, like Kusto's `bin()`; itself without a step.

        >>> str(Instant.parse("2026-01-31T17:30:00Z").floor(timedelta(days=1)))
        '2026-01-31T00:00:00.0000000Z'
        """
        return type(self)(self.ticks // ticks(step) * ticks(step)) if step else self

    def ceil(self, step: timedelta | None) -> Self:
        """Return the start of the next step, or the instant itself at a start."""
        return type(self)(-(-self.ticks // ticks(step)) * ticks(step)) if step else self

    def __add__(self, span: timedelta) -> Self:
        return self.plus(ticks(span))

    def __sub__(self, span: timedelta) -> Self:
        return self.plus(-ticks(span))

    def __str__(self) -> str:
        """Return the fixed form, 7 digits and `Z`."""
        seconds, fraction = divmod(self.ticks, TICKS_PER_SECOND)
        moment = _EPOCH + timedelta(seconds=seconds)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:07}Z".rjust(28, "0")
