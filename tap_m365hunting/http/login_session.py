"""The HTTP session for signing in: at Entra ID, and at a machine's identity endpoint.

Libraries leave the session without bounds. Here an answer has a time and a size, no redirect is
followed, and an answer handed on has OAuth's form, without the secrets of the request.
"""

import json
import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from typing_extensions import override
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from tap_m365hunting.configuration.credentials import GUID
from tap_m365hunting.errors import LoginUnreachableError, SignInError
from tap_m365hunting.http.deadlines import DeadlineAdapter, PinnedAdapter
from tap_m365hunting.http.token_answers import (
    Answer,
    AnswerFormError,
    json_object,
    known_members,
)
from tap_m365hunting.known_secrets import without_secrets

# its warning of a connection that is made anew has no place to look at; the tap's own message has
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
LOGIN_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 10.0
# Metadata and tokens are a few kilobytes.
_MOST_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16
_OK: Final = 200
_REDIRECTED: Final = 300
_REFUSED: Final = 400
_THROTTLED: Final = 429
_FAILED: Final = 500
_OAUTH: Final = "/oauth2/v2.0/"
_METADATA: Final = "/v2.0/.well-known/openid-configuration"
_SECRET_HEADERS: Final = ("Authorization", "Secret", "X-IDENTITY-HEADER")
_SECRET_FIELDS: Final = frozenset(
    {"client_secret", "client_assertion", "refresh_token", "device_code"}
)
_GUID: Final = re.compile(GUID)
_SECRET_MEMBERS: Final = ("access_token", "refresh_token", "id_token", "device_code")
# RFC 6749, 5.1, and RFC 8628, 3.2
_FORMS: Final = ({"access_token", "expires_in"}, {"device_code", "user_code", "expires_in"})
_SAYINGS: Final = (
    *("error", "error_description", "message", "suberror", "correlation_id"),
    *("user_code", "verification_uri"),
)


def login_session(seconds: float = LOGIN_SECONDS) -> requests.Session:
    """Return a session for Entra ID, in which every answer is whole in time, or an error.

    The time is half a minute, or less if `seconds` is.
    """
    session = _Session()
    session.adapters.clear()  # a secret goes over TLS alone
    session.mount("https://", _LoginAdapter(min(seconds, LOGIN_SECONDS)))
    return session


def identity_session(seconds: float, *, thumbprint: str = "") -> requests.Session:
    """Return a session for an endpoint on the machine, never through a proxy.

    The endpoint's certificate is known by a thumbprint, if there is a certificate.
    """
    session = _Session()
    adapter = _Pinned(seconds, thumbprint) if thumbprint else _OnMachine(seconds)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def secrets_sent(request: requests.PreparedRequest) -> Iterator[str]:
    """Yield the secrets of a request, and a client id that is no GUID: a secret may stand there."""
    for name in _SECRET_HEADERS:
        if value := request.headers.get(name):
            yield value.removeprefix("Basic ").removeprefix("Bearer ")
    body = request.body if isinstance(request.body, str) else (request.body or b"").decode()
    for key, value in parse_qsl(body):
        if key in _SECRET_FIELDS or (key == "client_id" and not _GUID.fullmatch(value)):
            yield value


class NoEntraIdError(ValueError):
    """A refusal without a reason in OAuth's words (RFC 6749, 5.2): the host is no Entra ID."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class _Session(requests.Session):
    """Follows no redirect, lest a secret go to another host; keeps no cookie."""

    def __init__(self) -> None:
        super().__init__()
        # an entry for the host in a .netrc file would be taken for the application's password
        self.auth = _as_it_is

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _OnceMore(Retry):
    """Another try, at once, for a broken connection; none for a slow connection.

    Asking twice for a token does no harm. The duration of a refusal is not waited for here.
    """

    @override
    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        *args: Any,
        **options: Any,
    ) -> Self:
        if isinstance(error, ReadTimeoutError):
            raise error
        return super().increment(method, url, response, error, *args, **options)


def _once_more() -> Retry:
    return _OnceMore(1, connect=0, allowed_methods=None, respect_retry_after_header=False)


class _BoundedAnswers(BaseAdapter):
    """Gives up in time, and on an answer without measure."""

    _seconds: float
    _proxied = True

    @override
    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        timeout = (min(_CONNECT_SECONDS, self._seconds), self._seconds)
        ours: dict[str, Any] = {"timeout": timeout, "stream": True}
        if not self._proxied:
            ours["proxies"] = {}
        response = super().send(request, *args, **{**options, **ours})
        try:
            body = _whole(response, _where(request))
        except HTTPError as error:
            raise requests.ConnectionError(error, request=request) from error
        if _REDIRECTED <= response.status_code < _REFUSED:
            msg = f"{_where(request)} answered {response.status_code}, a redirect: not followed"
            raise SignInError(msg)
        response.raw = BytesIO(body)
        return response


class _OnMachine(_BoundedAnswers, DeadlineAdapter):
    """Asks no proxy: the proxy's machine would answer for itself, and would see the token."""

    _proxied = False

    def __init__(self, seconds: float) -> None:
        super().__init__(max_retries=_once_more())
        self._seconds = seconds


class _Pinned(_BoundedAnswers, PinnedAdapter):
    """Asks no proxy either."""

    _proxied = False

    def __init__(self, seconds: float, thumbprint: str) -> None:
        super().__init__(thumbprint)
        self._seconds = seconds


class _LoginAdapter(_BoundedAnswers, DeadlineAdapter):
    """Hands MSAL answers of OAuth's form alone.

    MSAL asks for an authority's endpoints before each first token. The endpoints have the same
    documented form in all clouds, so the call is answered here.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(max_retries=_once_more())
        self._seconds = seconds

    @override
    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        if request.method == "GET" and request.url.endswith(_METADATA):
            return _endpoints(request)
        response = super().send(request, *args, **options)
        if _OAUTH in request.url:
            answer = _answer(response.status_code, response.raw.read(), _where(request))
            hidden = [*secrets_sent(request), *(answer.get(key, "") for key in _SECRET_MEMBERS)]
            said = {key: without_secrets(hidden, answer[key]) for key in _SAYINGS if key in answer}
            _fill(response, answer | said)
        return response


def _answer(status: int, body: bytes, where: str) -> Answer:
    """Return an answer of OAuth's form.

    Raises:
        SignInError: there is no answer, which may pass; a proxy asks for a password, for instance.
        NoEntraIdError: the host is no Entra ID.
    """
    if status >= _FAILED:
        msg = f"{where} answered {status}"
        raise SignInError(msg)
    try:
        answer, why = known_members(json_object(body)), "JSON that is no answer of OAuth's"
    except AnswerFormError as error:
        answer, why = {}, str(error)
    if "error" in answer:
        return {k: v for k, v in answer.items() if k not in _SECRET_MEMBERS}
    if status == _OK and any(answer.keys() >= form for form in _FORMS):
        return answer
    if _REFUSED <= status < _FAILED and status != _THROTTLED:
        raise NoEntraIdError(status)
    msg = (
        f"{where} answers, but not as Entra ID does ({status}, {why}); check authority_url and "
        "HTTPS_PROXY"
    )
    raise LoginUnreachableError(msg)


def _endpoints(request: requests.PreparedRequest) -> requests.Response:
    """Answer in the authority's place; the authority itself would refuse an unknown tenant here."""
    authority = (request.url or "").removesuffix(_METADATA)
    response = requests.Response()
    response.status_code = _OK
    response.request, response.url = request, request.url or ""
    _fill(
        response,
        {
            "issuer": f"{authority}/v2.0",
            "authorization_endpoint": f"{authority}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{authority}/oauth2/v2.0/devicecode",
            "token_endpoint": f"{authority}/oauth2/v2.0/token",
        },
    )
    return response


def _fill(response: requests.Response, answer: Answer) -> None:
    response.encoding = "utf-8"
    response.raw = BytesIO(json.dumps(answer).encode())


def _where(request: requests.PreparedRequest) -> str:
    parts = urlsplit(request.url or "")
    return f"No sign-in at {parts.scheme}://{parts.netloc}: it"


def _whole(response: requests.Response, where: str) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > _MOST_BYTES:
            response.close()
            msg = f"{where} answers with more than any of Entra ID's answers has"
            raise SignInError(msg)
    return bytes(body)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
