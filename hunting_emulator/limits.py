"""When a tenant has used up a quota.

Pure: every function is told the time; nothing here waits or asks a clock.
"""

import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hunting_emulator.settings import Limits

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
# CPU shares are handed out per quarter of an hour, on the clock's quarters.
CYCLE: Final = timedelta(minutes=15)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CallsSpent:
    """More calls than `maximum` within `period`; the next may come after `wait`."""

    maximum: int
    period: timedelta
    wait: timedelta


@dataclass(frozen=True, slots=True)
class CpuSpent:
    """The cycle's CPU share is used up; the next cycle begins after `wait`."""

    wait: timedelta


def next_cycle(now: datetime) -> datetime:
    """Return the next quarter of an hour on the clock.

    >>> str(next_cycle(datetime(2026, 3, 1, 9, 15, tzinfo=UTC)))
    '2026-03-01 09:30:00+00:00'
    """
    return _EPOCH + ((now - _EPOCH) // CYCLE + 1) * CYCLE


class Usage:
    """The use of one tenant: calls in moving windows, CPU in cycles of the clock."""

    def __init__(self) -> None:
        self._calls: deque[datetime] = deque()
        self._cycle = _EPOCH
        self._cpu_seconds = 0.0

    def refusal(self, now: datetime, limits: Limits) -> CallsSpent | CpuSpent | None:
        """Return the quota that is used up, or else count the call."""
        spent = next(self._spent(now, limits), None)
        if spent is None:
            self._calls.append(now)
        return spent

    def burn(self, now: datetime, cpu_seconds: float) -> None:
        """Charge a query's CPU to the cycle of the query's end."""
        self._turn(now)
        self._cpu_seconds += cpu_seconds

    def _spent(self, now: datetime, limits: Limits) -> Iterator[CallsSpent | CpuSpent]:
        while self._calls and self._calls[0] <= now - HOUR:
            self._calls.popleft()
        for maximum, period in (
            (limits.calls_per_minute, MINUTE),
            (limits.calls_per_hour, HOUR),
        ):
            within = [at for at in self._calls if at > now - period]
            if maximum is not None and len(within) >= maximum:
                frees = within[-maximum] if maximum else now
                yield CallsSpent(maximum, period, frees + period - now)
        self._turn(now)
        budget = limits.cpu_seconds_per_cycle
        if budget is not None and self._cpu_seconds >= budget:
            yield CpuSpent(self._cycle - now)

    def _turn(self, now: datetime) -> None:
        if next_cycle(now) != self._cycle:
            self._cycle, self._cpu_seconds = next_cycle(now), 0.0


class Meter:
    """The usage of every tenant; safe to ask from several threads."""

    def __init__(self) -> None:
        self._tenants: defaultdict[str, Usage] = defaultdict(Usage)
        self._lock = threading.Lock()

    def refusal(
        self, tenant_id: str, now: datetime, limits: Limits
    ) -> CallsSpent | CpuSpent | None:
        """Return the quota that the tenant has used up, or else count the call."""
        with self._lock:
            return self._tenants[tenant_id].refusal(now, limits)

    def burn(self, tenant_id: str, now: datetime, cpu_seconds: float) -> None:
        """Charge a query's CPU to the tenant."""
        with self._lock:
            self._tenants[tenant_id].burn(now, cpu_seconds)

    def reset(self) -> None:
        """Forget all use."""
        with self._lock:
            self._tenants.clear()
