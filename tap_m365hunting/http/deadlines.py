"""Connections on which an answer has a deadline, however slowly it drips in.

A socket's time-out begins anew with each byte that comes. Here it is the time that an answer has
from when it is waited for, headers and body together.
"""

import ssl
import time
from functools import cache
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from typing_extensions import Buffer, override
from urllib3.util.ssl_ import create_urllib3_context

# Which a connection would read the trusted certificates from
_READ_ANEW: Final = frozenset({"ca_certs", "ca_cert_dir"})


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
    """Makes such connections, straight or through a proxy.

    Requests reads the certificates that are trusted for each connection anew, which takes longer
    than the connection; here all connections of the process share them.
    """

    @override
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_context(), **options)

    @override
    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=_context(), **options)

    @override
    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if context := _trusting(verify):
            kept = {name: value for name, value in pool.items() if name not in _READ_ANEW}
            return host, {**kept, "ssl_context": context}
        return host, pool

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        proxy_over_tls = conn.proxy is not None and conn.proxy.scheme == "https"
        if _trusting(verify) and not proxy_over_tls:  # such a proxy has a context of its own
            conn.ca_certs = conn.ca_cert_dir = None


def _context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.sslsocket_class = _DeadlineSocket
    return context


def _trusting(verify: bool | str) -> ssl.SSLContext | None:  # noqa: FBT001 - of Requests
    """Return the context for what Requests was told to trust; `None` if it is to trust anybody.

    Raises:
        OSError: no certificates are where it was told that they are.
    """
    if not verify:
        return None
    place = DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
    try:
        return _with_certificates(place)
    except OSError as error:
        msg = f"no certificates can be read from {place}"
        raise OSError(msg) from error


@cache
def _with_certificates(place: str) -> ssl.SSLContext:
    context = _context()
    if Path(place).is_dir():
        context.load_verify_locations(capath=place)
    else:
        context.load_verify_locations(cafile=place)
    return context
