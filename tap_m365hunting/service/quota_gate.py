"""Lets the calls of a tenant through as the quotas allow, however many threads make them."""

import logging
import threading
from bisect import insort
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from math import inf
from types import TracebackType
from typing import Final, Self

from msgspec import Struct

from tap_m365hunting.errors import ThrottledError
from tap_m365hunting.planning.windows import AnswerTimes
from tap_m365hunting.service.quota import TenantQuota
from tap_m365hunting.wire.dialects import CallScope

_LOG: Final = logging.getLogger(__name__)
# A clock may tick more coarsely than a float: a shorter wait might never end.
_SHORTEST_WAIT_SECONDS: Final = 0.001
# A waiting thread looks up this often, to see whether the answer is still wanted.
_GLANCE_SECONDS: Final = 1.0


class QuotaWaitError(ThrottledError):
    """The quotas free up later than the settings allow to wait."""


class CallContext(Struct):
    """One call: the `scope` of data to look at, the cost so far, and whether still wanted.

    The caller makes the context, and may call off the call from any thread: from then on the call
    is not spent, and its waits end.
    """

    scope: CallScope = CallScope()
    retries: int = 0
    wait_seconds: float = 0.0
    called_off: bool = False
    times: AnswerTimes | None = None

    def check(self) -> None:
        """Go on only while the answer is wanted.

        Raises:
            CancelledError: the call was called off.
        """
        if self.called_off:
            raise CancelledError

    def wait(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Sleep, but no longer than the answer is wanted.

        Raises:
            CancelledError: the call was called off.
        """
        while seconds > 0:
            self.check()
            glance = min(seconds, _GLANCE_SECONDS)
            sleep(glance)
            self.wait_seconds += glance
            seconds -= glance


class Permit:
    """Leave for a call, `taken` at a time, after the caller had `waited`.

    The quotas learn of arrival and use. At the end of the context all is known: a throttled call
    used nothing, and for other calls without a stated use the elapsed time stands in.
    """

    def __init__(self, gate: "QuotaGate", *, began: float, now: float, cpu: float) -> None:
        self.taken = now
        self.waited = max(0.0, now - began)
        self._gate = gate
        self._cpu_before = cpu
        self._answered: float | None = None
        self._cpu_used: float | None = None

    def arrived(self) -> None:
        """Note the beginning of the answer."""
        if self._answered is None:
            self._answered = self._gate.answered()

    def used(self, cpu_seconds: float | None) -> None:
        """Note the cost, if the answer tells the cost."""
        self._cpu_used = cpu_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.arrived()
        refused = isinstance(error, ThrottledError)
        now = self._answered or self.taken
        used = self._cpu_used if self._cpu_used is not None else max(0.0, now - self.taken)
        with self._gate.quota() as quota:
            quota.charged(
                now,
                0.0 if refused else used,
                let_through_at=None if refused else self._cpu_before,
            )


class _Waiting(Struct, eq=False):
    """A call in the queue: the time of its last look at the clock, and the end of its patience."""

    context: CallContext
    turn: threading.Condition
    now: float
    until: float
    told: bool = False


class QuotaGate:
    """A queue before the quotas of a tenant.

    The call whose patience ends first goes first; among equals, the earliest. Only the first call
    sleeps, and asks again at each glance, as a 429 may have come meanwhile. So no call waits longer
    than its patience, and a clock moved by `sleep` is moved by one thread at a time. Only the first
    call is woken: the cost of a glance does not grow with the number of waiting threads.
    """

    def __init__(
        self,
        quota: TenantQuota,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._quota = quota
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._queue: list[_Waiting] = []
        self._asleep = False

    @contextmanager
    def quota(self) -> Iterator[TenantQuota]:
        """Hold the quotas, to tell them of a call; the first waiting call asks again."""
        with self._lock:
            yield self._quota
            self._wake_first()

    def answered(self) -> float:
        """Note the answer to a call; return the time."""
        with self.quota() as quota:
            now = self._clock()
            quota.answered(now)
        return now

    def take(self, context: CallContext, *, patience: float) -> Permit:
        """Take a call.

        Raises:
            QuotaWaitError: the quotas free up later than `patience`, in seconds, allows.
            CancelledError: the answer is no longer wanted.
        """
        with self._lock:
            began = self._clock()
            turn = threading.Condition(self._lock)
            me = _Waiting(context, turn, began, began + patience)
            insort(self._queue, me, key=lambda waiting: waiting.until)
            try:
                self._queue_up(me)
            finally:
                context.wait_seconds += max(0.0, me.now - began)
                self._queue.remove(me)
                self._wake_first()
            return Permit(self, began=began, now=me.now, cpu=self._quota.cpu_used)

    def _wake_first(self) -> None:
        if self._queue:
            self._queue[0].turn.notify()

    def _queue_up(self, me: _Waiting) -> None:
        while not self._has_taken(me):
            me.now = self._clock()

    def _has_taken(self, me: _Waiting) -> bool:
        """Take a call if first in the queue and within the quotas; else wait a little."""
        me.context.check()
        if self._asleep or self._queue[0] is not me:
            me.turn.wait(_GLANCE_SECONDS)
            return False
        wait = self._quota.begin(me.now)
        if wait:
            self._be_patient(me, wait)
            self._let_pass(me, wait)
        return wait == 0

    def _be_patient(self, me: _Waiting, wait: float) -> None:
        known = 0.0 if wait == inf else wait
        if me.now + known > me.until:
            msg = (
                f"The tenant's quota frees up in {known:.0f} s, later than max_wait_minutes "
                "allows; what is complete is saved, and the next run goes on from there"
            )
            raise QuotaWaitError(msg)
        if known and not me.told:
            _LOG.info("Waiting %.1f s: the tenant's quota of calls is used", known)
            me.told = True

    def _let_pass(self, me: _Waiting, wait: float) -> None:
        """Let others in for a glance, or until a call on its way is answered."""
        if wait == inf:
            me.turn.wait(_GLANCE_SECONDS)
            return
        self._asleep = True
        self._lock.release()
        try:
            self._sleep(min(max(wait, _SHORTEST_WAIT_SECONDS), _GLANCE_SECONDS))
        finally:
            self._lock.acquire()
            self._asleep = False
            self._wake_first()
