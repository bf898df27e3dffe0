"""A hunting call as it came, and what it asks.

Pure. Graph takes its parameters in any case; the legacy API knows `Query` and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from hunting_emulator import timespans
from hunting_emulator.refusals import bad_body, bad_request
from hunting_emulator.settings import ApiName

_GRAPH_PARAMETERS: Final = frozenset({"query", "timespan", "workspaceid"})


@dataclass(frozen=True, slots=True)
class Request:
    """What the routes know of a call. Header names are in lower case."""

    api: ApiName
    context: str
    headers: Mapping[str, str]
    body: bytes

    def accepts(self, encoding: str) -> bool:
        """Say whether the client takes this content encoding.

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
    """What a call asks: the KQL, and the timespan as it was sent."""

    kql: str
    timespan: str | None = None

    def span(self, now: datetime) -> timespans.Span | None:
        """Return what the timespan allows to be seen, if the call has one.

        Raises:
            Refusal: it is in none of the documented forms.
        """
        if self.timespan is None:
            return None
        try:
            return timespans.parse(self.timespan, now=now)
        except ValueError as error:
            message = f"Invalid timespan '{self.timespan}'."
            raise bad_request(message) from error


def question(request: Request) -> Question:
    """Read the body.

    Raises:
        Refusal: it is not JSON, or not what this API reads.
    """
    members = _members(request)
    if request.api == "defender":
        return _checked(request.api, members.get("Query"), None)
    folded = {name.lower(): value for name, value in members.items()}
    _refuse_unknown(folded)
    return _checked(request.api, folded.get("query"), folded.get("timespan"))


def _checked(api: ApiName, kql: object, timespan: object) -> Question:
    if not isinstance(kql, str) or not kql.strip() or not isinstance(timespan, str | None):
        raise bad_body(api)
    return Question(kql, timespan or None)


def _members(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise bad_body(request.api)
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise bad_body(request.api) from error


def _refuse_unknown(members: Mapping[str, Any]) -> None:
    unknown = next((name for name in members if name not in _GRAPH_PARAMETERS), None)
    if unknown is not None:
        message = (
            f"The parameter '{unknown}' in the request payload is not a valid parameter for the "
            "operation 'runHuntingQuery'."
        )
        raise bad_request(message)
