"""The resources of Microsoft Graph that hunt, found by path, without regard to case.

Pure. The generated SDKs send the name of the action with its namespace; beta has a function, too,
whose parameters stand in the path, or behind it under the names that the path gives.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hunting_emulator.refusals import bad_request, unknown_segment

_NAMESPACE: Final = "microsoft.graph.security."
_ACTION: Final = re.compile(r"runhuntingquery(?:\(\))?", re.IGNORECASE)
_FUNCTION: Final = re.compile(r"getrunhuntingquery\((.*)\)", re.IGNORECASE | re.DOTALL)
_PARAMETER: Final = re.compile(
    r"\s*(?P<name>\w+)\s*=\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<alias>@\w+)|(?P<bare>[^',]+))\s*(?:,|$)"
)
_LITERAL: Final = re.compile(r"'(?P<text>(?:[^']|'')*)'|(?P<bare>[^']+)")
VERSIONS: Final = ("v1.0", "beta")


@dataclass(frozen=True, slots=True)
class HuntingResource:
    """A resource that hunts: by POST an action, by GET a function with its parameters."""

    version: str
    method: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def hunting_resource(path: str, aliases: Mapping[str, str]) -> HuntingResource:
    """Return the resource under a path; `aliases` are the parameters of the query string.

    Raises:
        Refusal: Graph has no such resource, or no such parameter.

    >>> hunting_resource("/Beta/security/getRunHuntingQuery(query='print x=''a''')", {}).parameters
    {'query': "print x='a'"}
    """
    version, *segments = path.strip("/").split("/", 2)
    if version.lower() not in VERSIONS:
        message = f"Invalid version: {version}"
        raise bad_request(message)
    if not segments or segments[0].lower() != "security":
        raise unknown_segment(segments[0] if segments else "")
    rest = segments[1] if len(segments) > 1 else ""
    return _of_security(version.lower(), rest, aliases)


def _of_security(version: str, rest: str, aliases: Mapping[str, str]) -> HuntingResource:
    name = rest[len(_NAMESPACE) :] if rest.lower().startswith(_NAMESPACE) else rest
    if _ACTION.fullmatch(name):
        return HuntingResource(version, "POST")
    function = _FUNCTION.fullmatch(name) if version == "beta" else None
    if function is None:
        raise unknown_segment(rest.partition("/")[0].partition("(")[0])
    return HuntingResource(version, "GET", _parameters(function[1], aliases))


def _parameters(text: str, aliases: Mapping[str, str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter is None:
            message = "The parameters of 'getRunHuntingQuery' are not well formed."
            raise bad_request(message)
        found[parameter["name"]] = _value(parameter, aliases)
        at = parameter.end()
    return found


def _value(parameter: re.Match[str], aliases: Mapping[str, str]) -> str:
    alias = parameter["alias"]
    given = parameter if alias is None else _LITERAL.fullmatch(aliases.get(alias, ""))
    if given is None:
        message = f"The parameter alias '{alias}' has no value."
        raise bad_request(message)
    text = given["text"]
    return given["bare"].strip() if text is None else text.replace("''", "'")
