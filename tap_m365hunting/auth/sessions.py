"""The HTTP session for signing in, which MSAL leaves without bounds."""

from io import BytesIO
from typing import Any, Final

import requests
from typing_extensions import override
from urllib3.exceptions import HTTPError

from tap_m365hunting.errors import SignInError
from tap_m365hunting.net.deadlines import DeadlineAdapter

LOGIN_SECONDS: Final = 60.0
# Metadata and tokens are a few kilobytes.
_MOST_BYTES: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 16


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
    """Gives up in time, and on an answer without measure; a connection that broke is made anew."""

    def __init__(self, seconds: float) -> None:
        super().__init__(max_retries=1)
        self._seconds = seconds

    @override
    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        ours = {"timeout": self._seconds, "stream": True}
        response = super().send(request, *args, **{**options, **ours})
        try:
            response.raw = BytesIO(_whole(response))
        except HTTPError as error:
            raise requests.ConnectionError(error, request=request) from error
        return response


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
