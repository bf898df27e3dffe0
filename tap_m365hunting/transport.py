"""One HTTP exchange with the hunting API: a query out, the body of its answer in."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

import requests

from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.errors import ServiceError, WindowTooLargeError
from tap_m365hunting.wire.refusals import classify

_OK: Final = 200
_CONNECT_SECONDS: Final = 30
_CHUNK_BYTES: Final = 1 << 18
# A body up to this size stays in memory; a larger one goes to a file without a name.
_SPOOL_BYTES: Final = 1 << 21
# Of an answer that is an error, as much as any message needs.
_ERROR_BYTES: Final = 1 << 16


class Transport:
    """Sends queries to one API; `seconds` is a running count of them, to keep the time-out by."""

    def __init__(
        self,
        place: Connection,
        session: requests.Session,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._session = session
        self._seconds = seconds

    def post(self, text: str, token: str, *, arrived: Callable[[], None]) -> BinaryIO:
        """Return the body of an answer with status 200, whole, as a file at its start.

        `arrived` is told when the answer begins.

        Raises:
            WindowTooLargeError: it did not come in time.
            ServiceError: the connection broke.
        """
        place = self._place
        try:
            with self._session.post(
                place.url,
                json=place.dialect.body(text),
                auth=_Bearer(token),
                timeout=(_CONNECT_SECONDS, place.timeout.total_seconds()),
                stream=True,
                # a redirect would post query and token to another host
                allow_redirects=False,
            ) as response:
                arrived()
                return self._body(response)
        except requests.ReadTimeout as error:
            msg = f"{place.dialect.title} did not answer within {place.timeout}"
            raise WindowTooLargeError(msg) from error
        except requests.RequestException as error:
            msg = f"No whole answer from {place.dialect.title}: {_reason(error)}"
            raise ServiceError(msg) from error

    def _body(self, response: requests.Response) -> BinaryIO:
        if response.status_code != _OK:
            start = next(response.iter_content(_ERROR_BYTES), b"")
            raise classify(response.status_code, response.headers, start, self._place.dialect)
        with ExitStack() as failing:
            body = cast(BinaryIO, failing.enter_context(SpooledTemporaryFile(_SPOOL_BYTES)))
            self._spool(response, body)
            failing.pop_all()  # from here on the body belongs to the caller
        return body

    def _spool(self, response: requests.Response, body: BinaryIO) -> None:
        deadline = self._seconds() + self._place.timeout.total_seconds()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body.write(chunk)
            if self._seconds() > deadline:
                msg = f"The answer was not whole within {self._place.timeout}"
                raise WindowTooLargeError(msg)
        body.seek(0)


class _Bearer(requests.auth.AuthBase):
    """Sets the token last: an entry for the host in a .netrc file would replace a header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _reason(error: requests.RequestException) -> str:
    """Name what broke, without the URL and addresses that the libraries put in their texts."""
    cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    reason = getattr(cause, "reason", cause)
    return type(reason).__name__
