"""The same row has the same id on every read; two rows have two."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_m365hunting.wire.row_ids import EarlierParts, RowIds

NAMES = ["A", "B", "C"]
rows = st.tuples(*[st.none() | st.booleans() | st.integers() | st.text(max_size=3)] * 3)


def _id(
    *cells: Any,  # noqa: ANN401 - any JSON
    names: list[str] = NAMES,
    tenant_id: str | None = None,
    window_start: str | None = None,
) -> str:
    ids = RowIds(tenant_id=tenant_id, window_start=window_start)
    return ids.give(ids.content(names, cells))


@given(st.lists(rows, max_size=30))
def test_ids_are_unique_and_repeat_on_the_next_read(read: list[tuple[Any, ...]]) -> None:
    """A window that is read twice gives the same ids; within it, no two rows share one."""
    first, second = RowIds(), RowIds()

    ids = [first.give(first.content(NAMES, row)) for row in read]

    assert ids == [second.give(second.content(NAMES, row)) for row in read]
    assert len(set(ids)) == len(ids)


def test_ids_do_not_move_when_other_rows_do() -> None:
    """A late row in the middle leaves the ids of the rest alone."""
    ids, later = RowIds(), RowIds()
    before = [ids.give(ids.content(["N"], [n])) for n in (1, 3, 3)]

    after = [later.give(later.content(["N"], [n])) for n in (1, 2, 3, 3)]

    assert [after[0], *after[2:]] == before


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param((1, "x", None), id="null"),
        pytest.param((1, "x", ""), id="empty-text"),
        pytest.param((1, "x", {}), id="empty-bag"),
    ],
)
def test_what_is_empty_does_not_count(cells: tuple[Any, ...]) -> None:
    """A column that was added to a table, and is empty in old rows, changes no id."""
    assert _id(*cells) == _id(1, "x", names=["A", "B"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param((0, None, None), (None, None, None), id="zero-is-not-null"),
        pytest.param((False, None, None), (None, None, None), id="false-is-not-null"),
        pytest.param((False, None, None), (0, None, None), id="false-is-not-zero"),
        pytest.param(([], None, None), (None, None, None), id="empty-array-is-not-null"),
        pytest.param(("1", None, None), (1, None, None), id="text-is-not-number"),
        pytest.param(("x", None, None), (None, "x", None), id="column-counts"),
        pytest.param(('x","B":"y', None, None), ("x", "y", None), id="no-forged-columns"),
        pytest.param((2**63, None, None), (2**63 - 1, None, None), id="63rd-bit"),
    ],
)
def test_different_rows_have_different_ids(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """What differs in any value, however slightly, is another row."""
    assert _id(*one) != _id(*other)


def test_order_of_columns_and_of_keys_in_bags_does_not_count() -> None:
    """The service promises no order of either."""
    bag, mixed = {"x": 1, "y": {"a": 1, "b": 2}}, {"y": {"b": 2, "a": 1}, "x": 1}

    assert _id(1, bag, names=["A", "B"]) == _id(mixed, 1, names=["B", "A"])


def test_tenant_and_window_are_part_of_the_id() -> None:
    """The same count is another row in another tenant, and on another day."""
    ids = {
        _id(1, 2, 3),
        _id(1, 2, 3, tenant_id="t1"),
        _id(1, 2, 3, tenant_id="t2"),
        _id(1, 2, 3, window_start="2026-01-01T00:00:00.0000000Z"),
        _id(1, 2, 3, tenant_id="t1", window_start="2026-01-02T00:00:00.0000000Z"),
    }

    assert len(ids) == 5


def test_equal_rows_are_counted_within_their_instant() -> None:
    """Rows of another instant cannot be equal, so forgetting the last one changes nothing."""
    read = [("t1", 1), ("t1", 1), ("t1", 2), ("t2", 1), ("t2", 1)]
    forgetful, mindful = RowIds(), RowIds()

    ids = [forgetful.give(forgetful.content(["T", "N"], row), instant=row[0]) for row in read]

    assert ids == [mindful.give(mindful.content(["T", "N"], row)) for row in read]
    assert len(set(ids)) == len(read)


@given(
    read=st.lists(st.tuples(st.sampled_from(["t1", "t2", None]), st.integers(0, 2)), max_size=12),
    sizes=st.lists(st.integers(1, 5), max_size=12),
    timed=st.booleans(),
)
@example(read=[("t2", 0), ("t1", 0), ("t2", 0)], sizes=[1, 2], timed=True)
@example(read=[("t2", 0), ("t1", 0), ("t2", 1), ("t2", 0)], sizes=[1, 2, 1], timed=True)
def test_ids_of_many_rows_are_those_of_one_after_another(
    *, read: list[tuple[str | None, int]], sizes: list[int], timed: bool
) -> None:
    """Wherever blocks end, and even if the rows are not in order."""
    one, many = RowIds(tenant_id="t"), RowIds(tenant_id="t")
    rows = [RowIds().content(["T", "N"], row) for row in read]
    instants = [instant if timed else None for instant, _ in read]

    singly = [one.give(row, instant=at) for row, at in zip(rows, instants, strict=True)]
    at_once = []
    for size in [*sizes, len(rows)]:
        block, rows = rows[:size], rows[size:]
        times, instants = instants[:size], instants[size:]
        digests = [sha256(row).digest() for row in block]
        at_once += many.give_all(digests, times if timed else ())

    assert at_once == singly


@given(
    read=st.lists(st.tuples(st.sampled_from(["t1", "t2"]), st.integers(0, 2)), max_size=30),
    parts=st.lists(st.integers(0, 6), min_size=30, max_size=30),
    at_once=st.booleans(),
)
def test_rows_have_the_ids_of_a_whole_read_whatever_part_they_come_in(
    *, read: list[tuple[str, int]], parts: list[int], at_once: bool
) -> None:
    """Equal rows may be in different parts, as the order of keys does not count in an id."""
    whole, earlier, ids = RowIds(), EarlierParts(), list[str]()
    rows = [RowIds().content(["T", "N"], row) for row in sorted(read)]

    for part in range(7):
        mine = [row for row, at in zip(rows, parts, strict=False) if at == part]
        instants = [
            cursor for (cursor, _), at in zip(sorted(read), parts, strict=False) if at == part
        ]
        earlier.next_part()
        given = RowIds(earlier=earlier)
        if at_once:
            ids += given.give_all([sha256(row).digest() for row in mine], instants)
        else:
            ids += [given.give(row, instant=at) for row, at in zip(mine, instants, strict=True)]

    assert sorted(ids) == sorted(map(whole.give, rows))


def test_rows_of_any_earlier_part_are_known_again() -> None:
    """However many parts there were, and in whatever order they came."""
    earlier = EarlierParts()
    digests = [sha256(b"%d" % number).digest() for number in range(1_000)]

    for digest in digests:
        earlier.add([digest])
        earlier.next_part()

    assert [earlier.count(digest) for digest in digests] == [1] * 1_000
    assert earlier.count(sha256(b"another").digest()) == 0


def test_integers_beyond_64_bits_count_to_the_last_digit() -> None:
    """No column has them, but a bag may."""
    assert _id(2**70, None, None) != _id(2**70 + 1, None, None)
    assert _id({"a": 2**70}, None, None) == _id({"a": 2**70}, None, "")


def test_an_id_stays_what_it_is_from_release_to_release() -> None:
    """Ids are keys in warehouses; a change of the hash would double every row there."""
    assert (
        _id("x", 1.5, {"b": [True], "a": None}, tenant_id="t") == "5b58ba584ff7fb26626a9755efe929fd"
    )
