"""Tenants in groups that stay as they are. Pure.

A group has one state, so a tenant that changed its group would be read from the start again. New
tenants take free places, then new groups; a tenant that left keeps its place.
"""

from collections.abc import Iterable, Mapping, Sequence

Groups = Mapping[str, Sequence[str]]


def assigned(tenants: Iterable[str], known: Groups, *, size: int) -> dict[str, list[str]]:
    """Return the groups with a place for each tenant; known places stay.

    >>> assigned(["a", "b", "c"], {}, size=2)
    {'g0001': ['a', 'b'], 'g0002': ['c']}
    >>> assigned(["d", "c", "b"], {"g0001": ["a", "b"], "g0002": ["c"]}, size=2)
    {'g0001': ['a', 'b'], 'g0002': ['c', 'd']}
    """
    groups = {name: list(members) for name, members in known.items()}
    placed = {tenant for members in groups.values() for tenant in members}
    free = [name for name, members in groups.items() if len(members) < size]
    for tenant in tenants:
        if tenant in placed:
            continue
        placed.add(tenant)
        name = free[0] if free else f"g{len(groups) + 1:04}"
        members = groups.setdefault(name, [])
        members.append(tenant)
        free = [*dict.fromkeys([name, *free])] if len(members) < size else free[1:]
    return groups


def listed(groups: Groups, tenants: Iterable[str]) -> dict[str, list[str]]:
    """Return the groups with the tenants of a list alone, without those that are empty then.

    >>> listed({"g0001": ["a", "b"], "g0002": ["c"]}, ["b"])
    {'g0001': ['b']}
    """
    wanted = set(tenants)
    kept = {name: [t for t in members if t in wanted] for name, members in groups.items()}
    return {name: members for name, members in kept.items() if members}
