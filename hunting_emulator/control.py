"""The control endpoint, `/_emulator/...`: the Python API as JSON, for other processes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import msgspec

from hunting_emulator.effects import NAMED
from hunting_emulator.faults import Fault, maker
from hunting_emulator.service import Service
from hunting_emulator.settings import Limits, Settings, Wire, tenant_of
from hunting_emulator.tables import Column

Members = Mapping[str, Any]
JsonObject = dict[str, Any]


def control(service: Service, method: str, what: str, body: bytes) -> tuple[int, JsonObject]:
    """Carry out an order, and return an HTTP status and a body; GET changes nothing."""
    does = _ACTIONS.get((method, what))
    if does is None:
        return 404, {"error": f"No {method} {what!r}", "there_is": sorted(map(" ".join, _ACTIONS))}
    try:
        members = msgspec.json.decode(body or b"{}", type=dict[str, Any])
        return 200, does(service, members)
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}


def _health(service: Service, _: Members) -> JsonObject:
    return {"ready": True, "now": service.clock.now()}


def _reset(service: Service, members: Members) -> JsonObject:
    service.reset()
    return _health(service, members)


def _set_clock(service: Service, members: Members) -> JsonObject:
    if "set" in members:
        service.clock.set(datetime.fromisoformat(members["set"]))
    if "advance_seconds" in members:
        service.clock.advance(timedelta(seconds=members["advance_seconds"]))
    return _health(service, members)


def _calls(service: Service, _: Members) -> JsonObject:
    return {"calls": [asdict(call) for call in service.calls]}


def _fail(service: Service, members: Members) -> JsonObject:
    """Take `fail`, a status or name, and the other arguments of `fail_next`; or a `rate`."""
    if "rate" in members:
        names = members.get("names", tuple(NAMED))
        service.faults.draw(members["rate"], seed=members.get("seed", 0), names=names)
        return {"drawn": sorted(names)}
    headers, how = members.get("headers", {}), members.get("how", {})
    make = maker(members["fail"], members.get("body"), headers, how)
    given = {key: members[key] for key in ("times", "api", "when", "tenant_id") if key in members}
    service.faults.add(Fault(make, **given))
    return {"waiting": members["fail"]}


def _revoke(service: Service, _: Members) -> JsonObject:
    service.identity.revoke_all()
    return {}


def _decide(service: Service, members: Members) -> JsonObject:
    """Finish sign-ins on another device: one by `user_code`, or all; `approve` or not."""
    approve = bool(members.get("approve", True))
    return {"decided": service.devices.decide(members.get("user_code"), approve=approve)}


def _load(service: Service, members: Members) -> JsonObject:
    tenant_id = members.get("tenant_id", service.settings.tenants[0].tenant_id)
    loaded = service.load(
        members["table"],
        members["rows"],
        tenant_id=tenant_id,
        workspace_id=members.get("workspace_id"),
    )
    return {"loaded": loaded}


def _alter(service: Service, members: Members) -> JsonObject:
    """Change a table's columns: `add` some with their types, `drop` others."""
    tenant_id = members.get("tenant_id", service.settings.tenants[0].tenant_id)
    add = [Column(name, kind) for name, kind in members.get("add", {}).items()]
    engine = service.engine(tenant_id)
    engine.alter(members["table"], add=add, drop=members.get("drop", ()))
    return {"columns": [column.name for column in engine.tables[members["table"]].columns]}


def _tenants(service: Service, members: Members) -> JsonObject:
    """Let the service know these `tenants` and no others."""
    if "tenants" in members:
        tenants = tuple(tenant_of(**tenant) for tenant in members["tenants"])
        service.settings = replace(service.settings, tenants=tenants)
    return {
        "tenants": [
            {
                "tenant_id": tenant.tenant_id,
                "name": tenant.name,
                "without": sorted(tenant.without),
                "workspaces": tenant.workspaces,
            }
            for tenant in service.settings.tenants
        ]
    }


def _settings(service: Service, members: Members) -> JsonObject:
    service.settings = changed(service.settings, members)
    return {
        "limits": asdict(service.settings.limits),
        "wire": asdict(service.settings.wire),
        "token_seconds": service.settings.token_seconds,
    }


def changed(settings: Settings, changes: Members) -> Settings:
    """Return the settings with changes by name: of limits, of the wire, and `token_seconds`.

    Raises:
        TypeError: no setting has the name.

    >>> changed(Settings(), {"row_cap": 10, "token_seconds": 60}).limits.row_cap
    10
    """
    limits = {name: value for name, value in changes.items() if name in Limits.__slots__}
    wire = {name: value for name, value in changes.items() if name in Wire.__slots__}
    rest = {name: value for name, value in changes.items() if name not in {*limits, *wire}}
    return replace(
        settings,
        limits=replace(settings.limits, **limits),
        wire=replace(settings.wire, **wire),
        **rest,
    )


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[Service, Members], JsonObject]]] = (
    MappingProxyType(
        {
            ("GET", "health"): _health,
            ("GET", "clock"): _health,
            ("POST", "clock"): _set_clock,
            ("POST", "reset"): _reset,
            ("GET", "calls"): _calls,
            ("POST", "faults"): _fail,
            ("POST", "revoke"): _revoke,
            ("POST", "devices"): _decide,
            ("POST", "load"): _load,
            ("POST", "alter"): _alter,
            ("GET", "tenants"): _tenants,
            ("POST", "tenants"): _tenants,
            ("GET", "settings"): _settings,
            ("POST", "settings"): _settings,
        }
    )
)
