"""Calls made before the answers are wanted, in the order of the need.

The SDK runs stream after stream and window after window, and records are written by a single
thread. Only calls run beside: each on a thread of its own, gone with the answer. All else, the
choice of the next ask included, is done by the writing thread.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from itertools import chain, islice
from typing import Final, Protocol

from tap_m365hunting.background import in_background
from tap_m365hunting.planning.windows import AnswerTimes
from tap_m365hunting.service.client import CallContext
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.dialects import CallScope

# While the answer that is wanted is awaited, so many times as many others may wait for their turn.
_PATIENCE: Final = 4


class OpenCall:
    """A call to be made, under way, or answered; the answer is taken once."""

    def __init__(
        self,
        text: str,
        run: Callable[[str, CallContext], QueryResult],
        scope: CallScope = CallScope(),  # noqa: B008 - frozen
    ) -> None:
        self.text = text
        self.context = CallContext(scope)
        self.tries = 1
        self._run = run
        self._answer: Future[QueryResult] | None = None

    def make_aside(self) -> None:
        """Make the call on a background thread; no process waits for the thread at exit."""
        self._answer = in_background(partial(self._run, self.text, self.context))

    def answer(self) -> QueryResult:
        """Wait for the answer, or for the error of `run`; the caller closes the answer."""
        if self._answer is None:
            return self._run(self.text, self.context)
        return self._answer.result()

    def again(self) -> None:
        """Make the call anew when an answer is next awaited: the last answer was of no use."""
        self.tries += 1
        self.context.retries += 1
        self._answer = None

    @property
    def times(self) -> AnswerTimes | None:
        """The times of question and answer by the service's clock, once there is an answer."""
        return self.context.times

    def call_off(self) -> None:
        """Let go of the answer: nobody waits, and a late answer is closed."""
        self.context.called_off = True
        if self._answer:
            self._answer.add_done_callback(_close)

    @property
    def answer_to_come(self) -> Future[QueryResult] | None:
        """The answer of a call made in the background, arrived or not."""
        return self._answer

    @property
    def awaited(self) -> bool:
        """Whether the call is still under way."""
        return self._answer is not None and not self._answer.done()


def _close(answer: Future[QueryResult]) -> None:
    if not answer.exception():
        with answer.result():
            pass


class Caller(Protocol):
    """A reader of answers of one tenant, sooner or later."""

    @property
    def tenant_id(self) -> str:
        """The tenant with the quotas for the calls."""

    def next_call(self) -> OpenCall | None:
        """Return the next call to make; `None` while answers are awaited, or at the end."""


class Prefetch:
    """Decides when a call is made: at most `calls` of a tenant are out at once, of `tenants`.

    A call counts for the tenant, and in all, from the making until `done`, so that memory and disk
    hold no more answers than may be out. A tenant in long waits must not hold up the others, so
    more answers may wait while the tenant in turn is silent. With one call and one tenant no call
    is made before the answer is wanted.
    """

    def __init__(self, *, calls: int, tenants: int = 1) -> None:
        self.calls = calls
        self._tenants = tenants
        self._expected = list[Caller]()
        self._to_come: Iterator[Caller] = iter(())
        self._out = dict[OpenCall, str]()

    def expect(self, callers: Iterable[Caller]) -> None:
        """Learn the order of the callers' turns; callers are looked at as late as possible."""
        self._to_come = chain(self._to_come, callers)

    def turn(self, caller: Caller) -> None:
        """Let a caller go first; callers expected before have lost their turn."""
        if caller not in self._expected:
            next((other for other in self._to_come if other is caller), None)
        self._expected = [caller, *(other for other in self._expected if other is not caller)]

    def leave(self, caller: Caller, unwanted: Iterable[OpenCall]) -> None:
        """Take a caller out; calls still under way are called off."""
        self._expected = [other for other in self._expected if other is not caller]
        for call in unwanted:
            call.call_off()

    def done(self, call: OpenCall) -> None:
        """Take a call from the count: the answer is used."""
        self._out.pop(call, None)

    def need(self, caller: Caller) -> None:
        """Make a call of a caller without one, in need of an answer."""
        if call := caller.next_call():
            self._make(call, caller.tenant_id)

    def fill(self) -> None:
        """Make the calls allowed now."""
        self._fill(self._most)

    def wait(self, call: OpenCall) -> None:
        """Wait until a call is answered, and make the calls behind meanwhile."""
        while call.awaited:
            before = {other for other in self._out if not other.awaited}
            self._fill(_PATIENCE * self._most)
            # one that came while they were made has left room: it is among them, and ends the wait
            others = [other.answer_to_come for other in self._out if other not in before]
            wait([other for other in others if other], return_when=FIRST_COMPLETED)

    def _fill(self, most: int) -> None:
        self._forget()
        for caller in self._next(most):
            while (room := self._has_room(caller.tenant_id, most)) and (call := caller.next_call()):
                self._make(call, caller.tenant_id)
            if room is None:
                return  # whose turn comes first must not wait for those behind

    def _next(self, most: int) -> list[Caller]:
        """Return the caller in turn, and as many behind as could have a call out."""
        horizon = most + 1 if self._most > 1 else 1
        missing = max(0, horizon - len(self._expected))
        self._expected.extend(islice(self._to_come, missing))
        return self._expected[:horizon]

    @property
    def _most(self) -> int:
        return self.calls * self._tenants

    def _has_room(self, tenant_id: str, most: int) -> bool | None:
        """Say if a tenant may have another call; `None` if no tenant may."""
        flying = {name for call, name in self._out.items() if call.awaited}
        if len(self._out) >= most or len(flying | {tenant_id}) > self._tenants:
            return None
        return Counter(self._out.values())[tenant_id] < self.calls

    def _make(self, call: OpenCall, tenant_id: str) -> None:
        self._out[call] = tenant_id
        if self._most > 1:
            call.make_aside()

    def _forget(self) -> None:
        """Take calls called off from the count, once over."""
        over = [call for call in self._out if call.context.called_off and not call.awaited]
        for call in over:
            del self._out[call]
