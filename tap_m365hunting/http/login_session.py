"""The HTTP session for signing in, which MSAL leaves without bounds."""

import json
import logging
from io import BytesIO
from typing import Any, Final

import requests
from typing_extensions import override
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from tap_m365hunting.errors import SignInError
from tap_m365hunting.http.deadlines import DeadlineAdapter

# its warning of a connection that is made anew has no place to look at; the tap's own message has
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
LOGIN_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 10.0
# Metadata and tokens are a few kilobytes.
_MOST_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16
_OK: Final = 200
_REFUSED: Final = 400
_THROTTLED: Final = 429
_FAILED: Final = 500
_OAUTH: Final = "/oauth2/v2.0/"
_METADATA: Final = "/v2.0/.well-known/openid-configuration"


def login_session(seconds: float = LOGIN_SECONDS) -> requests.Session:
    """Return a session in which every answer is whole after so many seconds, or an error."""
    session = requests.Session()
    session.mount("https://", _Bounded(seconds))
    # a redirect would send a secret to another host
    session.max_redirects = 0
    # an entry for the host in a .netrc file would be taken for the application's password
    session.auth = _as_it_is
    return session


class _Bounded(DeadlineAdapter):
    """Gives up in time, and on an answer without measure; a connection that broke is made anew.

    MSAL asks for an authority's endpoints before each first token. They have the same form in all
    clouds, which is documented, so that call is answered here.
    """

    def __init__(self, seconds: float) -> None:
        # to ask for a token twice does no harm; how long a refusal lasts is not waited for here
        once = Retry(1, connect=0, allowed_methods=None, respect_retry_after_header=False)
        super().__init__(max_retries=once)
        self._seconds = seconds

    @override
    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        if request.method == "GET" and request.url.endswith(_METADATA):
            return _endpoints(request)
        ours = {"timeout": (min(_CONNECT_SECONDS, self._seconds), self._seconds), "stream": True}
        response = super().send(request, *args, **{**options, **ours})
        try:
            body = _whole(response)
        except HTTPError as error:
            raise requests.ConnectionError(error, request=request) from error
        if _OAUTH in request.url:
            _check(response.status_code, body)
        response.raw = BytesIO(body)
        return response


def _endpoints(request: requests.PreparedRequest) -> requests.Response:
    """Answer as the authority would, which would refuse a tenant that it does not know here."""
    authority = (request.url or "").removesuffix(_METADATA)
    told = {
        "issuer": f"{authority}/v2.0",
        "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{authority}/oauth2/v2.0/devicecode",
        "token_endpoint": f"{authority}/oauth2/v2.0/token",
    }
    response = requests.Response()
    response.status_code, response.encoding = 200, "utf-8"
    response.request, response.url = request, request.url or ""
    response.raw = BytesIO(json.dumps(told).encode())
    return response


def _check(status: int, body: bytes) -> None:
    """See to the answers that MSAL has no words for.

    Raises:
        SignInError: the service failed, which may pass.
        ValueError: it is no Entra ID.
    """
    if status >= _FAILED:
        msg = f"No sign-in: the token endpoint answered {status}"
        raise SignInError(msg)
    if status == _OK and not _is_object(body):
        msg = "no JSON"  # of a page that asks for a password, say
        raise ValueError(msg)
    if _is_no_entra_id(status, body):
        msg = f"HTTP status: {status}"
        raise ValueError(msg)


def _is_no_entra_id(status: int, body: bytes) -> bool:
    """Whether it is a refusal without a reason that OAuth has a word for (RFC 6749, 5.2)."""
    if not _REFUSED <= status < _FAILED or status == _THROTTLED:
        return False
    try:
        return not isinstance(json.loads(body)["error"], str)
    except (ValueError, TypeError, KeyError):
        return True


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _whole(response: requests.Response) -> bytes:
    body = b""
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > _MOST_BYTES:
            response.close()
            msg = "No sign-in: the answer is longer than any of Entra ID's"
            raise SignInError(msg)
    return body


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
