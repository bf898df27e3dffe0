"""From an answer other than 200 to an error named by the remedy.

Pure. A single status stands for many causes (400 above all) and the codes are coarse, so the
message is matched by short fragments, stable over the years; a message without any is refused for
good.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.errors import (
    AuthenticationError,
    QueryRejectedError,
    ServiceError,
    ThrottledError,
    WindowTooLargeError,
)
from tap_m365hunting.printable import without_tokens
from tap_m365hunting.wire.dialects import Dialect
from tap_m365hunting.wire.json_text import parse

LONGEST_MESSAGE: Final = 300

# Errors within errors are read as deep as this; two have been seen.
_DEEPEST: Final = 8
_TAG: Final = re.compile(r"<[^<>]*>")
_SCRIPT: Final = re.compile(r"<(script|style)\b[^<>]*>[^<]*", re.IGNORECASE)
_NESTED_ANYWHERE: Final = re.compile(r"""[{\[]\s*[\[{"']""")
# An object or a list of JSON, whole or cut, in whatever encoding; and lines of cells.
_NESTED: Final = re.compile(r"""\s*(?:\{|\[\s*[\[{"'])""")
_STRUCTURED: Final = re.compile(r"[{\[\x00\t\ufffd]|\n[^\n]*,[^\n]*,")
_LINE: Final = re.compile(r"line:position=(\d+):|\[(\d+)[:,]\d+\]|\bline (\d+)", re.IGNORECASE)
_TABLE: Final = re.compile(r"resolve table or column expression named '([^']+)'")

# In this order: the wording of the API, of the portal, and of the engine below both.
_TOO_LARGE: Final = re.compile(
    r"exceeded the (?:allowed (?:result size|limits)|internal data size|timeout)|was preempted|"
    r"80DA000|E_QUERY_RESULT_SET_TOO_LARGE|E_LOW_MEMORY_CONDITION|E_RUNAWAY_QUERY|"
    r"queryExceededResultSize|queryLimitsExceeded|queryTimeout",
    re.IGNORECASE,
)
_TOO_MANY_BYTES: Final = re.compile(r"result.?s(?:ize|et)", re.IGNORECASE)
_SPENT: Final = re.compile(
    r"quota exceeded|exceeded processing resources|queryExecutionThrottling|"
    r"too ?many ?requests|rate limit|throttl",
    re.IGNORECASE,
)
_LICENCE: Final = re.compile(r"account mode|licen[cs]e|not provisioned", re.IGNORECASE)
_CONDITIONAL: Final = re.compile(r"insufficient_claims|conditional access", re.IGNORECASE)


class ErrorResponse(Struct, frozen=True):
    """An answer other than 200, as far as readable.

    `text` is the service's message on a single line, at most 300 characters; `code` the error code;
    `location` the host of a redirect.
    """

    status: int
    dialect: Dialect
    text: str
    code: str
    retry_after: str | None
    is_json: bool
    location: str = ""

    def says(self, fragments: re.Pattern[str]) -> bool:
        """Whether the message or the code holds any of the fragments."""
        return bool(fragments.search(f"{self.code} {self.text}"))

    @property
    def quoted(self) -> str:
        """The service's name and message, to be quoted in an error."""
        said = self.text or self.code or "no message"
        return f"{self.dialect.title} answered {self.status}: {said}"


def _lower(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else {}


def _message(error: dict[str, Any], depth: int = _DEEPEST) -> str:
    """Join the messages from the outside in; the engine's own words are often the innermost."""
    keys = ("message", "error_description", "errormessage", "recommendedaction")
    own = " ".join(filter(None, (_string(error.get(key)) for key in keys)))
    inner = _lower(error.get("innererror"))
    return " ".join(filter(None, (own, _message(inner, depth - 1) if inner and depth else "")))


def _string(value: object) -> str:
    """Return a text; of JSON, as it is or as a text, only the message in it: it may hold rows."""
    if not isinstance(value, str) or not _NESTED.match(value):
        return value if isinstance(value, str) else ""
    try:
        inner = _lower(parse(value.encode()))
    except ValueError:
        return ""
    return _message(_lower(inner.get("error")) or inner)


def _page(body: bytes) -> str:
    """Return the words of a page or a plain text, and nothing of what may be rows that were cut."""
    text = body.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] != "<" and _STRUCTURED.search(text):
        return ""
    words = _TAG.sub(" ", _SCRIPT.sub(" ", text))
    return _NESTED_ANYWHERE.split(words, maxsplit=1)[0]


def _short(text: str) -> str:
    line = " ".join(without_tokens(text).split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 1]}…"


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _host(url: str) -> str:
    try:
        return _short(urlsplit(url).hostname or "")
    except ValueError:  # it is no URL
        return ""


def read_refusal(
    status: int, headers: Mapping[str, str], body: bytes, dialect: Dialect
) -> ErrorResponse:
    """Read as much as possible of an answer: JSON in several shapes, HTML, text, nothing."""
    try:
        outer = _lower(parse(body))
    except ValueError:
        outer = {}
    error = _lower(outer.get("error")) or outer
    text = _message(error) if outer else _page(body)
    return ErrorResponse(
        status=status,
        dialect=dialect,
        text=_short(text),
        code=_short(_string(error.get("code")) or _string(error.get("error"))),
        retry_after=_header(headers, "retry-after"),
        is_json=bool(outer),
        location=_host(_header(headers, "location") or ""),
    )


def _rejected(answer: ErrorResponse) -> Exception:
    found = _LINE.search(answer.text)
    line = next((int(group) for group in found.groups() if group), None) if found else None
    table = _TABLE.search(answer.text)
    unknown = table[1] if table else None
    msg = f"{answer.quoted}{_hint(answer, unknown)}"
    return QueryRejectedError(msg, text=answer.text, line=line, table=unknown)


def _hint(answer: ErrorResponse, table: str | None) -> str:
    """Return the way out of a refusal, where one is known."""
    if table:
        return (
            f" (if {table} is a table and spelled as documented, the tenant may lack the licence "
            "for it)"
        )
    hints = (hint for name, hint in _PARAMETERS.items() if name in answer.text.lower())
    return next(hints, "")


# Parameters of a call beside the query, with the setting that adds each.
_PARAMETERS: Final = {
    "workspaceid": " (the API does not take workspace_id; remove the setting)",
    "timespan": " (a Timespan is sent for retention_days above 30; set it to 30)",
}


def _bad_request(answer: ErrorResponse) -> Exception:
    if answer.says(_TOO_LARGE):
        return _too_large(answer)
    return _throttled(answer) if answer.says(_SPENT) else _rejected(answer)


def _too_large(answer: ErrorResponse) -> WindowTooLargeError:
    size = _TOO_MANY_BYTES.search(answer.text) is not None
    return WindowTooLargeError(answer.quoted, size=size)


def _no_token(answer: ErrorResponse) -> Exception:
    if answer.says(_LICENCE):
        msg = f"{answer.quoted} (the tenant lacks the licence or service; no token cures it)"
        return AuthenticationError(msg, may_be_of_query=True)
    msg = f"{answer.quoted} (check the tenant, the client, and that api and cloud fit the token)"
    return AuthenticationError(msg, fresh_token_may_help=True)


def _forbidden(answer: ErrorResponse) -> Exception:
    dialect = answer.dialect
    if answer.says(_SPENT):
        return _throttled(answer)
    if answer.says(_LICENCE):
        hint = "the tenant lacks the licence or service; no permission cures it"
    elif answer.says(_CONDITIONAL):
        hint = "a Conditional Access policy refused the token; exclude the app or meet the policy"
    else:
        hint = (
            f"grant the application permission {dialect.permission} of {dialect.resource_name} "
            f"(delegated: {dialect.delegated_permission}) under App registrations, API "
            "permissions, Grant admin consent"
        )
    return AuthenticationError(f"{answer.quoted} ({hint})", may_be_of_query=True)


def _not_found(answer: ErrorResponse) -> Exception:
    return FatalAPIError(f"{answer.quoted} (check api, cloud and api_url)")


def _redirected(answer: ErrorResponse) -> Exception:
    where = f" to {answer.location}" if answer.location else ""
    return FatalAPIError(
        f"{answer.dialect.title} answered {answer.status}, a redirect{where}, which is not "
        "followed (check api_url; a network or proxy may want a sign-in)"
    )


def _too_long(answer: ErrorResponse) -> Exception:
    msg = f"{answer.quoted} (the query's text is longer than the service takes, about 1 MB)"
    return QueryRejectedError(msg, text=answer.text)


def _throttled(answer: ErrorResponse) -> Exception:
    return ThrottledError(answer.quoted, retry_after=answer.retry_after, text=answer.text)


def _service(answer: ErrorResponse) -> Exception:
    if answer.says(_TOO_LARGE):
        return _too_large(answer)
    return ServiceError(answer.quoted, retry_after=answer.retry_after)


def _gateway(answer: ErrorResponse) -> Exception:
    # The proxy's own page instead of JSON: the answer was too large for it, and will be again.
    return _service(answer) if answer.is_json else WindowTooLargeError(answer.quoted, size=True)


def _timed_out(answer: ErrorResponse) -> Exception:
    return WindowTooLargeError(answer.quoted)


def _fatal(answer: ErrorResponse) -> Exception:
    return FatalAPIError(answer.quoted)


_BY_STATUS: Final[Mapping[int, Callable[[ErrorResponse], Exception]]] = {
    200: _service,  # an error inside an answer that began well
    **dict.fromkeys((301, 302, 303, 307, 308), _redirected),
    400: _bad_request,
    401: _no_token,
    403: _forbidden,
    404: _not_found,
    405: _not_found,
    408: _service,
    413: _too_long,
    414: _too_long,
    429: _throttled,
    502: _gateway,
    504: _timed_out,
}
_FIRST_OF_SERVER: Final = 500


def classify(status: int, headers: Mapping[str, str], body: bytes, dialect: Dialect) -> Exception:
    """Return the error for an answer other than 200.

    A status not listed: 5xx may pass, any other will not.
    """
    answer = read_refusal(status, headers, body, dialect)
    rule = _BY_STATUS.get(status, _service if status >= _FIRST_OF_SERVER else _fatal)
    return rule(answer)
