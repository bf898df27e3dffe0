"""A hunting call and the question in the call's body.

Pure. Graph takes parameters in any case; the legacy APIs know `Query` and nothing else.
"""

import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from hunting_emulator import timespans
from hunting_emulator.refusals import bad_body, bad_request, too_large, unknown_encoding
from hunting_emulator.settings import ApiName, Settings

_PARAMETERS: Final = ("query", "timespan", "workspaceId")
_SETTINGS: Final = {"query": "", "timespan": "timespan", "workspaceId": "workspace_id"}
_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Request:
    """A call as the routes pass calls on. Header names are in lower case."""

    api: ApiName
    context: str
    headers: Mapping[str, str]
    body: bytes

    def accepts(self, encoding: str) -> bool:
        """Say whether the client takes a content encoding.

        >>> Request("graph", "", {"accept-encoding": "gzip;q=0, deflate"}, b"").accepts("gzip")
        False
        """
        for offer in self.headers.get("accept-encoding", "").lower().split(","):
            name, _, weight = offer.partition(";")
            if name.strip() == encoding:
                return weight.replace(" ", "") not in {"q=0", "q=0.0"}
        return False


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the service: the KQL, and the other parameters as sent."""

    kql: str
    timespan: str | None = None
    workspace_id: str | None = None

    def span(self, now: datetime) -> timespans.Span | None:
        """Return the start and the end of the timespan, if the call has one.

        Raises:
            Refusal: the timespan is in none of the documented forms.
        """
        if self.timespan is None:
            return None
        try:
            return timespans.parse(self.timespan, now=now)
        except ValueError as error:
            message = f"Invalid timespan '{self.timespan}'."
            raise bad_request(message) from error


def question(request: Request, settings: Settings) -> Question:
    """Read the body.

    Raises:
        Refusal: the body is too large, no JSON, or not in the form of the API.
    """
    members, wire = _members(request, settings.limits.request_bytes), settings.wire
    if request.api != "graph":
        return _checked(request.api, {"query": members.get("Query")})
    folded = {name.lower(): value for name, value in members.items()}
    known = [name for name in _PARAMETERS if getattr(wire, _SETTINGS[name], "") != "refused"]
    _refuse_unknown(members, {name.lower() for name in known})
    return _checked(request.api, folded)


def _checked(api: ApiName, given: Mapping[str, object]) -> Question:
    kql, timespan, workspace_id = (given.get(name.lower()) for name in _PARAMETERS)
    if not isinstance(kql, str) or not kql.strip() or not isinstance(timespan, str | None):
        raise bad_body(api)
    if workspace_id is None:
        return Question(kql, timespan or None)
    return Question(kql, timespan or None, _guid(api, workspace_id))


def _guid(api: ApiName, given: object) -> str:
    if isinstance(given, str) and _GUID.fullmatch(given):
        return given.lower()
    raise bad_body(api)


def _members(request: Request, largest: int) -> dict[str, Any]:
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise bad_body(request.api)
    try:
        return msgspec.json.decode(_inflated(request, largest), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise bad_body(request.api) from error


def _inflated(request: Request, largest: int) -> bytes:
    """Return the body without the client's compression."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return request.body
    if encoding not in _WINDOW_BITS:
        raise unknown_encoding(encoding)
    unpacker = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        body = unpacker.decompress(request.body, largest + 1)
    except zlib.error as error:
        raise bad_body(request.api) from error
    if len(body) > largest:
        raise too_large()
    if not unpacker.eof:
        raise bad_body(request.api)
    return body


def _refuse_unknown(members: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = next((name for name in members if name.lower() not in known), None)
    if unknown is not None:
        message = (
            f"The parameter '{unknown}' in the request payload is not a valid parameter for the "
            "operation 'runHuntingQuery'."
        )
        raise bad_request(message)
