"""How long to wait before the next call, given what was spent and what a 429 said.

Pure: every function is told the time, in seconds since 1970, and answers in seconds. The client
sleeps, and it holds a lock where callers run in parallel.
"""

import re
from collections import deque
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import inf
from typing import Final, Self

from tap_m365hunting.instants import TICKS_PER_SECOND, Instant

MINUTE: Final = 60.0
HOUR: Final = 3_600.0
DAY: Final = 86_400.0
# "When a query reaches 100 % of the allocated CPU, the tenant is blocked until the next 15-minute
# cycle" -- https://learn.microsoft.com/en-us/defender-xdr/advanced-hunting-limits
CPU_CYCLE: Final = 900.0
# Whether a call may come at the very end of a period is the service's to say.
MARGIN: Final = 0.1
SHORTEST: Final = 1.0
# 1970-01-01 in ticks since 0001-01-01.
_EPOCH: Final = Instant.parse("1970-01-01").ticks


class MovingQuota:
    """At most `limit` in any `period` seconds, wherever the period begins.

    The service counts a call when it arrives, which is before its answer: a call that is `begun`
    has its place until it is `answered`, and for a period from then on.
    """

    def __init__(self, limit: int, period: float) -> None:
        self.limit = max(1, limit)
        self.period = period
        self._spent: deque[float] = deque()
        self._flying = 0

    def delay(self, now: float) -> float:
        """Return the seconds until something is left to spend, 0 if there is now.

        It is infinite if an answer must come first.
        """
        self._forget(now)
        room = self.limit - self._flying
        if len(self._spent) < room:
            return 0.0
        # With a limit that was lowered, more than one entry may have to leave the period.
        return max(0.0, self._spent[-room] + self.period - now) if room > 0 else inf

    def begin(self) -> None:
        """Note one call that is on its way."""
        self._flying += 1

    def answered(self, now: float) -> None:
        """Note that one of the calls on their way has arrived, now at the latest."""
        self._forget(now)
        self._flying -= 1
        self._spent.append(now)

    def left(self, now: float) -> int:
        """Return how many calls may be made at once."""
        self._forget(now)
        return max(0, self.limit - len(self._spent) - self._flying)

    def lower(self, limit: int) -> None:
        """Learn that the quota is smaller; it never grows."""
        self.limit = max(1, min(self.limit, limit))

    def _forget(self, now: float) -> None:
        if self._spent and now < (latest := self._spent[-1]):
            # The clock was set back: what was spent stays as long ago as it was at the last call.
            self._spent = deque(at - (latest - now) for at in self._spent)
        while self._spent and self._spent[0] + self.period <= now:
            self._spent.popleft()


class TenantQuota:
    """All quotas of one tenant together; every stream of the tenant takes from it."""

    def __init__(self, moving: Iterable[MovingQuota], *, share_percent: int = 100) -> None:
        self._moving = list(moving)
        self._share = share_percent
        self._flying = 0
        self._blocked_until = 0.0
        self._blocked_for = 0.0

    @classmethod
    def of_calls(cls, *, per_minute: int, per_hour: int, share_percent: int = 100) -> Self:
        """Build from the settings; `share_percent` is what the tap may use of each."""
        limits = ((per_minute, MINUTE), (per_hour, HOUR))
        return cls(
            (MovingQuota(n * share_percent // 100, period + MARGIN) for n, period in limits),
            share_percent=share_percent,
        )

    def delay(self, now: float) -> float:
        """Return the seconds until a call may be made."""
        return max(0.0, self._blocked(now), *(quota.delay(now) for quota in self._moving))

    def begin(self, now: float) -> float:
        """Take one call and return 0, or take nothing and return the seconds to wait.

        The caller waits and asks again, as another may have been faster. Each call that was taken
        is to be `answered`.
        """
        wait = self.delay(now)
        if wait == 0:
            for quota in self._moving:
                quota.begin()
            self._flying += 1
        return wait

    def answered(self, now: float) -> None:
        """Note that a call that was taken has been answered, or never will be."""
        self._flying -= 1
        for quota in self._moving:
            quota.answered(now)

    def take(self, now: float) -> float:
        """Do as `begin`, with a call that is answered at once.

        `while wait := quota.take(clock()): sleep(wait)`.
        """
        wait = self.begin(now)
        if wait == 0:
            self.answered(now)
        return wait

    def _blocked(self, now: float) -> float:
        if self._blocked_until - now > self._blocked_for:
            # The clock was set back: no wait gets longer by that.
            self._blocked_until = now + self._blocked_for
        return self._blocked_until - now

    def left(self, now: float) -> int:
        """Return how many calls may be made at once."""
        if self.delay(now):
            return 0
        return min((quota.left(now) for quota in self._moving), default=0)

    def throttled(self, now: float, *, wait: float, text: str = "") -> None:
        """Let all callers wait after a 429, and lower the quota that its text names."""
        self._blocked_for = max(wait, self._blocked(now))
        self._blocked_until = now + self._blocked_for
        if found := stated_quota(text):
            limit, period = found[0] * self._share // 100, found[1] + MARGIN
            same = [quota for quota in self._moving if quota.period == period]
            for quota in same:
                quota.lower(limit)
            if not same:
                self._moving.append(self._joined(MovingQuota(limit, period)))

    def _joined(self, quota: MovingQuota) -> MovingQuota:
        """Tell a quota that was not known of the calls on their way."""
        for _ in range(self._flying):
            quota.begin()
        return quota


def until_next(period: float, now: float) -> float:
    """Return the seconds to the next whole multiple of a period, never 0.

    >>> until_next(900, 1_000.0)
    800.0
    """
    return period - now % period


_QUOTA: Final = re.compile(r"\b(\d{1,9}) per ((?:\d{1,3}\.)?\d{1,2}:\d\d:\d\d)\b")
_CLOCK: Final = re.compile(r"\b(?:(\d{1,3})\.)?(\d{1,2}):(\d\d):(\d\d)\b")
_AGAIN: Final = re.compile(r"\b(?:in|after|for)\s+(?:about\s+|another\s+)?(.{1,60})", re.IGNORECASE)
_UNITS: Final = re.compile(
    r"(\d{1,6}(?:\.\d{1,7})?)\s*(d|h|m|s)(?:ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?(?![a-z])",
    re.IGNORECASE,
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|\b)")
_CPU: Final = re.compile(r"\bcpu\b|processing resources|resource consumption", re.IGNORECASE)
_SECONDS: Final = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1.0}


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
    """Return the seconds that a `Retry-After` asks for, as a number or as an HTTP date."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value, re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def wait_after(
    retry_after: str | None, text: str, *, now: float, attempt: int, jitter: float = 0.0
) -> float:
    """Return how long to wait on a 429: from 1 second to a day, never less than was asked for.

    `attempt` counts from 0 the 429s in a row; `jitter`, from 0 to 1, adds up to a tenth, at most 30
    seconds, so that many callers do not come back at once. Whether so long a wait is acceptable is
    for the caller to say.
    """
    wait = header_wait(retry_after, now)
    if wait is None:
        wait = stated_wait(text, now)
    if wait is None and _CPU.search(text):
        wait = until_next(CPU_CYCLE, now)
    if wait is None:
        wait = MINUTE * 2 ** min(attempt, 10)
    wait = min(max(wait, SHORTEST), DAY)
    return wait + jitter * min(wait / 10, 30.0)


def _timespan(text: str) -> float | None:
    """Read Kusto's form, `[days.]hh:mm:ss`."""
    if (found := _CLOCK.search(text)) is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * DAY + hours * HOUR + minutes * MINUTE + seconds


def _in_words(text: str) -> float | None:
    """Read `5 minutes`, `1 hour 30 min`, `PT5M`."""
    return sum(float(n) * _SECONDS[unit.lower()] for n, unit in _UNITS.findall(text)) or None


def _moment(text: str) -> float | None:
    try:
        return (Instant.parse(text).ticks - _EPOCH) / TICKS_PER_SECOND
    except ValueError:
        return None
