"""Connections on which an answer has a deadline, however slowly it drips in.

A socket's time-out begins anew with each byte that comes. Here it is the time that an answer has
from when it is waited for, headers and body together.
"""

import ssl
import time
from typing import Any

from requests.adapters import HTTPAdapter
from typing_extensions import Buffer, override
from urllib3.util.ssl_ import create_urllib3_context


class _DeadlineSocket(ssl.SSLSocket):
    """A socket whose time-out is one for all that is received until it is set again.

    The HTTP library sets it before it sends, and again before it waits for the answer.
    """

    _until: float | None = None

    @override
    def settimeout(self, value: float | None) -> None:
        self._until = None if value is None else time.monotonic() + value
        super().settimeout(value)

    @override
    def recv_into(self, buffer: Buffer, nbytes: int | None = None, flags: int = 0) -> int:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            super().settimeout(left)
        return super().recv_into(buffer, nbytes, flags)


class DeadlineAdapter(HTTPAdapter):
    """Makes such connections, straight or through a proxy."""

    @override
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_context(), **options)

    @override
    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=_context(), **options)


def _context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.sslsocket_class = _DeadlineSocket
    return context
