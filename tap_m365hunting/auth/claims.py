"""The claims of a token: tenant, resource, time, permissions. Pure.

Claims are not verified, and allow nothing. They give words for the refusal of a token, and show a
token of another tenant. An unreadable token has no claims.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.errors import AuthenticationError
from tap_m365hunting.wire.dialects import DIALECTS, Dialect

Claims = Mapping[str, Any]

_PARTS: Final = 3
_SKEW_SECONDS: Final = 300
_MOST_SHOWN: Final = 10
# Application ids of Microsoft Graph and Microsoft Threat Protection, the same in every tenant; they
# may stand for the URIs in `aud`.
_RESOURCE_IDS: Final[Mapping[str, str]] = {
    "graph": "00000003-0000-0000-c000-000000000000",
    "defender": "8ee8fdad-f234-4243-8f3b-15c294843740",
}


def explained(
    error: AuthenticationError, token: str, connection: Connection, *, now: float
) -> AuthenticationError:
    """Return the refusal of a token, with the claims that explain the refusal.

    `now` is in seconds since the epoch.
    """
    remarks = "; ".join(_remarks(token, connection, now))
    text = f"{error}; {remarks}" if remarks else str(error)
    return AuthenticationError(
        text,
        fresh_token_may_help=error.fresh_token_may_help,
        may_be_of_query=error.may_be_of_query,
    )


def claims_of(token: str) -> Claims:
    """Return a token's claims, unverified; empty for an unreadable token.

    >>> claims_of("opaque")
    {}
    """
    parts = token.split(".")
    if len(parts) != _PARTS:
        return {}
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=="))
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def other_tenant(token: str, connection: Connection) -> str | None:
    """Return the token's tenant, if surely not the configured tenant."""
    tenant = str(claims_of(token).get("tid", ""))
    # tenant_id may be a domain, which a token never names
    surely = _is_id(connection.tenant_id) and _is_id(tenant)
    return tenant if surely and tenant.lower() != connection.tenant_id.lower() else None


def _remarks(token: str, connection: Connection, now: float) -> Iterator[str]:
    claims = claims_of(token)
    if not claims:
        return
    yield from _of_resource(claims, connection)
    if tenant := other_tenant(token, connection):
        yield f"the token is of tenant {tenant}, not of {connection.tenant_id}"
    yield from _of_time(claims, now)
    if _is_for(claims, connection):
        yield _of_permission(claims, connection.dialect)


def _is_for(claims: Claims, connection: Connection) -> bool:
    audience = str(claims.get("aud", "")).rstrip("/")
    wanted = connection.scope.removesuffix("/.default")
    return audience in {wanted, _RESOURCE_IDS[connection.dialect.name]}


def _of_resource(claims: Claims, connection: Connection) -> Iterator[str]:
    if "aud" in claims and not _is_for(claims, connection):
        wanted = connection.scope.removesuffix("/.default")
        yield f"the token is for {claims['aud']}, not for {wanted}: check api and cloud"


def _of_time(claims: Claims, now: float) -> Iterator[str]:
    start = claims.get("nbf")
    if isinstance(start, int) and start > now + _SKEW_SECONDS:
        behind = (start - now) / 60
        yield f"this machine's clock is about {behind:.0f} minutes behind Entra ID's: set it"


def _of_permission(claims: Claims, dialect: Dialect) -> str:
    person = "scp" in claims
    held = str(claims["scp"]).split() if person else _texts(claims.get("roles"))
    wanted = dialect.delegated_permission if person else dialect.permission
    who = "the person's sign-in" if person else _application(claims)
    if wanted in held:
        return (
            f"{who} has {wanted}, so it is not that permission: the tenant may lack the licence"
            + (", or the person a role such as Security Reader" if person else "")
        )
    if not held:
        return f"{who} has no permission of {dialect.title}: {_way_out(claims, dialect, wanted)}"
    return f"{who} has {_listed(held, dialect)}; {dialect.title} needs {wanted}"


def _application(claims: Claims) -> str:
    return "the managed identity" if "xms_mirid" in claims else "the app"


def _way_out(claims: Claims, dialect: Dialect, wanted: str) -> str:
    if "xms_mirid" in claims:
        return f"assign the app role {wanted} of {dialect.resource_name} to it, by command"
    return (
        f"{wanted} must be among its {'delegated' if 'scp' in claims else 'application'} "
        f"permissions of {dialect.resource_name}, with admin consent"
    )


def _listed(held: list[str], dialect: Dialect) -> str:
    others = [
        f"{name}, which is the {other.title}'s".replace(
            "the Microsoft Graph's", "Microsoft Graph's"
        )
        for other in DIALECTS.values()
        for name in sorted({other.permission, other.delegated_permission} & {*held})
        if other is not dialect
    ]
    rest = [name for name in held if not any(text.startswith(f"{name},") for text in others)]
    more = ["…"] if len(rest) > _MOST_SHOWN else []
    return ", ".join([*others, *rest[:_MOST_SHOWN], *more])


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _is_id(text: str) -> bool:
    return text.count("-") == 4  # noqa: PLR2004 - a GUID's
