"""Tenants keep their group, and with it their state."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrate.groups import assigned, listed

LISTS = st.lists(st.integers(0, 200).map(str), unique=True)


@given(lists=st.lists(LISTS, min_size=1, max_size=6), size=st.integers(1, 30))
def test_tenant_keeps_its_group_whoever_comes_and_goes(lists: list[list[str]], size: int) -> None:
    """A tenant that moved would be read from the start again, beside what its old group has."""
    groups, homes = dict[str, list[str]](), dict[str, str]()
    for tenants in lists:
        groups = assigned(tenants, groups, size=size)
        now = {tenant: name for name, members in groups.items() for tenant in members}
        assert {tenant: now[tenant] for tenant in homes} == homes
        homes = now

    assert set(homes) == {tenant for tenants in lists for tenant in tenants}
    assert sum(map(len, groups.values())) == len(homes)
    assert max(map(len, groups.values()), default=0) <= size


@given(tenants=LISTS, size=st.integers(1, 30))
def test_groups_are_as_few_as_their_size_allows(tenants: list[str], size: int) -> None:
    """A run costs more processor time than forty of its tenants."""
    assert len(assigned(tenants, {}, size=size)) == -(-len(tenants) // size)


def test_smaller_size_leaves_full_groups_as_they_are() -> None:
    """The size is for new tenants alone."""
    groups = assigned(["a", "b", "c", "d", "e"], {"g0001": ["a", "b", "c"]}, size=1)

    assert groups == {"g0001": ["a", "b", "c"], "g0002": ["d"], "g0003": ["e"]}


def test_tenant_that_left_is_not_read_and_keeps_its_place() -> None:
    """Back on the list, it goes on where its state stands."""
    groups = assigned(["c"], {"g0001": ["a", "b"]}, size=2)

    assert listed(groups, ["a", "c"]) == {"g0001": ["a"], "g0002": ["c"]}
    assert groups["g0001"] == ["a", "b"]
