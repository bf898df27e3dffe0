"""Why a host was not reached, in words that name the way out. Pure.

The libraries' own texts hold URLs, which may hold a proxy's password: only what is known is said.
"""

import re
from typing import Final, NamedTuple

from requests.exceptions import InvalidURL, ProxyError, RequestException
from urllib3.exceptions import HTTPError, LocationValueError

_DISTRUST: Final = re.compile(r"certificate[ _]verify[ _]failed", re.IGNORECASE)
_WHY: Final = re.compile(r"certificate verify failed: ([^(\[\]]{1,80})")
_CHECK: Final = "check api_url, authority_url and HTTPS_PROXY"
# OpenSSL's words for an answer that is no TLS, as that of a plain HTTP server
_NO_TLS: Final = re.compile(r"wrong[ _]version[ _]number|record[ _]layer[ _]failure", re.IGNORECASE)
_BY_PROXY: Final = re.compile(r"Tunnel connection failed: (([45])\d\d[\w ]{0,60})")


class ConnectionFailure(NamedTuple):
    """The reason; and whether it is one that does not pass by waiting."""

    reason: str
    lasts: bool


def connection_failure(error: RequestException | HTTPError) -> ConnectionFailure:
    """Say why there was no answer, or no whole one."""
    said = str(error)
    if _DISTRUST.search(said):
        found = _WHY.search(said)
        why = f" ({found[1].strip()})" if found else ""
        text = (
            f"its certificate is not trusted{why}; name the authority of your proxy, or of the "
            "emulator, in REQUESTS_CA_BUNDLE"
        )
        return ConnectionFailure(text, lasts=True)
    if _NO_TLS.search(said):
        return ConnectionFailure(f"it answers, but not over TLS; {_CHECK}", lasts=True)
    if isinstance(_cause(error), InvalidURL | LocationValueError):
        return ConnectionFailure(f"that is no address; {_CHECK}", lasts=True)
    if isinstance(error, ProxyError):
        answer = _BY_PROXY.search(said)
        text = f"answers {answer[1].strip()}" if answer else "does not answer"
        refused = answer is not None and answer[2] == "4"
        return ConnectionFailure(f"the proxy {text}; check HTTPS_PROXY", lasts=refused)
    return ConnectionFailure(_name(error), lasts=False)


def _name(error: Exception) -> str:
    """Name what broke by the innermost error's class."""
    cause = _cause(error)
    return type(getattr(cause, "reason", cause)).__name__


def _cause(error: Exception) -> Exception:
    return error.args[0] if error.args and isinstance(error.args[0], Exception) else error
