"""Column names that every loader can keep apart."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_m365hunting.wire.naming import LONGEST, SYSTEM_COLUMNS, fold, names_as_is, safe_names

taken = ["LogonId", "LogonID", "logonid", "ctid", "CTID_2", "_sdc_x", "_SDC_X", "sdc_x", "sdc_x_2"]
any_names = st.lists(st.text(max_size=90) | st.sampled_from(taken))

any_case = st.lists(st.text("aAbB_2", min_size=1, max_size=3))


@given(any_names)
def test_safe_names_are_what_they_promise(names: list[str]) -> None:
    """Unique without regard to case, at most 63 bytes, never empty, no quote."""
    safe = list(safe_names(names).values())

    for same in (str.lower, str.upper, str.casefold):
        assert len({same(name) for name in safe}) == len(safe)
    assert all(0 < len(name.encode()) <= LONGEST for name in safe)
    assert all('"' not in name and name.isprintable() for name in safe)
    assert not any(name.casefold().startswith("_sdc_") for name in safe)
    assert not {name.lower() for name in safe} & SYSTEM_COLUMNS


@given(any_names, st.randoms(use_true_random=False))
def test_the_order_of_columns_decides_nothing(names: list[str], order: random.Random) -> None:
    """An answer whose columns come in another order gives every column the same name."""
    mixed = list(names)
    order.shuffle(mixed)

    assert safe_names(mixed) == safe_names(names)


@given(any_case, any_case)
@example(["B", "b", "B_2"], [])
def test_known_columns_keep_their_names(names: list[str], more: list[str]) -> None:
    """A new column never takes the name of an old one, plain or numbered."""
    before = safe_names(names)
    new = [name for name in more if name not in before.values()]

    after = safe_names([*new, *names], known=before.values())

    assert {own: after[own] for own in before} == before


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        pytest.param("Timestamp", "Timestamp", id="plain"),
        pytest.param("count_", "count_", id="underscore"),
        pytest.param("is it?", "is it?", id="spaces-stay"),
        pytest.param('a"b', "a_b", id="quote"),
        pytest.param("a\nb\x00", "a_b_", id="control-characters"),
        pytest.param("", "_", id="empty"),
        pytest.param("Ä" * 31, "Ä" * 31, id="62-bytes"),
        pytest.param("ctid", "ctid_2", id="row-of-postgresql"),
        pytest.param("TableOID", "TableOID_2", id="table-of-postgresql"),
        pytest.param("xmin", "xmin_2", id="first-transaction-of-postgresql"),
        pytest.param("xmax", "xmax_2", id="last-transaction-of-postgresql"),
        pytest.param("cmin", "cmin_2", id="first-command-of-postgresql"),
        pytest.param("cmax", "cmax_2", id="last-command-of-postgresql"),
        pytest.param("_sdc_batched_at", "sdc_batched_at", id="of-a-loader"),
        pytest.param("_SDC_mine", "SDC_mine", id="like-one-of-a-loader"),
        pytest.param("_sdcard", "_sdcard", id="none-of-a-loader"),
        pytest.param("rowid", "rowid", id="a-name-like-any"),
    ],
)
def test_a_name_is_changed_only_where_it_must_be(name: str, safe: str) -> None:
    """Hunters find their columns under the names that they gave them."""
    assert safe_names([name]) == {name: safe}


def test_long_names_are_cut_between_characters_and_stay_apart() -> None:
    """Half a character is no UTF-8, and two long names may begin alike."""
    one, other = "é" * 40 + "1", "é" * 40 + "2"

    safe = safe_names([one, other])

    assert safe[one] != safe[other]
    assert all(name.startswith("é" * 27 + "_") for name in safe.values())
    assert safe_names([other])[other] == safe[other]


@pytest.mark.parametrize(
    ("names", "safe"),
    [
        pytest.param(["ctid", "ctid_2"], ["ctid_3", "ctid_2"], id="system-column"),
        pytest.param(["_sdc_a", "sdc_a"], ["sdc_a_2", "sdc_a"], id="own-name-first"),
        pytest.param(["_SDC_A", "_sdc_a"], ["SDC_A_2", "sdc_a"], id="two-of-loaders"),
        pytest.param(["_sdc_" + "x" * 60, "A"], ["sdc_" + "x" * 50 + "_", "A"], id="long"),
    ],
)
def test_names_taken_by_stores_and_loaders_push_no_other_column_away(
    names: list[str], safe: list[str]
) -> None:
    """What is renamed steps aside for what is not, whatever the order, and is found again."""
    found = safe_names(names)

    assert [found[name][: len(other)] for name, other in zip(names, safe, strict=True)] == safe
    assert len(set(found.values())) == len(names)
    assert safe_names(names[::-1], known=found.values()) == found


def test_names_as_they_are_keep_even_those_of_stores() -> None:
    """The setting says so; only the tap's own columns come first."""
    assert names_as_is(["ctid", "_sdc_a"]) == {"ctid": "ctid", "_sdc_a": "_sdc_a"}


def test_the_taps_own_columns_keep_theirs() -> None:
    """A query's own column called as one of the tap's gives way."""
    assert safe_names(["_ROW_ID", "A"], reserved=["_row_id"]) == {"_ROW_ID": "_ROW_ID_2", "A": "A"}
    assert names_as_is(["_row_id", 'A"'], reserved=["_row_id"]) == {
        "_row_id": "_row_id_2",
        'A"': 'A"',
    }


def test_a_name_that_the_tap_needs_is_changed_to_one_that_no_column_has() -> None:
    """Else one of two columns would be lost."""
    names = ["_row_id_2", "_row_id", "_row_id_3"]

    assert names_as_is(names, reserved=["_row_id"]) == {
        "_row_id_2": "_row_id_2",
        "_row_id": "_row_id_4",
        "_row_id_3": "_row_id_3",
    }


@given(st.text(), st.text())
def test_folding_joins_whatever_a_store_may_join(one: str, other: str) -> None:
    """Stores lower, raise or fold case; what any of them joins, folding joins."""
    joined = one.lower() == other.lower() or one.upper() == other.upper()

    assert fold(one) == fold(other) or not joined
