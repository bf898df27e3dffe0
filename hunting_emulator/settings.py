"""The settings: tenants with applications, limits, forms on the wire.

Pure. Values are frozen; a running emulator is given new ones as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

# Microsoft's own placeholder ids for documentation, so that nobody takes them for a real tenant.
TENANT_ID: Final = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
CLIENT_ID: Final = "00001111-aaaa-2222-bbbb-3333cccc4444"
CLIENT_SECRET: Final = "hunting-emulator-secret"  # noqa: S105 -- documented, opens nothing real
WORKLOAD: Final = "system:serviceaccount:hunting:tap"
IDENTITY_HEADER: Final = "hunting-emulator-identity"

# Microsoft's made-up companies.
_COMPANIES: Final = (
    "Contoso",
    "Fabrikam",
    "Litware",
    "Northwind",
    "Proseware",
    "Tailspin",
    "Trey Research",
    "VanArsdel",
    "Wingtip",
    "Woodgrove",
)
# Six letters and ten digits come together in the same way after so many.
_REPEAT: Final = 30

ApiName = Literal["graph", "defender", "endpoint"]
"""Microsoft Graph, the API of Defender XDR, and that of Defender for Endpoint."""

ROLES: Final[Mapping[ApiName, str]] = MappingProxyType(
    {
        "graph": "ThreatHunting.Read.All",
        "defender": "AdvancedHunting.Read.All",
        "endpoint": "AdvancedQuery.Read.All",
    }
)
SCOPES: Final[Mapping[ApiName, str]] = MappingProxyType(
    {
        "graph": "ThreatHunting.Read.All",
        "defender": "AdvancedHunting.Read",
        "endpoint": "AdvancedQuery.Read",
    }
)
AUDIENCES: Final[Mapping[ApiName, str]] = MappingProxyType(
    {
        "graph": "https://graph.microsoft.com",
        "defender": "https://api.security.microsoft.com",
        "endpoint": "https://api.securitycenter.microsoft.com",
    }
)
ALIASES: Final[Mapping[str, ApiName]] = MappingProxyType(
    {
        "00000003-0000-0000-c000-000000000000": "graph",
        "https://security.microsoft.com/mtp": "defender",
        "8ee8fdad-f234-4243-8f3b-15c294843740": "defender",
        "https://securitycenter.onmicrosoft.com/windowsatpservice": "endpoint",
        "fc780465-2017-40d4-a0c5-307022471b92": "endpoint",
    }
)
"""Other names of the resources: identifier URIs that connectors ask for, and application ids."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret of an application; one that has no `expires` is good for ever."""

    value: str
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An app registration: proofs of identity, and permissions.

    `roles` are the permissions of the application, `scopes` those with a person signed in.

    `certificates` are public ones, as PEM text. `federated_subjects` are the subjects
    of tokens of the emulator's own workload issuer.
    """

    client_id: str = CLIENT_ID
    secrets: tuple[Secret, ...] = (Secret(CLIENT_SECRET),)
    certificates: tuple[str, ...] = ()
    federated_subjects: tuple[str, ...] = (WORKLOAD,)
    roles: Mapping[ApiName, tuple[str, ...]] = field(
        default_factory=lambda: {api: (role,) for api, role in ROLES.items()}
    )
    scopes: Mapping[ApiName, tuple[str, ...]] = field(
        default_factory=lambda: {api: (scope,) for api, scope in SCOPES.items()}
    )


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of Entra ID, with the tenant's applications.

    `without` are tables that the tenant has no licence for. `workspaces` are the ids of the
    Sentinel workspaces that the tenant is connected to, the primary one first.
    """

    tenant_id: str = TENANT_ID
    applications: tuple[Application, ...] = (Application(),)
    name: str = ""
    without: frozenset[str] = frozenset()
    workspaces: tuple[str, ...] = ()

    def application(self, client_id: str) -> Application | None:
        """Return the application of an id; the case of ids does not count."""
        wanted = client_id.lower()
        return next((a for a in self.applications if a.client_id.lower() == wanted), None)


def tenant_of(
    *,
    tenant_id: str,
    name: str = "",
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    granted: bool = True,
    without: Iterable[str] = (),
    workspaces: Iterable[str] = (),
) -> Tenant:
    """Make a tenant from the members of a JSON object; `granted` is the administrator's consent.

    >>> tenant_of(tenant_id="t", granted=False).applications[0].roles
    {}
    """
    application = Application(client_id, (Secret(client_secret),))
    if not granted:
        application = replace(application, roles={}, scopes={})
    return Tenant(tenant_id, (application,), name, frozenset(without), tuple(workspaces))


def made_up(count: int, *, workspaces: int = 0) -> tuple[Tenant, ...]:
    """Return so many tenants that know the usual application; the first is the usual one.

    Each is connected to so many Sentinel workspaces.

    >>> [(tenant.name, tenant.tenant_id[:8]) for tenant in made_up(3)]
    [('Contoso', 'aaaabbbb'), ('Fabrikam', 'bbbbcccc'), ('Litware', 'ccccdddd')]
    """
    return tuple(
        tenant_of(
            tenant_id=_id(number),
            name=_name(number),
            workspaces=(workspace_id(_id(number), which) for which in range(workspaces)),
        )
        for number in range(count)
    )


def workspace_id(tenant_id: str, number: int) -> str:
    """Return the id of a made-up Sentinel workspace of a tenant.

    >>> workspace_id(TENANT_ID, 0)
    'aaaabbbb-0000-4000-8000-000000000001'
    """
    return f"{tenant_id[:13]}-4000-8000-{number + 1:012d}"


def _id(number: int) -> str:
    """Return an id in the style of Microsoft's placeholders; a repeated one ends in the number."""
    a, b, c, d, e = ("abcdef"[(number + step) % 6] * 4 for step in range(5))
    one, two, three = (str((number + step) % 10) * 4 for step in range(3))
    return f"{a}{b}-{one}-{c}-{two}-{d}{three}{e if number < _REPEAT else f'{number:04d}'}"


def _name(number: int) -> str:
    again, which = divmod(number, len(_COMPANIES))
    return f"{_COMPANIES[which]} {again + 1}" if again else _COMPANIES[which]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a tenant. `None` lifts a limit.

    Documented for the API unless noted: 100,000 rows, 50 MB, 45 calls a minute and 1,500 an hour,
    3 minutes a query, 30 days, both as retention and as how far back a call sees that has no
    Timespan. Sentinel keeps 90 days without charge; `table_retention_days` is the retention of
    tables by name, of either kind. A front proxy refuses bodies over about 1 MB, and URLs over the
    16 KB that are usual with Microsoft's servers. The CPU shares depend on the tenant's size and
    are published nowhere: the 10 minutes an hour of older pages are taken as 150 seconds a cycle,
    and the most CPU of one query as the 3 minutes of its time-out.
    """

    row_cap: int = 100_000
    result_bytes: int | None = 50_000_000
    calls_per_minute: int | None = 45
    calls_per_hour: int | None = 1500
    cpu_seconds_per_cycle: float | None = 150.0
    cpu_seconds_per_query: float | None = 180.0
    query_seconds: float | None = 180.0
    retention_days: int = 30
    sentinel_retention_days: int = 90
    table_retention_days: Mapping[str, int] = field(default_factory=dict)
    default_timespan_days: int | None = 30
    request_bytes: int = 1_048_576
    url_bytes: int = 16_384


@dataclass(frozen=True, slots=True)
class Wire:
    """Forms on the wire that differ between captures, or that no capture shows.

    `timespan` is Graph's treatment of the parameter: `honoured` as documented, `ignored`, as if a
    call had none, `refused` with 400, or taken for the time of `ingestion`. `workspace_id` may be
    `refused`, because the metadata of v1.0 do not have the parameter.
    """

    retry_after: tuple[ApiName, ...] = (
        "graph",
        "endpoint",
    )  # the APIs that send the header with a 429
    int64_sidecars: Literal["large", "always", "never"] = "large"
    legacy_dynamic: Literal["nested", "text"] = "nested"
    latency_seconds: float = 0.0
    compression: bool | Literal["gzip", "deflate"] = True  # as the client asks, or in one way
    timespan: Literal["honoured", "ignored", "refused", "ingestion"] = "honoured"
    workspace_id: Literal["honoured", "refused"] = "honoured"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a running emulator goes by."""

    tenants: tuple[Tenant, ...] = (Tenant(),)
    limits: Limits = Limits()
    wire: Wire = Wire()
    audiences: Mapping[ApiName, str] = field(default_factory=lambda: AUDIENCES)
    token_seconds: int = 3599
    device_interval: int = 5  # seconds between two polls for a device code

    def api_of(self, resource: str) -> ApiName | None:
        """Return the API that a resource or an audience names, without regard to a last slash.

        >>> Settings().api_of("https://graph.microsoft.com/")
        'graph'
        """
        wanted = resource.rstrip("/")
        known = {audience: api for api, audience in self.audiences.items()}
        return known.get(wanted) or ALIASES.get(wanted.lower())

    def tenant(self, tenant_id: str) -> Tenant | None:
        """Return the tenant of an id; the case of ids does not count."""
        wanted = tenant_id.lower()
        return next((t for t in self.tenants if t.tenant_id.lower() == wanted), None)
