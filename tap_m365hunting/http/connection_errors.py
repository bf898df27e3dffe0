"""Reasons why a host was not reached, each with the way out. Pure.

The libraries' own texts hold URLs, perhaps with a proxy's password: only known parts are quoted.
"""

import re
from collections.abc import Callable
from errno import ECONNREFUSED
from typing import Final, NamedTuple, TypeAlias

from requests.exceptions import (
    InvalidProxyURL,
    InvalidSchema,
    InvalidURL,
    ProxyError,
    RequestException,
)
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)

_DISTRUST: Final = re.compile(r"certificate[ _]verify[ _]failed", re.IGNORECASE)
_WHY: Final = re.compile(r"certificate verify failed: ([^(\[\]]{1,80})")
_CHECK: Final = "check api_url, authority_url and HTTPS_PROXY"
# OpenSSL's words for an answer that is no TLS, as that of a plain HTTP server
_NO_TLS: Final = re.compile(r"wrong[ _]version[ _]number|record[ _]layer[ _]failure", re.IGNORECASE)
_BY_PROXY: Final = re.compile(r"Tunnel connection failed: (([45])\d\d[\w ]{0,60})")
_BY_SOCKS: Final = re.compile(r"\bSOCKS", re.IGNORECASE)
_THIS_MACHINE: Final = re.compile(r"localhost|127\.[\d.]+|::1")


class ConnectionFailure(NamedTuple):
    """The reason, and whether waiting cannot cure the failure (`lasts`).

    `absent` means no host answered at all: no listener, or a name without an address.
    """

    reason: str
    lasts: bool = False
    absent: bool = False


_Error: TypeAlias = RequestException | HTTPError


def connection_failure(error: _Error) -> ConnectionFailure:
    """Return the reason for a missing or partial answer."""
    named = (recognise(error) for recognise in _KINDS)
    return next(filter(None, named), ConnectionFailure(_name(error)))


def _distrusted(error: _Error) -> ConnectionFailure | None:
    if not _DISTRUST.search(str(error)):
        return None
    found = _WHY.search(str(error))
    why = f" ({found[1].strip()})" if found else ""
    text = (
        f"its certificate is not trusted{why}; name the authority of your proxy, or of the "
        "emulator, in REQUESTS_CA_BUNDLE"
    )
    return ConnectionFailure(text, lasts=True)


def _without_tls(error: _Error) -> ConnectionFailure | None:
    if not _NO_TLS.search(str(error)):
        return None
    return ConnectionFailure(f"it answers, but not over TLS; {_CHECK}", lasts=True)


def _no_proxy(error: _Error) -> ConnectionFailure | None:
    if not isinstance(error, InvalidProxyURL):
        return None
    text = (
        "HTTPS_PROXY (or ALL_PROXY) holds no address of a proxy, such as http://proxy:3128, or a "
        "password with characters beyond Latin-1"
    )
    return ConnectionFailure(text, lasts=True)


def _no_address(error: _Error) -> ConnectionFailure | None:
    if not isinstance(_cause(error), InvalidURL | LocationValueError):
        return None
    return ConnectionFailure(f"that is no address; {_CHECK}", lasts=True)


def _socks(error: _Error) -> ConnectionFailure | None:
    """Recognise a SOCKS proxy: without PySocks, or without a listener."""
    if not _BY_SOCKS.search(f"{type(_reason(error)).__qualname__} {error}"):
        return None
    if isinstance(error, InvalidSchema):
        text = (
            "HTTPS_PROXY (or ALL_PROXY) names a SOCKS proxy, which needs PySocks; install it with "
            "pip install 'requests[socks]'"
        )
        return ConnectionFailure(text, lasts=True)
    return ConnectionFailure("the SOCKS proxy does not answer; check HTTPS_PROXY", absent=True)


def _proxy(error: _Error) -> ConnectionFailure | None:
    if not isinstance(error, ProxyError):
        return None
    answer = _BY_PROXY.search(str(error))
    text = f"answers {answer[1].strip()}" if answer else "does not answer"
    refused = answer is not None and answer[2] == "4"
    reason = f"the proxy {text}; check HTTPS_PROXY"
    return ConnectionFailure(reason, lasts=refused, absent=answer is None)


def _nobody(error: _Error) -> ConnectionFailure | None:
    """Recognise a missing connection, and name the settings for an operator to look at."""
    reason = _reason(error)
    if isinstance(reason, NameResolutionError):
        return ConnectionFailure(f"the host's name has no address (DNS); {_CHECK}", absent=True)
    if not isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return None
    broke = reason.__cause__ if isinstance(reason, NewConnectionError) else TimeoutError()
    if not isinstance(broke, OSError) or broke.errno != ECONNREFUSED:
        why = (isinstance(broke, OSError) and broke.strerror) or "the host takes no connection"
        return ConnectionFailure(f"{why.lower()}; {_CHECK}", absent=True)
    emulator = " (is the emulator started?)" if _on_this_machine(error) else ""
    return ConnectionFailure(f"nothing listens there{emulator}; {_CHECK}", absent=True)


def _on_this_machine(error: _Error) -> bool:
    cause = _cause(error)
    host = getattr(cause.pool, "host", "") if isinstance(cause, MaxRetryError) else ""
    return bool(_THIS_MACHINE.fullmatch(host))


def _name(error: Exception) -> str:
    """Name the failure by the innermost error's class."""
    return type(_reason(error)).__name__


def _reason(error: Exception) -> object:
    cause = _cause(error)
    return getattr(cause, "reason", cause)


def _cause(error: Exception) -> Exception:
    return error.args[0] if error.args and isinstance(error.args[0], Exception) else error


_KINDS: Final[tuple[Callable[[_Error], ConnectionFailure | None], ...]] = (
    _distrusted,
    _without_tls,
    _no_proxy,
    _no_address,
    _socks,
    _proxy,
    _nobody,
)
