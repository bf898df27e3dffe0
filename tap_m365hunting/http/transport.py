"""A single HTTP exchange with the hunting API: a query out, the body of the answer in.

The exchange ends in bounded time and takes bounded room, whatever answers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast
from urllib.parse import urlsplit

import requests
from singer_sdk.exceptions import FatalAPIError
from typing_extensions import override
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.errors import (
    ConnectionSetupError,
    ServiceError,
    UnreachableError,
    WindowTooLargeError,
)
from tap_m365hunting.http.connection_errors import connection_failure
from tap_m365hunting.http.deadlines import DeadlineAdapter
from tap_m365hunting.wire.dialects import CallScope
from tap_m365hunting.wire.error_responses import classify

_OK: Final = 200
_THROTTLED: Final = 429
_FIRST_OF_CLIENT: Final = 400
_FIRST_OF_SERVER: Final = 500
_CONNECT_SECONDS: Final = 10
_SPARE: Final = 8
_CHUNK_BYTES: Final = 1 << 18
# A body up to this size stays in memory; a larger one goes to a file without a name.
_SPOOL_BYTES: Final = 1 << 21
# Of an answer that is an error, as much as any message needs.
_ERROR_BYTES: Final = 1 << 16
# Documented are 50 MB a result, and 124 MB have been seen. What is larger than twice that is no
# answer of the service, and might be more than memory holds if it is not laid out like one.
MOST_BYTES: Final = 1 << 28


class Transport:
    """Sends queries to one API, by as many threads at once as there are calls in flight."""

    def __init__(
        self, connection: Connection, *, parallel: int = 1, most_bytes: int = MOST_BYTES
    ) -> None:
        self._connection = connection
        self._most_bytes = most_bytes
        self._session = _Session()
        # calls that were called off may still be on their way
        self._session.mount("https://", DeadlineAdapter(pool_maxsize=2 * parallel + _SPARE))

    def post(
        self,
        text: str,
        token: str,
        scope: CallScope = CallScope(),  # noqa: B008 - frozen
        *,
        arrived: Callable[[Mapping[str, str]], None],
    ) -> BinaryIO:
        """Return the body of an answer with status 200, whole, as a file at its start.

        `arrived` gets the headers when the answer begins.

        Raises:
            WindowTooLargeError: the answer did not come in time, or is too large.
            ServiceError: the connection broke.
            UnreachableError: no host answers.
            ConnectionSetupError: the machine cannot reach the API with its present set-up.
        """
        connection = self._connection
        with (
            self._translated(),
            self._session.post(
                connection.url,
                json=connection.dialect.body(text, scope.within(connection.workspace_id)),
                auth=_Bearer(token),
                timeout=(_CONNECT_SECONDS, connection.timeout.total_seconds()),
                stream=True,
            ) as response,
        ):
            arrived(response.headers)
            if response.status_code != _OK:
                raise self._refusal(response)
            return self._body(response)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (requests.RequestException, HTTPError) as error:
            raise self._broken(error) from error
        except OSError as error:  # a file with certificates that is not there
            msg = f"No way to {self._connection.dialect.title}: {error}; check REQUESTS_CA_BUNDLE"
            raise ConnectionSetupError(msg) from error

    def _broken(self, error: requests.RequestException | HTTPError) -> Exception:
        title = self._connection.dialect.title
        if _is_late(error):
            msg = f"{title} did not answer within {self._connection.timeout}"
            return WindowTooLargeError(msg, silent=True)
        reason, lasts, absent = connection_failure(error)
        if lasts:
            return ConnectionSetupError(f"No way to {title}: {reason}")
        if absent:
            return UnreachableError(
                f"No answer from {title} at {_host(self._connection.url)}: {reason}"
            )
        return ServiceError(f"No whole answer from {title}: {reason}")

    def _refusal(self, response: requests.Response) -> Exception:
        """Return the meaning of an answer other than 200, even of a broken one."""
        status, start = response.status_code, b""
        try:
            for chunk in _chunks(response, _ERROR_BYTES):
                start += chunk
                if len(start) >= _ERROR_BYTES:
                    break
        except (requests.RequestException, HTTPError) as error:
            if status != _THROTTLED and _FIRST_OF_CLIENT <= status < _FIRST_OF_SERVER:
                msg = f"{self._connection.dialect.title} answered {status}, and broke off"
                return ServiceError(f"{msg}: {connection_failure(error).reason}")
        return classify(status, response.headers, start[:_ERROR_BYTES], self._connection.dialect)

    def _body(self, response: requests.Response) -> BinaryIO:
        self._refuse_excess(response.raw.length_remaining or 0)
        with ExitStack() as failing:
            body = cast(BinaryIO, failing.enter_context(SpooledTemporaryFile(_SPOOL_BYTES)))
            self._spool(response, body)
            failing.pop_all()  # from here on the body belongs to the caller
        return body

    def _spool(self, response: requests.Response, body: BinaryIO) -> None:
        size = 0
        for chunk in _chunks(response, _CHUNK_BYTES):
            size += len(chunk)
            self._refuse_excess(size)
            _write(body, chunk)
        body.seek(0)

    def _refuse_excess(self, size: int) -> None:
        if size > self._most_bytes:
            msg = (
                f"{self._connection.dialect.title} answers with more than {self._most_bytes:,} "
                "bytes, several times what it is documented to"
            )
            raise WindowTooLargeError(msg, size=True)


class _Session(requests.Session):
    """Sees no redirect in any answer: following would post query and token to another host.

    Switching redirects off is not enough: Requests would read the target all the same, with the
    whole page, and an error there has no name.
    """

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Bearer(requests.auth.AuthBase):
    """Sets the token last: an entry for the host in a .netrc file would replace a header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _chunks(response: requests.Response, size: int) -> Iterator[bytes]:
    try:
        yield from response.iter_content(size)
    except ValueError as error:  # of the standard library, about a chunk of fewer bytes than none
        raise requests.exceptions.ChunkedEncodingError(str(error)) from error


def _write(body: BinaryIO, chunk: bytes) -> None:
    try:
        body.write(chunk)
    except OSError as error:
        msg = f"No room for an answer in the folder for temporary files: {error}; check TMPDIR"
        raise FatalAPIError(msg) from error


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_late(error: Exception) -> bool:
    """Say whether the error is the time-out for the answer, under another name within a body."""
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ReadTimeout | ReadTimeoutError) or isinstance(
        cause, ReadTimeoutError
    )
