"""Calls are made before they are wanted: as many as allowed, in order, and none for nothing."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_m365hunting.errors import ServiceError
from tap_m365hunting.service.client import CallContext
from tap_m365hunting.sync.prefetch import OpenCall, Prefetch
from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import GRAPH

PATIENCE = 10.0


def empty() -> QueryResult:
    """Return an answer without rows."""
    return read_answer(b'{"schema": [], "results": []}', GRAPH)


@dataclass
class Service:
    """Answers when it is let; notes what is out at any time."""

    out: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    most_tenants: int = 0
    asked: list[str] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    let: threading.Semaphore | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    slow: str = ""
    enough: threading.Event = field(default_factory=threading.Event)
    wanted: int = 0
    rewarded: bool = False

    def run(self, tenant_id: str) -> Callable[[str, CallContext], QueryResult]:
        """Return what a tenant's calls do."""

        def run(text: str, _errand: CallContext) -> QueryResult:
            with self.lock:
                self.asked.append(text)
                self.threads.add(threading.get_ident())
                self.out[tenant_id] += 1
                self.most |= self.out
                self.most_tenants = max(self.most_tenants, len(+self.out))
            if self.let:
                assert self.let.acquire(timeout=PATIENCE)
            if tenant_id == self.slow:
                self.rewarded = self.enough.wait(PATIENCE)
            with self.lock:
                self.out[tenant_id] -= 1
                if len(self.asked) >= self.wanted:
                    self.enough.set()
            if text.endswith("bad"):
                raise ServiceError(text)
            return empty()

        return run


@dataclass(eq=False)
class PartitionSync:
    """Wants these answers, one after another."""

    tenant_id: str
    texts: deque[str]
    service: Service
    calls: deque[OpenCall] = field(default_factory=deque)

    def next_call(self) -> OpenCall | None:
        """Return the next call."""
        if not self.texts:
            return None
        self.calls.append(OpenCall(self.texts.popleft(), self.service.run(self.tenant_id)))
        return self.calls[-1]

    def read(self, prefetch: Prefetch) -> list[str]:
        """Take all answers; return what was read, or why not."""
        prefetch.turn(self)
        read = list[str]()
        while True:
            prefetch.fill()
            if not self.calls:
                prefetch.need(self)
            if not self.calls:
                prefetch.leave(self, ())
                return read
            call = self.calls.popleft()
            prefetch.wait(call)
            try:
                with call.answer():
                    read.append(call.text)
            except ServiceError as error:
                read.append(f"error {error}")
            prefetch.done(call)


def partition_syncs(service: Service, *wanted: tuple[str, int]) -> list[PartitionSync]:
    """Make a sweep for each tenant and number of calls."""
    return [
        PartitionSync(tenant, deque(f"{at} {n}" for n in range(calls)), service)
        for at, (tenant, calls) in enumerate(wanted)
    ]


def test_one_call_at_a_time_is_made_when_it_is_wanted_and_where() -> None:
    """With one call and one tenant there is no thread, and nothing is asked ahead."""
    service = Service()
    first, second = partition_syncs(service, ("contoso", 2), ("contoso", 1))
    prefetch = Prefetch(calls=1)
    prefetch.expect([first, second])

    first.read(prefetch)

    assert service.asked == ["0 0", "0 1"]
    assert service.threads == {threading.get_ident()}


def test_calls_of_the_next_stream_are_made_while_one_is_read() -> None:
    """A stream that needs one call leaves room for those behind it."""
    gate = threading.Semaphore(0)
    service = Service(let=gate)
    first, second, third = partition_syncs(service, ("contoso", 1), ("contoso", 1), ("contoso", 1))
    prefetch = Prefetch(calls=2)
    prefetch.expect([first, second, third])
    prefetch.turn(first)

    prefetch.fill()

    assert [len(partition_sync.calls) for partition_sync in (first, second, third)] == [1, 1, 0]
    gate.release(3)
    assert [partition_sync.read(prefetch) for partition_sync in (first, second, third)] == [
        ["0 0"],
        ["1 0"],
        ["2 0"],
    ]


def test_tenants_behind_the_limit_wait_and_overtake_no_other() -> None:
    """Otherwise those read already would take the places of those still to be read."""
    gate = threading.Semaphore(0)
    service = Service(let=gate)
    lined_up = partition_syncs(service, ("a", 1), ("b", 1), ("c", 1), ("a", 1))
    prefetch = Prefetch(calls=2, tenants=2)
    prefetch.expect(lined_up)
    prefetch.turn(lined_up[0])

    prefetch.fill()

    assert [len(partition_sync.calls) for partition_sync in lined_up] == [1, 1, 0, 0]
    gate.release(4)


def test_tenant_that_keeps_all_waiting_holds_no_other() -> None:
    """One that waits for its quota comes first all the same; the others have been asked by then."""
    service = Service(slow="a", wanted=6)
    lined_up = partition_syncs(service, *((tenant, 1) for tenant in "abcdef"))
    prefetch = Prefetch(calls=1, tenants=2)
    prefetch.expect(lined_up)

    read = [partition_sync.read(prefetch) for partition_sync in lined_up]

    assert service.rewarded
    assert read == [[f"{at} 0"] for at in range(6)]
    assert service.most_tenants == 2


def test_answers_that_wait_for_their_turn_are_bounded() -> None:
    """Each may be large; nobody's disk should hold all of fifty tenants."""
    service = Service(slow="0", wanted=8)
    lined_up = partition_syncs(service, *((str(tenant), 1) for tenant in range(20)))
    prefetch = Prefetch(calls=1, tenants=2)
    prefetch.expect(lined_up)

    lined_up[0].read(prefetch)

    assert service.rewarded
    # four times as many as may be out; where the first is used, another takes its place
    assert len(service.asked) <= 9


def test_what_fails_ahead_is_raised_when_its_turn_comes() -> None:
    """Until then it hinders nobody."""
    service = Service()
    first, second = partition_syncs(service, ("contoso", 2), ("contoso", 1))
    second.texts = deque(["1 bad"])
    prefetch = Prefetch(calls=3)
    prefetch.expect([first, second])

    assert first.read(prefetch) == ["0 0", "0 1"]
    assert second.read(prefetch) == ["error 1 bad"]


class Body(BytesIO):
    """A body that tells when it is closed."""

    def __init__(self) -> None:
        super().__init__(b'{"schema": [], "results": []}')
        self.done_with = threading.Event()

    @override
    def close(self) -> None:
        super().close()
        self.done_with.set()


def test_answer_that_nobody_wants_any_more_is_closed() -> None:
    """A stream that failed leaves no file behind, and its calls know that they are called off."""
    started, gate, body = threading.Event(), threading.Event(), Body()

    def run(_text: str, _errand: CallContext) -> QueryResult:
        started.set()
        gate.wait(PATIENCE)
        return read_answer(body, GRAPH)

    call = OpenCall("late", run)
    call.make_aside()
    assert started.wait(PATIENCE)

    call.call_off()

    assert not body.closed
    gate.set()
    assert body.done_with.wait(PATIENCE)
    assert call.context.called_off


@settings(max_examples=150, deadline=None)
@given(
    wanted=st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 4)), max_size=12),
    calls=st.integers(1, 4),
    tenants=st.integers(1, 3),
    bad=st.sets(st.integers(0, 40)),
)
def test_every_answer_is_read_in_order_within_the_limits(
    wanted: list[tuple[str, int]], calls: int, tenants: int, bad: set[int]
) -> None:
    """Whoever fails, whatever is wanted: all are read, and no tenant has more calls out."""
    service = Service()
    lined_up = partition_syncs(service, *wanted)
    for at, partition_sync in enumerate(lined_up):
        partition_sync.texts = deque(
            text + " bad" * (at * 4 in bad) for text in partition_sync.texts
        )
    expected = [
        [text.replace(" bad", "") for text in partition_sync.texts] for partition_sync in lined_up
    ]
    prefetch = Prefetch(calls=calls, tenants=tenants)
    prefetch.expect(lined_up)

    read = [partition_sync.read(prefetch) for partition_sync in lined_up]

    said = [[t.replace("error ", "").replace(" bad", "") for t in texts] for texts in read]
    assert said == expected
    assert all(most <= calls for most in service.most.values())
    assert service.most_tenants <= tenants
    assert len(service.asked) == len(set(service.asked)) == sum(n for _, n in wanted)
