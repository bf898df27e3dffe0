"""What the state knows of a stream is found where the tap and the SDK have put it."""

from typing import Any

import pytest
from singer_sdk.helpers._state import get_writeable_state_dict
from singer_sdk.helpers.types import TapState

from tap_m365hunting.planning.state import StreamState

A, B = ({"context": {"tenant_id": name}, "replication_key_value": name * 3} for name in "ab")


def state(*parts: object) -> dict[str, Any]:
    """Return a state with parts of the stream `s`."""
    return {"bookmarks": {"s": {"partitions": [*parts]}}}


def test_each_tenant_has_a_part_of_its_own() -> None:
    """One tenant's progress says nothing about another's."""
    saved = state(A, B)

    assert StreamState(saved, "s").part("a") == {"replication_key_value": "aaa"}
    assert StreamState(saved, "s").part("b") == {"replication_key_value": "bbb"}


def test_part_that_the_sdk_writes_is_found() -> None:
    """State is written through the SDK, which decides where."""
    saved: TapState = {}
    get_writeable_state_dict(saved, "s", {"tenant_id": "a"})["replication_key"] = "Timestamp"

    assert StreamState(saved, "s").part("a") == {"replication_key": "Timestamp"}


@pytest.mark.parametrize(
    ("saved", "stream", "tenant_id"),
    [
        pytest.param({}, "s", None, id="nothing"),
        pytest.param({"bookmarks": None}, "s", "a", id="null"),
        pytest.param(state(A), "t", "a", id="other-stream"),
        pytest.param(state(A), "s", "c", id="other-tenant"),
        pytest.param({"bookmarks": {"s": {"replication_key": "x"}}}, "s", "a", id="no-parts"),
    ],
)
def test_what_is_new_is_not_known(
    saved: dict[str, Any], stream: str, tenant_id: str | None
) -> None:
    """It is read from the start."""
    assert StreamState(saved, stream).part(tenant_id) == {}


@pytest.mark.parametrize(
    "saved",
    [
        pytest.param(state(A, A), id="twice"),
        pytest.param(state("a"), id="part-that-is-none"),
        pytest.param({"bookmarks": ["s"]}, id="bookmarks-that-are-none"),
        pytest.param({"bookmarks": {"s": "x"}}, id="stream-that-is-none"),
        pytest.param({"bookmarks": {"s": {"partitions": "x"}}}, id="parts-that-are-none"),
    ],
)
def test_state_that_cannot_be_right_is_refused(saved: dict[str, Any]) -> None:
    """To start anew in silence would read all again, or the wrong part."""
    with pytest.raises(ValueError, match=r"partitions|expected"):
        StreamState(saved, "s").part("a")
