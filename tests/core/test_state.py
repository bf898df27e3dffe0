"""What a state keeps of a stream comes back as it was, and only for the query that it is of."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.late_rows import LookbackCounts
from tap_m365hunting.planning.spans import Hole
from tap_m365hunting.planning.state import Bookmark, why_void
from tap_m365hunting.planning.windows import TimeWindow, WindowDone

DAY = Instant.parse("2026-01-01")
MINUTE = timedelta(minutes=1)
HOLE = Hole(TimeWindow(DAY - 3 * MINUTE, DAY - 2 * MINUTE), "504", 2)
TALLY = LookbackCounts(DAY - 3 * MINUTE, DAY, 1, (4, None, 0))

bookmarks = st.builds(
    Bookmark,
    st.sampled_from(["Timestamp", "window_end"]),
    st.just(DAY),
    st.sampled_from([(), (HOLE,)]),
    st.sampled_from([None, "incremental-1"]),
    st.sampled_from([None, TALLY]),
    tenant_id=st.sampled_from([None, "contoso"]),
)


def written(bookmark: Bookmark) -> dict[str, Any]:
    """Return the state of a stream that had another one before."""
    state: dict[str, Any] = {"query": "x", "holes": [], "lookback": {}}
    bookmark.write(state)
    return state


@given(bookmark=bookmarks)
def test_bookmark_comes_back_as_it_was(bookmark: Bookmark) -> None:
    """Nothing of what a run knew is lost to the next, and nothing older is left in its place."""
    state = written(bookmark)

    found = Bookmark.read(state, bookmark.key, query=bookmark.query, tenant_id=bookmark.tenant_id)

    assert found == replace(bookmark, tried=bookmark.holes)


def test_state_says_what_it_is_of() -> None:
    """Whoever reads a state, or mends it, finds each thing under its name."""
    state = dict[str, Any]()

    Bookmark("Timestamp", DAY, (HOLE,), "incremental-1", TALLY).write(state)

    assert list(state) == [
        "replication_key",
        "replication_key_value",
        "query",
        "holes",
        "lookback",
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({}, None, id="the-same"),
        pytest.param({"query": None}, None, id="no-fingerprint"),
        pytest.param({"query": ""}, None, id="empty-fingerprint"),
        pytest.param({"query": "incremental-2"}, "another query text", id="another-query"),
        pytest.param(
            {"replication_key": "TimeGenerated"},
            "one of TimeGenerated, which says nothing about Timestamp",
            id="another-cursor",
        ),
    ],
)
def test_bookmark_counts_for_its_own_cursor_and_query(
    changes: dict[str, Any], why: str | None
) -> None:
    """What is complete for one says nothing about another."""
    state = written(Bookmark("Timestamp", DAY, (HOLE,), "incremental-1", TALLY)) | changes
    state = {key: value for key, value in state.items() if value is not None}

    said = why_void(state, "Timestamp", query="incremental-1")
    found = Bookmark.read(state, "Timestamp", query="incremental-1")

    assert (said is None) == (why is None)
    assert why is None or why in str(said)
    assert (found.value, found.holes) == ((None, ()) if why else (DAY, (HOLE,)))
    assert found.query == "incremental-1"


def test_rows_of_a_query_that_may_be_another_are_not_compared() -> None:
    """A bookmark kept on purpose keeps its place, but what another query found is not late."""
    state = written(Bookmark("Timestamp", DAY, (), "incremental-1", TALLY))
    del state["query"]

    found = Bookmark.read(state, "Timestamp", query="incremental-2")

    assert (found.value, found.tally) == (DAY, None)


def test_tally_is_good_for_one_run() -> None:
    """Once rows of the lookback are read again, a killed run's successor cannot tell which."""
    before = Bookmark("Timestamp", DAY, (), "incremental-1", TALLY)

    after = before.after(WindowDone(TimeWindow(DAY - 3 * MINUTE, DAY - 2 * MINUTE), 1))

    assert (after.value, after.tally) == (DAY, None)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"replication_key_value": "soon"}, id="no-instant"),
        pytest.param({"holes": [{"start": "2026-01-01"}]}, id="no-hole"),
    ],
)
def test_state_of_another_hand_is_an_error(wrong: dict[str, Any]) -> None:
    """To guess would be to lose rows."""
    state = written(Bookmark("Timestamp", DAY, (HOLE,), "incremental-1", TALLY))

    with pytest.raises(ValueError, match=r"."):
        Bookmark.read(state | wrong, "Timestamp", query="incremental-1")
