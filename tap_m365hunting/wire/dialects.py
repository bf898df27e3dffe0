"""Differences between the two hunting APIs, as data; and the hosts of each cloud.

Pure. Facts are from Microsoft's pages as read on 2026-11-21; each table names its page.
"""

from collections.abc import Mapping
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace


class CallScope(Struct, frozen=True):
    """The part of the data that a call may see, where the API lets a caller say so.

    `timespan` is an ISO 8601 interval, `workspace_id` a Log Analytics workspace (a GUID). Neither
    is sent unless set: the documentation of Graph v1.0 has `workspaceId`, the metadata have not.
    """

    timespan: str | None = None
    workspace_id: str | None = None

    def within(self, workspace_id: str | None) -> Self:
        """Return the scope in a tenant's workspace, unless the query has a workspace of its own."""
        return replace(self, workspace_id=self.workspace_id or workspace_id)


class Dialect(Struct, frozen=True):
    """One API: request, answer, and required permission.

    Keys of answers are in lower case: both APIs have been seen with either case.
    """

    name: str
    title: str
    roots: tuple[str, ...]
    path: str
    query_key: str
    timespan_key: str | None
    workspace_key: str | None
    schema_key: str
    results_key: str
    name_key: str
    type_key: str
    permission: str
    delegated_permission: str
    resource_name: str

    def url(self, base: str) -> str:
        """Complete a base URL, given with or without the path up to the API's root.

        >>> GRAPH.url("https://graph.microsoft.com/")
        'https://graph.microsoft.com/v1.0/security/runHuntingQuery'
        >>> DEFENDER.url("https://api.security.microsoft.com/api")
        'https://api.security.microsoft.com/api/advancedhunting/run'
        """
        base = base.rstrip("/").removesuffix(self.path)
        return f"{base if base.endswith(self.roots) else base + self.roots[0]}{self.path}"

    def body(self, query: str, scope: CallScope = CallScope()) -> dict[str, str]:  # noqa: B008 - frozen
        """Return the request's JSON body, with those parts of the scope that are set."""
        parts = {self.timespan_key: scope.timespan, self.workspace_key: scope.workspace_id}
        asked = {key: value for key, value in parts.items() if key and value}
        return {self.query_key: query, **asked}


# https://learn.microsoft.com/en-us/graph/api/security-security-runhuntingquery (page of 2026-08-18)
GRAPH: Final = Dialect(
    name="graph",
    title="Microsoft Graph",
    roots=("/v1.0", "/beta"),
    path="/security/runHuntingQuery",
    query_key="Query",
    timespan_key="Timespan",
    workspace_key="workspaceId",
    schema_key="schema",
    results_key="results",
    name_key="name",
    type_key="type",
    permission="ThreatHunting.Read.All",
    delegated_permission="ThreatHunting.Read.All",
    resource_name="Microsoft Graph",
)

# https://learn.microsoft.com/en-us/defender-xdr/api-advanced-hunting (page of 2026-08-03)
DEFENDER: Final = Dialect(
    name="defender",
    title="Microsoft 365 Defender API",
    roots=("/api",),
    path="/advancedhunting/run",
    query_key="Query",  # property names are case-sensitive here
    timespan_key=None,
    workspace_key=None,
    schema_key="schema",
    results_key="results",
    name_key="name",
    type_key="type",
    permission="AdvancedHunting.Read.All",
    delegated_permission="AdvancedHunting.Read",
    resource_name="Microsoft Threat Protection",
)

DIALECTS: Final[Mapping[str, Dialect]] = {dialect.name: dialect for dialect in (GRAPH, DEFENDER)}

# The day from which Defender's own API returns no data:
# https://learn.microsoft.com/en-us/graph/api/resources/security-api-overview (2026-01-21)
DEFENDER_ENDS: Final = "2027-02-01"


class Endpoint(Struct, frozen=True):
    """The host of one API of one cloud, and the scope of tokens for the API."""

    url: str
    scope: str


class Cloud(Struct, frozen=True):
    """One cloud: the login host, and each dialect's endpoint by the dialect's name."""

    authority: str
    endpoints: Mapping[str, Endpoint]


def _endpoint(host: str, resource: str | None = None) -> Endpoint:
    return Endpoint(f"https://{host}", f"https://{resource or host}/.default")


# Hosts of Graph and of logins: https://learn.microsoft.com/en-us/graph/deployments
# Hosts of Defender: https://learn.microsoft.com/en-us/defender-xdr/usgov
# 21Vianet (China) has neither API.
CLOUDS: Final[Mapping[str, Cloud]] = {
    "global": Cloud(
        "https://login.microsoftonline.com",
        {
            "graph": _endpoint("graph.microsoft.com"),
            "defender": _endpoint("api.security.microsoft.com"),
        },
    ),
    # GCC tenants live in the worldwide Entra ID and use the worldwide Graph.
    "gcc": Cloud(
        "https://login.microsoftonline.com",
        {
            "graph": _endpoint("graph.microsoft.com"),
            "defender": _endpoint("api-gcc.security.microsoft.us"),
        },
    ),
    # A government host is its own resource, as Microsoft's msticpy asks for it.
    "gcc_high": Cloud(
        "https://login.microsoftonline.us",
        {
            "graph": _endpoint("graph.microsoft.us"),
            "defender": _endpoint("api-gov.security.microsoft.us"),
        },
    ),
    "dod": Cloud(
        "https://login.microsoftonline.us",
        {
            "graph": _endpoint("dod-graph.microsoft.us"),
            "defender": _endpoint("api-gov.security.microsoft.us"),
        },
    ),
}
