"""The columns that make ids are remembered, and those that version 0.1 made go on."""

from typing import Any

import pytest

from tap_m365hunting.planning.id_columns import IdColumns
from tap_m365hunting.planning.state import StreamState, folded

QUERY, TENANT = "incremental-1", "aaaa"
BOOKMARK = {"replication_key": "Timestamp", "replication_key_value": "2026-03-01", "query": QUERY}


def read(stream: dict[str, Any], part: dict[str, Any] | None = None) -> IdColumns:
    """Read what makes ids; without a part the stream has none."""
    return IdColumns.read(stream, stream if part is None else part, query=QUERY, tenant_id=TENANT)


def facts(found: IdColumns) -> tuple[tuple[str, ...] | None, bool, str]:
    """Return all that it says."""
    return found.names, found.by_type, found.tenant_id


def test_first_columns_make_the_ids_of_this_run_and_of_the_next() -> None:
    """A column that comes later makes none."""
    state: dict[str, Any] = {}
    first = read(state)
    first.came(["A", "B"])
    first.came(["A", "B", "New"])

    first.write(state, state)

    assert state["row_id"] == {"query": QUERY, "columns": ["A", "B"]}
    assert facts(read(state | BOOKMARK)) == (("A", "B"), False, TENANT)


def test_bookmark_before_columns_are_known_is_none_of_version_0_1() -> None:
    """The first window of a run may be a gap, of which no answer tells."""
    state: dict[str, Any] = {}

    read(state).write(state, state)

    assert facts(read(state | BOOKMARK)) == (None, False, TENANT)


def test_tenant_without_a_state_follows_the_others_columns() -> None:
    """It had the same ids in a run that ended before its own part was written."""
    stream: dict[str, Any] = {}
    first = read(stream, {})
    first.came(["A"])
    first.write(stream, {})

    found = read(stream, {})
    found.follow(stream)
    found.came(["A", "New"])

    assert facts(found) == (("A",), False, TENANT)


@pytest.mark.parametrize(
    "stream", [{}, {"row_id": {"query": "another", "columns": ["A"]}}], ids=str
)
def test_tenant_follows_no_columns_of_another_query(stream: dict[str, Any]) -> None:
    """They are those of its own first answer."""
    found = read({}, {})

    found.follow(stream)

    assert found.names is None


def test_version_0_1_goes_on_though_others_have_new_ids() -> None:
    """Its rows are loaded under the ids of then."""
    found = read({}, dict(BOOKMARK))

    found.follow({"row_id": {"query": QUERY, "columns": ["A"]}})

    assert facts(found) == (None, True, TENANT)


def test_state_is_new_where_it_tells_what_makes_ids_for_the_first_time() -> None:
    """Of the second tenant with the same columns it says nothing that is not known."""
    stream: dict[str, Any] = {}
    told = []
    for names in (["A"], ["A"], ["A", "B"]):
        part: dict[str, Any] = {}
        found = read(stream, part)
        found.came(names)
        told.append([found.write(stream, part), found.write(stream, part)])

    assert told == [[True, False], [False, False], [True, False]]


def test_another_query_has_its_own_columns() -> None:
    """All of it is read anew."""
    state = {"row_id": {"query": "incremental-2", "columns": ["X"]}, **BOOKMARK}

    assert facts(read(state)) == (None, False, TENANT)


def test_bookmark_of_version_0_1_goes_on_with_the_ids_of_then() -> None:
    """By the types of columns, and under the tenant as it was spelled."""
    state: dict[str, Any] = {**BOOKMARK, "tenant_id": "AAAA"}
    found = read(state)
    found.came(["A"])

    found.write(state, state)

    assert facts(found) == (("A",), True, "AAAA")
    assert facts(read(state)) == facts(found)


def test_bookmark_of_version_0_1_of_another_query_is_not_gone_on_with() -> None:
    """Its rows come anew, and so may their ids."""
    assert facts(read({**BOOKMARK, "query": "incremental-2"})) == (None, False, TENANT)


def test_parts_share_what_is_the_same() -> None:
    """A state of many tenants has the columns once; a tenant that differs has its own."""
    stream: dict[str, Any] = {}
    parts: list[dict[str, Any]] = [{}, {}, {}]
    for part, names in zip(parts, (["A"], ["A"], ["A", "B"]), strict=True):
        found = read(stream, part)
        found.came(names)
        found.write(stream, part)

    assert parts == [
        {"row_id": True},
        {"row_id": True},
        {"row_id": {"query": QUERY, "columns": ["A", "B"]}},
    ]
    assert [read(stream, part).names for part in parts] == [("A",), ("A",), ("A", "B")]


def test_part_of_version_0_1_does_not_take_what_another_has_written() -> None:
    """Each part says for itself that its ids are made in the new way."""
    stream: dict[str, Any] = {}
    new = read(stream, {})
    new.came(["A"])
    new.write(stream, {})

    old = read(stream, dict(BOOKMARK))

    assert facts(old) == (None, True, TENANT)


@pytest.mark.parametrize("entry", [{}, {"columns": "A"}, "A", ["A"]], ids=str)
def test_entry_that_cannot_be_right_is_refused(entry: object) -> None:
    """To start anew would double the lookback."""
    with pytest.raises(ValueError, match="`row_id` has no list of columns"):
        read({"row_id": entry})


def part(tenant_id: str, value: str, **more: object) -> dict[str, Any]:
    """Return a part of a state."""
    return {"context": {"tenant_id": tenant_id}, "replication_key_value": value, **more}


def state_value(part: dict[str, Any]) -> str:
    """Return how far a part has come."""
    return str(part["replication_key_value"])


def state(*parts: object) -> dict[str, Any]:
    """Return a state with parts of the stream `s`."""
    return {"bookmarks": {"s": {"partitions": [*parts]}}, "other": 1}


def test_parts_of_one_tenant_in_two_spellings_become_the_one_that_has_come_further() -> None:
    """Version 0.1 had both, and read the span between them twice."""
    saved = state(part("AAAA", "2026-03-02"), part("aaaa", "2026-03-01"), part("bbbb", "2026"))

    found = folded(saved)

    assert sorted(found["bookmarks"]["s"]["partitions"], key=state_value, reverse=True) == [
        part("aaaa", "2026-03-02") | {"tenant_id": "AAAA"},
        part("bbbb", "2026"),
    ]
    assert found["other"] == 1
    assert StreamState(saved, "s").part("aaaa") == StreamState(saved, "s").part("AAAA")
    assert StreamState(saved, "s").part("aaaa")["replication_key_value"] == "2026-03-02"


@pytest.mark.parametrize(
    "saved",
    [
        pytest.param(state(part("aaaa", "1"), part("bbbb", "2")), id="lower-case"),
        pytest.param(state(part("AAAA", "1"), part("AAAA", "2")), id="twice"),
        pytest.param(state("AAAA"), id="no-part"),
        pytest.param(state({"context": {"other": "A"}}), id="other-context"),
        pytest.param({"bookmarks": ["s"]}, id="no-bookmarks"),
        pytest.param({}, id="nothing"),
    ],
)
def test_other_states_are_left_as_they_are(saved: dict[str, Any]) -> None:
    """What is wrong is refused where it is read."""
    assert folded(saved) == saved
