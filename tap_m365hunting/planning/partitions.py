"""Where the state keeps what it knows of a stream: at the stream, or in a part for each tenant.

Pure. The parts are those of the Singer SDK: `{"partitions": [{"context": {"tenant_id": …}, …}]}`.
"""

from collections.abc import Mapping
from typing import Any, Final

#: The name of the tenant in a part's context.
TENANT: Final = "tenant_id"


def state_of(state: Mapping[str, Any], stream: str, tenant_id: str | None = None) -> dict[str, Any]:
    """Return what the state knows of a stream, or of its part for a tenant; nothing if it is new.

    >>> state_of({"bookmarks": {"s": {"replication_key": "Timestamp"}}}, "s")
    {'replication_key': 'Timestamp'}

    Raises:
        ValueError: the state is none that this tap writes, or has two parts of one tenant.
    """
    known = _object(_object(state.get("bookmarks")).get(stream))
    if tenant_id is None:
        return known
    parts = known.get("partitions") or []
    if not isinstance(parts, list):
        msg = "`partitions` is no list"
        raise ValueError(msg)  # noqa: TRY004 - a wrong state is a wrong value
    found = [part for part in map(_object, parts) if part.get("context") == {TENANT: tenant_id}]
    if len(found) > 1:
        msg = f"`partitions` has {len(found)} entries for tenant {tenant_id}"
        raise ValueError(msg)
    return {key: value for key, value in found[0].items() if key != "context"} if found else {}


def elsewhere(state: Mapping[str, Any], stream: str, tenant_id: str | None = None) -> str | None:
    """Say of a stream's bookmark that it is not kept here, but as runs with, or without, parts do.

    Raises:
        ValueError: the state is none that this tap writes.
    """
    known = _object(_object(state.get("bookmarks")).get(stream))
    here = state_of(state, stream, tenant_id)
    if tenant_id is not None and not here and "replication_key_value" in known:
        return "is one of a run without `tenants`"
    if tenant_id is None and known.get("partitions") and "replication_key_value" not in known:
        return "is one of each of several `tenants`"
    return None


def _object(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        msg = f"An object is expected, not {type(value).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - a wrong state is a wrong value
    return dict(value)
