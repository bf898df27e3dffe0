"""Many threads before one tenant's quotas: real threads, and a clock that only sleeping moves."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_m365hunting.errors import ThrottledError
from tap_m365hunting.service.quota import MovingQuota, TenantQuota
from tap_m365hunting.service.quota_gate import CallContext, QuotaGate

NOW = 1_795_298_640.0
FOREVER = 1e9


class Clock:
    """Stands still unless somebody sleeps."""

    def __init__(self) -> None:
        self._now = NOW
        self._lock = threading.Lock()
        self.slept = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        with self._lock:
            self._now += seconds
            self.slept += seconds


class Noted(TenantQuota):
    """Quotas that note when each call was taken."""

    def __init__(self, limit: int, period: float = 60.0) -> None:
        super().__init__([MovingQuota(limit, period)])
        self.taken: list[float] = []

    @override
    def begin(self, now: float) -> float:
        wait = super().begin(now)
        if wait == 0:
            self.taken.append(now)
        return wait


class Office:
    """A turnstile on a clock of its own, and callers before it."""

    def __init__(self, limit: int, period: float = 60.0) -> None:
        self.clock = Clock()
        self.quota = Noted(limit, period)
        self.gate = QuotaGate(self.quota, clock=self.clock, sleep=self.clock.sleep)
        self.contexts: list[CallContext] = []
        self.asleep = 0

    def call(self, patience: float = FOREVER, then: Callable[[], object] = int) -> float:
        """Make one call that takes no time, then do something; return what it waited."""
        context = CallContext()
        self.contexts.append(context)
        with self.gate.take(context, patience=patience) as permit:
            then()
        return permit.waited

    def sleep_behind(self, gate: threading.Event) -> None:
        """Let no time pass before the gate is open."""

        def sleep(seconds: float) -> None:
            self.asleep += 1
            gate.wait()
            self.clock.sleep(seconds)
            self.asleep -= 1

        self.gate = QuotaGate(self.quota, clock=self.clock, sleep=sleep)

    def asleep_now(self) -> int:
        """Return how many sleep, after giving others the time to begin."""
        threading.Event().wait(0.005)
        return self.asleep

    def calls(self, threads: int, each: int, patience: float = FOREVER) -> int:
        """Let many threads make calls; return how many calls lost patience."""

        def caller(_: int) -> int:
            return sum(not self.made_in_time(patience) for _ in range(each))

        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(caller, range(threads)))

    def made_in_time(self, patience: float) -> bool:
        """Make one call, unless the wait is too long."""
        try:
            self.call(patience)
        except ThrottledError:
            return False
        return True


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(1, 9),
    threads=st.integers(1, 12),
    each=st.integers(1, 12),
    period=st.sampled_from([1.0, 60.0]),
)
def test_threads_together_keep_to_the_quota_and_use_it(
    limit: int, threads: int, each: int, period: float
) -> None:
    """Never more than the limit in any period, and not a period longer than that needs."""
    office, calls = Office(limit, period), threads * each

    lost = office.calls(threads, each)

    taken = office.quota.taken
    assert lost == 0
    assert len(taken) == calls
    assert all(b - a >= period - 1e-6 for a, b in zip(taken, taken[limit:], strict=False))
    needed = (calls - 1) // limit * period
    assert office.clock.slept <= needed / 0.95 + 1e-3


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(1, 5),
    threads=st.integers(1, 10),
    each=st.integers(1, 5),
    patience=st.floats(0, 200),
)
def test_nobody_waits_longer_than_its_patience(
    limit: int, threads: int, each: int, patience: float
) -> None:
    """The time in the queue behind others is part of the wait."""
    office = Office(limit)

    lost = office.calls(threads, each, patience)

    assert max(context.wait_seconds for context in office.contexts) <= patience + 1e-6
    assert len(office.quota.taken) + lost == threads * each
    assert patience > 60 or len(office.quota.taken) >= limit or lost == 0


def test_a_wait_is_refused_at_once_not_after_it() -> None:
    """Who cannot be served in time loses no time."""
    office = Office(1)
    office.call()

    with pytest.raises(ThrottledError, match="frees up in 60 s, later than max_wait_minutes"):
        office.call(patience=59)

    assert office.clock.slept == 0


def test_first_come_first_served_where_patience_is_the_same() -> None:
    """Threads that came one after the other leave in that order."""
    office, order = Office(1, 5.0), list[int]()
    gate, come = threading.Event(), threading.Semaphore(0)
    office.sleep_behind(gate)
    office.call()

    def caller(number: int) -> None:
        come.release()
        office.call(FOREVER + number, lambda: order.append(number))

    with ThreadPoolExecutor(8) as pool:
        for number in range(8):
            pool.submit(caller, number)
            come.acquire()
        gate.set()

    assert order == list(range(8))
    assert all(b > a for a, b in pairwise(office.quota.taken))


def test_who_has_waited_before_goes_before_who_comes_now() -> None:
    """A call that met a 429 has less patience left; still only one at a time sleeps."""
    office, order, gate = Office(1), list[str](), threading.Event()
    office.sleep_behind(gate)
    office.call()

    with ThreadPoolExecutor(2) as pool:
        new = pool.submit(office.call, 1_000, lambda: order.append("new"))
        while not office.contexts[1:]:
            pass
        old = pool.submit(office.call, 100, lambda: order.append("old"))
        sleeping = [asleep for _ in range(20) if (asleep := office.asleep_now()) > 1]
        gate.set()
        new.result()
        old.result()

    assert order == ["old", "new"]
    assert sleeping == []


def test_a_429_that_comes_meanwhile_holds_who_waits_already() -> None:
    """Whoever sleeps asks again when it wakes."""
    office = Office(1)
    office.call()

    def sleep(seconds: float) -> None:
        if office.clock.slept == 0:
            with office.gate.quota() as quota:
                quota.throttled(office.clock(), wait=200)
        office.clock.sleep(seconds)

    office.gate = QuotaGate(office.quota, clock=office.clock, sleep=sleep)

    assert office.call() == pytest.approx(200)


def test_an_answer_that_must_come_first_is_waited_for_without_sleeping() -> None:
    """All places are taken by calls on their way: no time has to pass, an answer has to come."""
    office = Office(1)
    first = office.gate.take(CallContext(), patience=0)

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(office.call)
        while len(office.contexts) < 1:
            pass
        first.arrived()

    assert second.result() == pytest.approx(60)


def test_a_call_that_was_refused_has_used_no_cpu() -> None:
    """Of others the time they took stands in, where the answer does not tell."""
    office = Office(9)

    with office.gate.take(CallContext(), patience=0):
        office.clock.sleep(7)
    with office.gate.take(CallContext(), patience=0) as told:
        office.clock.sleep(7)
        told.used(2.0)
    refused = office.gate.take(CallContext(), patience=0)
    office.clock.sleep(7)
    refused.__exit__(ThrottledError, ThrottledError("429"), None)

    assert office.quota.cpu_used == 9


@pytest.mark.parametrize("place", ["first", "behind"])
def test_nobody_goes_on_waiting_for_what_is_called_off(place: str) -> None:
    """First in the queue or behind others: it leaves within a glance, and takes no call."""
    office, context = Office(1), CallContext()
    asleep = threading.Event()

    def sleep(_: float) -> None:
        asleep.set()
        context.called_off = True

    office.gate = QuotaGate(office.quota, clock=office.clock, sleep=sleep)
    office.call()
    patience = 100.0 if place == "first" else 200.0

    with ThreadPoolExecutor(1) as pool:
        if place == "behind":
            ahead = CallContext()
            pool.submit(office.gate.take, ahead, patience=100)
            asleep.wait()
        with pytest.raises(CancelledError):
            office.gate.take(context, patience=patience)
        if place == "behind":
            ahead.called_off = True

    assert len(office.quota.taken) == 1


def test_a_wait_between_two_tries_ends_when_it_is_called_off() -> None:
    """In steps of a second at most."""
    context, slept = CallContext(), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        context.called_off = len(slept) == 3

    with pytest.raises(CancelledError):
        context.wait(60, sleep)

    assert slept == [1.0, 1.0, 1.0]
    assert context.wait_seconds == 3
