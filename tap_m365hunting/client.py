"""Runs one query: token, quotas, HTTP, retries. The only module that waits."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, TypeVar, cast

import backoff
import requests

from tap_m365hunting.auth import TokenSource, explained
from tap_m365hunting.configuration.config import Connection, Rations
from tap_m365hunting.errors import (
    AuthenticationError,
    ServiceError,
    ThrottledError,
    WindowTooLargeError,
)
from tap_m365hunting.quota import TenantQuota, wait_after
from tap_m365hunting.wire.refusals import classify

_LOG: Final = logging.getLogger(__name__)
_T = TypeVar("_T")

_OK: Final = 200
_CONNECT_SECONDS: Final = 30
# A failure that may pass is tried again this often, after up to 1, 2, 4 ... 60 seconds.
_RETRIES: Final = 6
_LONGEST_RETRY_SECONDS: Final = 60
# A clock may tick more coarsely than a float: a shorter wait might never end.
_SHORTEST_WAIT_SECONDS: Final = 0.001
_CHUNK_BYTES: Final = 1 << 18
# A body up to this size stays in memory; a larger one goes to a file without a name.
_SPOOL_BYTES: Final = 1 << 21
# Of an answer that is an error, as much as any message needs.
_ERROR_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Effort:
    """What calls have cost besides themselves: retries, and seconds of waiting."""

    retries: int = 0
    wait_seconds: float = 0.0


class Client:
    """Asks one tenant through one API.

    Calls share one connection, one token and the tenant's quotas. `clock` tells seconds since the
    epoch, `sleep` waits for seconds, `draw` picks a number in [0, 1) for jitter.
    """

    def __init__(
        self,
        connection: Connection,
        rations: Rations,
        tokens: TokenSource,
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._connection = connection
        self._tokens = tokens
        self._session = session or requests.Session()
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self.effort = Effort()
        self._max_wait = rations.max_wait.total_seconds()
        self._quota = TenantQuota.of_calls(
            per_minute=rations.calls_per_minute,
            per_hour=rations.calls_per_hour,
            share_percent=rations.share_percent,
        )

    def run(self, text: str, *, read: Callable[[BinaryIO], _T]) -> _T:
        """Run a query and return what `read` makes of the answer's body, a file that can be sought.

        The body is closed if `read` fails; else it belongs to what `read` returned.

        Raises:
            AuthenticationError: no token, or one without the permission.
            QueryRejectedError: the service will not run the query.
            WindowTooLargeError: a narrower window may work.
            ThrottledError: a quota frees up later than the settings allow to wait.
            ServiceError: the service failed again and again.
        """
        call = _Patience(self._max_wait, self._retry_waits())
        while True:
            self._await_quota(call)
            try:
                return self._ask(text, read)
            except ThrottledError as error:
                self._throttled(call, error)
            except ServiceError as error:
                self._wait(call.after_failure(error), str(error), retries=1)
            except AuthenticationError as error:
                call.after_refusal(error)
                self._tokens.forget()

    def _await_quota(self, call: "_Patience") -> None:
        while wait := self._quota.take(self._clock()):
            wait = max(wait, _SHORTEST_WAIT_SECONDS)
            self._wait(call.for_quota(wait), "the tenant's quota of calls is used")

    def _throttled(self, call: "_Patience", error: ThrottledError) -> None:
        """Let every caller wait, and learn the quota that the service named."""
        now = self._clock()
        wait = wait_after(
            error.retry_after, error.text, now=now, attempt=call.throttles, jitter=self._draw()
        )
        call.throttles += 1
        self._quota.throttled(now, wait=wait, text=error.text)

    def _retry_waits(self) -> Iterator[float]:
        waits = backoff.expo(max_value=_LONGEST_RETRY_SECONDS)
        next(waits)  # the generator begins with a value that is no wait
        return (wait * (1 + self._draw()) / 2 for wait in islice(waits, _RETRIES))

    def _wait(self, seconds: float, why: str, *, retries: int = 0) -> None:
        _LOG.info("Waiting %.1f s: %s", seconds, why)
        self._sleep(seconds)
        self.effort = Effort(self.effort.retries + retries, self.effort.wait_seconds + seconds)

    def _ask(self, text: str, read: Callable[[BinaryIO], _T]) -> _T:
        """Spend one call."""
        token = self._tokens.token()
        place = self._connection
        try:
            with self._session.post(
                place.url,
                json=place.dialect.body(text),
                headers={"Authorization": f"Bearer {token}"},
                timeout=(_CONNECT_SECONDS, place.timeout.total_seconds()),
                stream=True,
                # a redirect would post query and token to another host
                allow_redirects=False,
            ) as response:
                return self._read(response, read)
        except AuthenticationError as error:
            raise explained(error, token, place, now=self._clock()) from error
        except requests.ReadTimeout as error:
            msg = f"{place.dialect.title} did not answer within {place.timeout}"
            raise WindowTooLargeError(msg) from error
        except requests.RequestException as error:
            msg = f"No whole answer from {place.dialect.title}: {_reason(error)}"
            raise ServiceError(msg) from error

    def _read(self, response: requests.Response, read: Callable[[BinaryIO], _T]) -> _T:
        if response.status_code != _OK:
            start = next(response.iter_content(_ERROR_BYTES), b"")
            raise classify(response.status_code, response.headers, start, self._connection.dialect)
        with ExitStack() as failing:
            body = cast(BinaryIO, failing.enter_context(SpooledTemporaryFile(_SPOOL_BYTES)))
            self._spool(response, body)
            answer = read(body)
            failing.pop_all()  # from here on the body belongs to the answer
        return answer

    def _spool(self, response: requests.Response, body: BinaryIO) -> None:
        deadline = self._clock() + self._connection.timeout.total_seconds()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body.write(chunk)
            if self._clock() > deadline:
                msg = f"The answer was not whole within {self._connection.timeout}"
                raise WindowTooLargeError(msg)
        body.seek(0)


class _Patience:
    """What one call has waited and tried so far, and when that is enough."""

    def __init__(self, max_wait: float, retry_waits: Iterator[float]) -> None:
        self.throttles = 0
        self._left = max_wait
        self._retry_waits = retry_waits
        self._renewed = False

    def for_quota(self, wait: float) -> float:
        """Allow a wait for a quota.

        Raises:
            ThrottledError: all waits of the call together would be longer than the settings allow.
        """
        if wait > self._left:
            msg = (
                f"The tenant's quota frees up in {wait:.0f} s, later than max_wait_minutes allows; "
                "what is complete is saved, and the next run goes on from there"
            )
            raise ThrottledError(msg)
        self._left -= wait
        return wait

    def after_failure(self, error: ServiceError) -> float:
        """Return the wait before the next try.

        Raises:
            ServiceError: it was tried often enough.
        """
        wait = next(self._retry_waits, None)
        if wait is None:
            raise error
        return wait

    def after_refusal(self, error: AuthenticationError) -> None:
        """Allow one call with a fresh token.

        Raises:
            AuthenticationError: the token was fresh, or no token would help.
        """
        if self._renewed or not error.fresh_token_may_help:
            raise error
        self._renewed = True


def _reason(error: requests.RequestException) -> str:
    """Name what broke, without the URL and addresses that the libraries put in their texts."""
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    reason = getattr(cause, "reason", cause)
    return type(reason).__name__
