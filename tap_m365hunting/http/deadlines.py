"""Connections with a deadline for the whole answer, however slow its bytes.

A socket's time-out begins anew with each byte. Here a time-out covers everything received until set
again: for a connection the proxy's CONNECT answer and the TLS handshake, then for an answer headers
and body.
"""

import socket
import ssl
import time
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidProxyURL
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, select_proxy
from typing_extensions import Buffer, override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, LocationParseError
from urllib3.poolmanager import PoolManager, ProxyManager
from urllib3.util import parse_url
from urllib3.util.ssl_ import create_urllib3_context

# Which a connection would read the trusted certificates from
_READ_ANEW: Final = frozenset({"ca_certs", "ca_cert_dir"})


class _PlainSocket(socket.socket):
    """A socket without TLS: the way to a proxy, or to an endpoint on the machine."""

    _until: float | None = None

    @classmethod
    def over(cls, connected: socket.socket) -> Self:
        """Take the place of a connected socket."""
        seconds = connected.gettimeout()
        made = cls(connected.family, connected.type, connected.proto, fileno=connected.detach())
        made.settimeout(seconds)
        return made

    @override
    def settimeout(self, value: float | None) -> None:
        self._until = _deadline(value)
        super().settimeout(value)

    @override
    def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        if self._until is not None:
            super().settimeout(_left(self._until))
        return super().recv_into(buffer, nbytes, flags)


class _TlsSocket(ssl.SSLSocket):
    """A socket with TLS; the HTTP library sets the time-out before waiting for an answer."""

    _until: float | None = None

    @override
    def settimeout(self, value: float | None) -> None:
        self._until = _deadline(value)
        super().settimeout(value)

    @override
    def recv_into(self, buffer: Buffer, nbytes: int | None = None, flags: int = 0) -> int:
        self._wait_no_longer()
        return super().recv_into(buffer, nbytes, flags)

    @override
    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive like TLS within TLS, through a proxy with TLS of its own."""
        self._wait_no_longer()
        return super().recv(buflen, flags)

    def _wait_no_longer(self) -> None:
        if self._until is not None:
            super().settimeout(_left(self._until))


def _deadline(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _HttpConnection(HTTPConnection):
    @override
    def _new_conn(self) -> socket.socket:
        return _PlainSocket.over(super()._new_conn())


class _HttpsConnection(HTTPSConnection):
    """A connection with a time-out for the proxy's answer to CONNECT, and for TLS."""

    @override
    def _new_conn(self) -> socket.socket:
        return _PlainSocket.over(super()._new_conn())

    @override
    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:  # told apart from an answer that does not come
            msg = "No connection within its time-out"
            raise ConnectTimeoutError(self, msg) from error


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_POOLS: Final = {"http": _HttpPool, "https": _HttpsPool}


class DeadlineAdapter(HTTPAdapter):
    """Makes connections with deadlines, straight or through a proxy.

    Requests reads the trusted certificates anew for each connection, and reading takes longer than
    connecting; here all connections of the process share the certificates.
    """

    @override
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_context(), **options)
        _bound(self.poolmanager)

    @override
    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        proxy = select_proxy(request.url or "", proxies)
        if proxy and not (_has_host(proxy) and _can_sign_in(proxy)):
            raise InvalidProxyURL
        return super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)

    @override
    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=_context(), **options)
        if isinstance(manager, ProxyManager):  # a SOCKS proxy has connections of its own
            _bound(manager)
        return manager

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


class PinnedAdapter(DeadlineAdapter):
    """Knows a server by the SHA-1 thumbprint of its certificate alone, whoever the signer.

    The thumbprint is compared before anything is sent.
    """

    def __init__(self, thumbprint: str, **options: Any) -> None:  # noqa: ANN401 (of Requests)
        context = _context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._pinned = {"assert_fingerprint": thumbprint, "ssl_context": context}
        super().__init__(**options)

    @override
    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, False, cert)  # noqa: FBT003
        return host, self._pinned

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Trust the thumbprint."""


def _has_host(proxy: str) -> bool:
    try:
        return bool(parse_url(proxy).host)
    except LocationParseError:
        return False


def _can_sign_in(proxy: str) -> bool:
    """Say if user and password fit into a header, which Requests writes in Latin-1."""
    try:
        "".join(get_auth_from_url(proxy)).encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _bound(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, **_POOLS}


def _context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.sslsocket_class = _TlsSocket
    return context


def _trusting(verify: bool | str) -> ssl.SSLContext | None:  # noqa: FBT001 - of Requests
    """Return a context with the trusted certificates; `None` if every certificate is trusted.

    Raises:
        OSError: the place has no certificates.
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
