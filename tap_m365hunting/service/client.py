"""Runs a query: token, quotas, HTTP, retries."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import BinaryIO, Final, Protocol, TypeVar

import backoff
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.auth import TokenSource, explained
from tap_m365hunting.configuration.config import Connection, QuotaSettings
from tap_m365hunting.errors import (
    AuthenticationError,
    ServiceError,
    ThrottledError,
    UnreachableError,
    unquoted,
)
from tap_m365hunting.http.transport import Transport
from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.windows import AnswerTimes
from tap_m365hunting.service.quota import TenantQuota
from tap_m365hunting.service.quota_gate import CallContext, Permit, QuotaGate, QuotaWaitError
from tap_m365hunting.service.retry_after import header_wait, http_date, wait_after

__all__ = ["CallContext", "Client"]

_LOG: Final = logging.getLogger(__name__)
# A failure that may pass is tried again this often, after up to 1, 2, 4 ... 60 seconds.
_RETRIES: Final = 6
# A host that has never answered is more likely a wrong setting: it has 7 seconds at most.
_FIRST_RETRIES: Final = 3
_LONGEST_RETRY_SECONDS: Final = 60


class Costed(Protocol):
    """An answer after reading, with the cost of the query."""

    @property
    def cpu_seconds(self) -> float | None:
        """The CPU seconds of the query, where the service tells."""


_T = TypeVar("_T", bound=Costed)


class Client:
    """Asks one tenant through one API; several threads may ask at once.

    Calls share connections, a token and the tenant's quotas. `clock` tells seconds since the epoch,
    and may be set; `timer` tells seconds without steps of the clock, for quotas and waits. `sleep`
    waits for seconds, `draw` picks a number in [0, 1) for jitter.
    """

    def __init__(
        self,
        connection: Connection,
        quotas: QuotaSettings,
        tokens: TokenSource,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
        transport: Transport | None = None,
    ) -> None:
        self._connection = connection
        self._tokens = tokens
        self._transport = transport or Transport(connection, parallel=quotas.parallel_calls)
        self._clock = clock
        self._timer = timer
        self._sleep = sleep
        self._draw = draw
        self._max_wait = quotas.max_wait.total_seconds()
        quota = TenantQuota.of_calls(
            per_minute=quotas.calls_per_minute,
            per_hour=quotas.calls_per_hour,
            share_percent=quotas.share_percent,
        )
        quota.clock_told(clock(), timer())
        self._gate = QuotaGate(quota, clock=timer, sleep=sleep)
        self._reached = False

    def run(
        self, text: str, *, read: Callable[[BinaryIO], _T], context: CallContext | None = None
    ) -> _T:
        """Run a query and return the result of `read` on the answer's body, a seekable file.

        The body is closed if `read` fails; else the body belongs to the result. The cost of the
        call is added to the `context`.

        Raises:
            AuthenticationError: no token, or a token without the permission.
            QueryRejectedError: the service will not run the query.
            WindowTooLargeError: a narrower window may work.
            ThrottledError: a quota frees up later than the settings allow to wait.
            ServiceError: the service failed again and again; UnreachableError: no host answers.
            CancelledError: the call was called off before being spent.
        """
        context = context or CallContext()
        call = _Patience(self._max_wait, self._retry_waits())
        while True:
            try:
                return self._spend(text, read, context, call)
            except QuotaWaitError:
                raise
            except ThrottledError as error:
                self._throttled(call, error)
            except ServiceError as error:
                now = self._service_time()
                self._pause(call.after_failure(error, now, reached=self._reached), error, context)
            except AuthenticationError as error:
                call.after_refusal(error)
                self._tokens.forget(call.token)

    @property
    def reached(self) -> bool:
        """Whether the API has answered any call, be the answer an error."""
        return self._reached

    def calls_left(self) -> int:
        """Return how many calls the quotas allow at once."""
        with self._gate.quota() as quota:
            return quota.left(self._timer())

    def _service_time(self) -> float:
        with self._gate.quota() as quota:
            return quota.service_time(self._timer())

    def _spend(
        self, text: str, read: Callable[[BinaryIO], _T], context: CallContext, call: "_Patience"
    ) -> _T:
        """Spend a call, once the quotas allow."""
        self._tokens.token()  # a sign-in takes its time, and no taken call should wait for it
        with self._gate.take(context, patience=call.quota_wait) as permit:
            call.quota_wait -= permit.waited
            call.token = self._tokens.token()
            with unquoted(call.token), ExitStack() as failing:
                body = failing.push(self._post(text, call.token, permit, context))
                answer = read(body)
                failing.pop_all()  # from here on the body belongs to the answer
            permit.used(answer.cpu_seconds)
        return answer

    def _post(self, text: str, token: str, permit: Permit, context: CallContext) -> BinaryIO:
        asked = self._clock()

        def arrived(headers: Mapping[str, str]) -> None:
            self._reached = True
            permit.arrived()
            told = http_date(headers.get("Date"))
            if told is not None:
                refuse_ahead(told, asked=asked)
                with self._gate.quota() as quota:
                    quota.clock_told(told, self._timer())
            context.times = answer_times(told, asked=asked, arrived=self._clock())

        try:
            return self._transport.post(text, token, context.scope, arrived=arrived)
        except AuthenticationError as error:
            raise explained(error, token, self._connection, now=self._clock()) from error

    def _throttled(self, call: "_Patience", error: ThrottledError) -> None:
        """Let every caller wait, and learn the quota named by the service."""
        with self._gate.quota() as quota:
            now, jitter = self._timer(), self._draw()
            wait = wait_after(
                error.retry_after,
                error.text,
                now=quota.service_time(now),
                attempt=call.throttles,
                jitter=jitter,
            )
            quota.throttled(now, wait=wait, text=error.text)
        call.throttles += 1

    def _retry_waits(self) -> Iterator[float]:
        waits = backoff.expo(max_value=_LONGEST_RETRY_SECONDS)
        next(waits)  # the generator begins with a value that is no wait
        return (wait * (1 + self._draw()) / 2 for wait in islice(waits, _RETRIES))

    def _pause(self, seconds: float, why: ServiceError, context: CallContext) -> None:
        _LOG.info("Waiting %.1f s: %s", seconds, why)
        context.retries += 1
        context.wait(seconds, self._sleep)


class _Patience:
    """The time and the tries left for a call."""

    def __init__(self, quota_wait: float, retry_waits: Iterator[float]) -> None:
        self.quota_wait = quota_wait
        self.throttles = 0
        self.token = ""
        self._retry_waits = retry_waits
        self._brief = False
        self._renewed = False

    def _be_brief(self) -> None:
        """Allow few tries more, from now on."""
        if not self._brief:
            self._brief = True
            self._retry_waits = islice(self._retry_waits, _FIRST_RETRIES)

    def after_failure(self, error: ServiceError, now: float, *, reached: bool) -> float:
        """Return the wait before the next try, no shorter than asked for by the service.

        `reached` means the API has answered at least once; else an absent host is soon given up.

        Raises:
            ServiceError: the call was tried often enough, or the wait would be longer than the
                settings allow.
        """
        if isinstance(error, UnreachableError) and not reached:
            self._be_brief()
        wait = next(self._retry_waits, None)
        if wait is None:
            raise error
        asked = header_wait(error.retry_after, now) or 0.0
        if asked > self.quota_wait:
            msg = (
                f"{error}; it asks for a wait of {asked:.0f} s, longer than max_wait_minutes allows"
            )
            raise ServiceError(msg, retry_after=error.retry_after)
        self.quota_wait -= asked
        return max(wait, asked)

    def after_refusal(self, error: AuthenticationError) -> None:
        """Allow another call, with a fresh token.

        Raises:
            AuthenticationError: the token was fresh, or no token would help.
        """
        if self._renewed or not error.fresh_token_may_help:
            raise error
        self._renewed = True


# A run stays that far behind its clock by default (`settle_minutes`), and its lookback is longer.
_MOST_AHEAD_SECONDS: Final = 300.0


def refuse_ahead(told: float, *, asked: float) -> None:
    """Hold the service's time against the machine's at the time of the request.

    Both count seconds since the epoch. A clock behind does no harm.

    Raises:
        FatalAPIError: the clock is more than five minutes ahead.
    """
    ahead = asked - told
    if ahead > _MOST_AHEAD_SECONDS:
        by = timedelta(seconds=round(ahead))
        date = f"{datetime.fromtimestamp(told, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
        msg = (
            f"The clock of this machine is {by} (h:mm:ss) ahead of the service's ({date}). "
            "Rows that are still to come would be called complete; set the clock, by NTP for "
            "instance"
        )
        raise FatalAPIError(msg)


def answer_times(told: float | None, *, asked: float, arrived: float) -> AnswerTimes:
    """Return the times of request and answer, by the service's clock.

    `asked` and `arrived` are the machine's own times, in seconds since the epoch, returned
    unchanged where the service has not `told` the time. A header `Date` has whole seconds, and the
    call took time.
    """
    if told is None:
        return AnswerTimes(Instant.of_seconds(asked), Instant.of_seconds(arrived))
    took = max(0.0, arrived - asked)
    until = arrived if told <= arrived < told + 1 else told + 1
    return AnswerTimes(Instant.of_seconds(min(told, told + 1 - took)), Instant.of_seconds(until))
