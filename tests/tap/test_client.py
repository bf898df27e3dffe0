"""One tenant, asked by several threads: tokens, tries, waits, and what is told of them."""

from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest

from tap_m365hunting.auth import TokenSource, token_source
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.errors import ServiceError, ThrottledError
from tap_m365hunting.service.client import CallContext, Client
from tap_m365hunting.wire.answer import read_answer
from tests.tap.harness import Tenant

QUERY: Final = {"name": "one", "query": "DeviceEvents | project Timestamp"}
THREADS: Final = 8


class Tokens:
    """Passes tokens on from where they come from, and keeps each that it saw."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self.seen = set[str]()

    def token(self) -> str:
        """Return a token."""
        token = self._source.token()
        self.seen.add(token)
        return token

    def forget(self, refused: str) -> None:
        """Drop a token."""
        self._source.forget(refused)


class Caller:
    """A client of the emulator's tenant; both go by the emulator's clock."""

    def __init__(self, tenant: Tenant, **settings: Any) -> None:  # noqa: ANN401 - JSON
        parsed = Settings.parse(tenant.config(QUERY, **settings))
        self.clock = tenant.emulator.clock
        self.slept: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.tokens = Tokens(token_source(parsed.connection))
        self._read = partial(read_answer, dialect=parsed.connection.dialect)
        self._client = Client(
            parsed.connection,
            parsed.quotas,
            self.tokens,
            clock=self._seconds,
            timer=self._seconds,
            sleep=self.sleep,
            draw=lambda: 0.0,
        )

    def _seconds(self) -> float:
        return self.clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Let the emulator's time pass."""
        self.slept.append(seconds)
        self.meanwhile()
        self.clock.advance(timedelta(seconds=seconds))

    def ask(self, number: int = 1, context: CallContext | None = None) -> int:
        """Ask for a number, and return the answer's."""
        text = f"print n = {number}"
        with self._client.run(text, read=self._read, context=context) as answer:
            (row,) = answer.rows
        return int(str(row["n"]))

    def ask_at_once(self) -> list[int]:
        """Ask from as many threads as there are numbers."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self.ask, range(THREADS)))


def test_threads_get_their_own_answers_with_one_sign_in(tenant: Tenant) -> None:
    """One signs in, the others wait for it."""
    caller = Caller(tenant)

    assert caller.ask_at_once() == list(range(THREADS))
    assert len(caller.tokens.seen) == 1


def test_refused_token_is_replaced_once_however_many_threads_held_it(tenant: Tenant) -> None:
    """The second to be refused takes the token that the first has got meanwhile."""
    caller = Caller(tenant)
    caller.ask()
    tenant.emulator.revoke_tokens()

    assert caller.ask_at_once() == list(range(THREADS))
    assert len(caller.tokens.seen) == 2


def test_errand_tells_what_a_call_has_cost(tenant: Tenant) -> None:
    """Tries, and all seconds of waiting, also for a quota."""
    caller, context = Caller(tenant, max_calls_per_minute=3), CallContext()
    tenant.emulator.fail_next(500, times=3)

    caller.ask(context=context)

    assert context.retries == 3
    assert context.wait_seconds == pytest.approx(sum(caller.slept))
    assert context.wait_seconds > 60


@pytest.mark.parametrize(
    ("asked", "times", "waited"),
    [
        pytest.param("45", 1, 45.0, id="as-long-as-it-asks"),
        pytest.param("0", 1, 0.5, id="never-less-than-a-backoff"),
        pytest.param("soon", 1, 0.5, id="no-time"),
    ],
)
def test_service_that_is_down_says_when_to_come_back(
    tenant: Tenant, asked: str, times: int, waited: float
) -> None:
    """A 503 may carry the same header as a 429."""
    caller = Caller(tenant, max_wait_minutes=10)
    tenant.emulator.fail_next(503, headers={"Retry-After": asked}, times=times)

    caller.ask()

    assert sum(caller.slept) == pytest.approx(waited)


def test_service_that_is_down_for_longer_than_may_be_waited_is_asked_once(tenant: Tenant) -> None:
    """To ask again before it is back would be six calls for nothing."""
    caller = Caller(tenant, max_wait_minutes=10)
    tenant.emulator.fail_next(503, headers={"Retry-After": "86400"}, times=None)

    with pytest.raises(ServiceError, match=r"a wait of 86400 s, longer than max_wait_minutes"):
        caller.ask()

    assert caller.slept == []
    assert len(tenant.emulator.calls) == 1


def test_service_that_stays_down_is_given_up(tenant: Tenant) -> None:
    """After seven tries within two minutes or so."""
    caller, context = Caller(tenant), CallContext()
    tenant.emulator.fail_next(503, times=None)

    with pytest.raises(ServiceError, match="answered 503"):
        caller.ask(context=context)

    assert len(tenant.emulator.calls) == 7
    assert context.retries == 6
    assert context.wait_seconds < 120


def test_all_waits_of_a_call_count(tenant: Tenant) -> None:
    """Two 429s of 20 minutes are more than the 30 that it may wait."""
    caller = Caller(tenant)
    tenant.emulator.fail_next(429, headers={"Retry-After": "1200"}, times=2)

    with pytest.raises(ThrottledError, match="later than max_wait_minutes allows"):
        caller.ask()

    assert sum(caller.slept) == pytest.approx(1200, abs=1)


def test_nothing_is_asked_for_what_was_called_off(tenant: Tenant) -> None:
    """Not even the quota knows of it."""
    caller = Caller(tenant)

    with pytest.raises(CancelledError):
        caller.ask(context=CallContext(called_off=True))

    assert tenant.emulator.calls == ()


@pytest.mark.parametrize("fault", [503, 429], ids=["between-tries", "for-the-quota"])
def test_wait_ends_soon_after_it_is_called_off(tenant: Tenant, fault: int) -> None:
    """Whoever called off need not wait for the wait."""
    caller, context = Caller(tenant), CallContext()
    tenant.emulator.fail_next(fault, headers={"Retry-After": "600"})
    caller.meanwhile = lambda: setattr(context, "called_off", True)

    with pytest.raises(CancelledError):
        caller.ask(context=context)

    assert context.wait_seconds <= 1
    assert len(tenant.emulator.calls) == 1
