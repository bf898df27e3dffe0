"""The APIs' error answers, each in its own envelope.

Wordings are the captured ones where there is a capture; the rest is documented or inferred, which
docs/emulator.md lists.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

import msgspec

from hunting_emulator.limits import CallsSpent, CpuSpent
from hunting_emulator.settings import ApiName

JSON_TYPES: Final[Mapping[ApiName, str]] = MappingProxyType(
    {
        "graph": "application/json; odata.metadata=minimal; odata.streaming=true; "
        "IEEE754Compatible=false; charset=utf-8",
        "defender": "application/json; charset=utf-8",
        "endpoint": "application/json; charset=utf-8",
    }
)
HTML: Final = "text/html"

RESULT_SIZE: Final = (
    "Query execution has exceeded the allowed result size. Optimize your query by limiting the "
    "amount of results and try again."
)
PREEMPTED: Final = (
    "Query execution has exceeded the allowed limits. The query execution was preempted. This "
    "could possibly be due to high CPU and/or memory resource consumption. Optimize your query by "
    "following best practices and try again."
)
_AUTHENTICATE: Final = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'
)


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 -- it is an answer, and raised to give it at once
    """An answer that is no result: status, code and message; `headers` beside the usual ones."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids and the time of an answer, for support."""

    at: datetime
    request_id: str
    client_request_id: str

    @classmethod
    def make(cls, at: datetime, client_request_id: str | None) -> "Ids":
        """Make the ids of an answer; a client's own id is given back."""
        request_id = str(uuid4())
        return cls(at, request_id, client_request_id or request_id)


def body(api: ApiName, refusal: Refusal, ids: Ids) -> bytes:
    """Return the refusal in the API's envelope."""
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if api == "graph":
        error["innerError"] = {
            "date": f"{ids.at:%Y-%m-%dT%H:%M:%S}",
            "request-id": ids.request_id,
            "client-request-id": ids.client_request_id,
        }
    else:
        error["target"] = ids.request_id
    return msgspec.json.encode({"error": error})


def page(status: int, reason: str) -> bytes:
    """Return the page of the proxy in front, which knows no JSON.

    >>> page(502, "Bad Gateway").decode().splitlines()[1]
    '<head><title>502 Bad Gateway</title></head>'
    """
    lines = (
        "<html>",
        f"<head><title>{status} {reason}</title></head>",
        "<body>",
        f"<center><h1>{status} {reason}</h1></center>",
        "<hr><center>nginx</center>",
        "</body>",
        "</html>",
        "",
    )
    return "\r\n".join(lines).encode()


def bad_request(message: str) -> Refusal:
    """The query, or the cost of the query, is refused."""
    return Refusal(400, "BadRequest", message)


def bad_query(why: Exception, kind: str) -> Refusal:
    """The engine refuses the KQL: the engine's message, a full stop, and advice."""
    return bad_request(f"{why}. Fix {kind} errors in your query.")


def bad_body(api: ApiName) -> Refusal:
    """The request's body has another form than the API reads."""
    if api != "graph":
        return Refusal(400, "InvalidRequestBody", "Request body is incorrect")
    return bad_request(
        "Unable to read JSON request payload. Please ensure Content-Type header is set and "
        "payload is of valid JSON format."
    )


def unauthorized(api: ApiName, why: str, claims: str = "") -> Refusal:
    """No token, or one that the API does not take; `claims` are demands on a new token."""
    code = "InvalidAuthenticationToken" if api == "graph" else "Unauthorized"
    challenge = _AUTHENTICATE
    if claims:
        encoded = base64.b64encode(claims.encode()).decode()
        challenge += f', error="insufficient_claims", claims="{encoded}"'
    return Refusal(401, code, why, {"WWW-Authenticate": challenge})


def missing_role(kind: str, required: str, held: tuple[str, ...]) -> Refusal:
    """The application lacks the permission: `kind` is `roles`, or `scopes` with a person."""
    message = (
        f"Missing application {kind}. API required {kind}: {required}, "
        f"application {kind}: {','.join(held)}."
    )
    return Refusal(403, "Forbidden", message)


def not_found(path: str) -> Refusal:
    """There is no such resource in a Defender API."""
    segment = path.rstrip("/").rpartition("/")[2]
    message = f"Resource not found for the segment '{segment}'."
    return Refusal(404, "ResourceNotFound", message)


def unknown_segment(segment: str) -> Refusal:
    """Graph's model has no such segment."""
    return bad_request(f"Resource not found for the segment '{segment}'.")


def unknown_encoding(encoding: str) -> Refusal:
    """The body of the request is compressed in a way that is not known."""
    message = f"The content encoding '{encoding}' of the request is not supported."
    return Refusal(415, "UnsupportedMediaType", message)


def wrong_method(allowed: str) -> Refusal:
    """The resource is there, the method is not."""
    message = "Specified HTTP method is not allowed for the request target."
    return Refusal(405, "Request_BadRequest", message, {"Allow": allowed})


def too_large() -> Refusal:
    """The body of the request is larger than the proxy in front lets through."""
    return Refusal(413, "", "Request Entity Too Large", {"Connection": "close"})


def too_long() -> Refusal:
    """The URL is longer than the proxy in front lets through."""
    return Refusal(414, "", "Request-URI Too Large", {"Connection": "close"})


def timed_out() -> Refusal:
    """The query ran too long; the message is empty in every capture."""
    return Refusal(504, "UnknownError", "")


def throttled(api: ApiName, spent: CallsSpent | CpuSpent, *, retry_after: bool) -> Refusal:
    """A quota of the tenant is used up; `retry_after` says whether the header says until when."""
    seconds = max(1, -(-spent.wait // timedelta(seconds=1)))
    headers = {"Retry-After": str(seconds)} if retry_after else {}
    if isinstance(spent, CpuSpent):
        return Refusal(429, "TooManyRequests", _resources_spent(spent.wait), headers)
    if api == "graph":
        return Refusal(429, "TooManyRequests", "Too many requests.", headers)
    message = f"API calls quota exceeded! maximum allowed {spent.maximum} per {_span(spent.period)}"
    return Refusal(429, "429", message, headers)


def _resources_spent(wait: timedelta) -> str:
    minutes = max(1, -(-wait // timedelta(minutes=1)))
    return (
        "You have exceeded processing resources allocated to this tenant. "
        f"You can run queries again in {minutes} minutes."
    )


def _span(period: timedelta) -> str:
    hours, rest = divmod(int(period.total_seconds()), 3600)
    return f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
