"""The wait before the next call, from the calls spent and the text of a 429.

Pure: every function takes the time and answers in seconds. Time counts from any moment, but without
steps of the machine's clock: a quota holds in every true minute. The gate sleeps, and holds a lock
where callers run in parallel.
"""

from collections import deque
from collections.abc import Iterable
from math import inf
from typing import Final, Self

from tap_m365hunting.service.retry_after import (
    CPU_CYCLE,
    HOUR,
    MINUTE,
    is_about_cpu,
    stated_quota,
    until_next,
)

__all__ = ["LEAST_CPU_SECONDS", "MARGIN", "MINUTE", "CpuQuota", "MovingQuota", "TenantQuota"]

# Whether a call may come at the very end of a period is the service's to say.
MARGIN: Final = 0.1
# A tenth of the least that was ever documented, 10 minutes an hour. Where not even this was let
# through, others had used the quota, and what they leave next time cannot be learned from it.
LEAST_CPU_SECONDS: Final = 15.0


class MovingQuota:
    """At most `limit` in any `period` seconds, wherever the period begins.

    The service counts a call on arrival, before the answer: a call `begun` has its place until
    `answered`, and for a period from then on.
    """

    def __init__(self, limit: int, period: float) -> None:
        self.limit = max(1, limit)
        self.period = period
        self._spent: deque[float] = deque()
        self._flying = 0

    def delay(self, now: float) -> float:
        """Return the seconds until a call is left to spend, 0 for now.

        The delay is infinite if an answer must come first.
        """
        self._forget(now)
        room = self.limit - self._flying
        if len(self._spent) < room:
            return 0.0
        # With a limit that was lowered, more than one entry may have to leave the period.
        return max(0.0, self._spent[-room] + self.period - now) if room > 0 else inf

    def begin(self) -> None:
        """Note a call on its way."""
        self._flying += 1

    def answered(self, now: float) -> None:
        """Note the arrival of a call on its way, now at the latest."""
        self._forget(now)
        self._flying -= 1
        self._spent.append(now)

    def left(self, now: float) -> int:
        """Return how many calls may be made at once."""
        self._forget(now)
        return max(0, self.limit - len(self._spent) - self._flying)

    def lower(self, limit: int) -> None:
        """Learn a smaller quota; a quota never grows."""
        self.limit = max(1, min(self.limit, limit))

    def _forget(self, now: float) -> None:
        if self._spent and now < (latest := self._spent[-1]):
            # The clock was set back: what was spent stays as long ago as it was at the last call.
            self._spent = deque(at - (latest - now) for at in self._spent)
        while self._spent and self._spent[0] + self.period <= now:
            self._spent.popleft()


class CpuQuota:
    """CPU seconds in each quarter of an hour on the clock.

    A tenant's share is published nowhere, so the share is learned from a 429: the use at the start
    of the last successful call of the quarter is allowed again. The share never grows.
    """

    def __init__(self, *, share_percent: int = 100) -> None:
        #: The service's clock, in seconds since 1970, at time 0.
        self.epoch = 0.0
        self.used = 0.0
        self._share = share_percent / 100
        self._allowed = inf
        self._quarter = 0.0
        self._let_through_at: float | None = None
        self._dearest = 0.0
        self._flying = 0

    def delay(self, now: float) -> float:
        """Return the seconds until a call may begin: 0, or until the next quarter.

        Each call on its way is taken to cost as much as the costliest so far.
        """
        self._turn(now)
        expected = self.used + self._flying * self._dearest
        return (
            0.0 if expected <= self._allowed else until_next(CPU_CYCLE, self.epoch + now) + MARGIN
        )

    def begin(self) -> None:
        """Note a call on its way."""
        self._flying += 1

    def charge(self, now: float, seconds: float, *, let_through_at: float | None) -> None:
        """Note the CPU seconds of a call.

        `let_through_at` is the value of `used` at the start of the call; `None` for a refused call.
        """
        self._turn(now)
        self._flying -= 1
        self.used += seconds
        self._dearest = max(self._dearest, seconds)
        if let_through_at is not None:
            self._let_through_at = max(let_through_at, self._let_through_at or 0.0)

    def throttled(self, now: float) -> None:
        """Learn the tenant's allowance from a 429, and keep to the tap's share."""
        self._turn(now)
        if self._let_through_at is not None:
            learned = max(self._let_through_at, LEAST_CPU_SECONDS) * self._share
            self._allowed = min(self._allowed, learned)

    def _turn(self, now: float) -> None:
        quarter = (self.epoch + now) // CPU_CYCLE
        if quarter != self._quarter:
            self._quarter, self.used, self._let_through_at = quarter, 0.0, None


class TenantQuota:
    """All quotas of a tenant together, shared by the tenant's streams."""

    def __init__(self, moving: Iterable[MovingQuota], *, share_percent: int = 100) -> None:
        self._moving = list(moving)
        self._share = share_percent
        self._cpu = CpuQuota(share_percent=share_percent)
        self._flying = 0
        self._blocked_until = 0.0
        self._blocked_for = 0.0

    @classmethod
    def of_calls(cls, *, per_minute: int, per_hour: int, share_percent: int = 100) -> Self:
        """Build from the settings; `share_percent` is the tap's share of each."""
        limits = ((per_minute, MINUTE), (per_hour, HOUR))
        return cls(
            (MovingQuota(n * share_percent // 100, period + MARGIN) for n, period in limits),
            share_percent=share_percent,
        )

    def clock_told(self, told: float, now: float) -> None:
        """Learn the service's clock, in seconds since 1970."""
        self._cpu.epoch = told - now

    def service_time(self, now: float) -> float:
        """Return the service's time, in seconds since 1970."""
        return self._cpu.epoch + now

    def delay(self, now: float) -> float:
        """Return the seconds until a call may be made."""
        calls = (quota.delay(now) for quota in self._moving)
        return max(0.0, self._blocked(now), self._cpu.delay(now), *calls)

    def begin(self, now: float) -> float:
        """Take a call and return 0, or take none and return the seconds to wait.

        The caller waits and asks again, as another may have been faster. Each call taken is to be
        `answered`, and `charged` with its use.
        """
        wait = self.delay(now)
        if wait == 0:
            self._cpu.begin()
            for quota in self._moving:
                quota.begin()
            self._flying += 1
        return wait

    def answered(self, now: float) -> None:
        """Note that a call was answered, or never will be."""
        self._flying -= 1
        for quota in self._moving:
            quota.answered(now)

    @property
    def cpu_used(self) -> float:
        """The CPU seconds known to have been used in the present quarter of an hour."""
        return self._cpu.used

    def charged(self, now: float, cpu_seconds: float, *, let_through_at: float | None) -> None:
        """Note the use of a call; the rest as in `CpuQuota.charge`."""
        self._cpu.charge(now, cpu_seconds, let_through_at=let_through_at)

    def take(self, now: float) -> float:
        """Do as `begin`, for a call answered at once without CPU cost.

        `while wait := quota.take(clock()): sleep(wait)`.
        """
        wait = self.begin(now)
        if wait == 0:
            self.answered(now)
            self.charged(now, 0.0, let_through_at=None)
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
        """Let all callers wait after a 429, and lower the quota named in the text."""
        self._blocked_for = max(wait, self._blocked(now))
        self._blocked_until = now + self._blocked_for
        if is_about_cpu(text):
            self._cpu.throttled(now)
        if found := stated_quota(text):
            limit, period = found[0] * self._share // 100, found[1] + MARGIN
            same = [quota for quota in self._moving if quota.period == period]
            for quota in same:
                quota.lower(limit)
            if not same:
                self._moving.append(self._joined(MovingQuota(limit, period)))

    def _joined(self, quota: MovingQuota) -> MovingQuota:
        """Tell a newly known quota of the calls on their way."""
        for _ in range(self._flying):
            quota.begin()
        return quota
