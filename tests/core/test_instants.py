"""Instants keep every tick."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.instants import Instant, canonical

LAST = Instant.parse("9999-12-31T23:59:59.9999999Z")
instants = st.integers(0, LAST.ticks).map(Instant)


@given(instants)
def test_text_and_ticks_name_the_same_instant(instant: Instant) -> None:
    """Nothing is lost on the way to text and back, the seventh digit least of all."""
    assert Instant.parse(str(instant)) == instant


@given(instants, instants)
def test_order_of_texts_is_order_in_time(one: Instant, other: Instant) -> None:
    """Singer compares bookmarks as strings, so the strings must order as the instants do."""
    assert (str(one) < str(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param("2026-07-19T21:46:29Z", "2026-07-19T21:46:29.0000000Z", id="no-fraction"),
        pytest.param("2026-07-19T21:46:29.928Z", "2026-07-19T21:46:29.9280000Z", id="3-digits"),
        pytest.param("2026-07-19T21:46:29.1234567Z", "2026-07-19T21:46:29.1234567Z", id="7-digits"),
        pytest.param("2026-07-19 21:46:29", "2026-07-19T21:46:29.0000000Z", id="space"),
        pytest.param("2026-07-19T21:46:29+00:00", "2026-07-19T21:46:29.0000000Z", id="offset"),
    ],
)
def test_every_form_on_the_wire_has_one_canonical_form(text: str, whole: str) -> None:
    """The service writes 0, 3 or 7 digits; loaders and bookmarks see one form."""
    assert canonical(text) == whole


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00+02:00", "١٢٣٤-01-01"]
)
def test_what_is_no_utc_instant_is_refused(text: str) -> None:
    """A guess at a time would be a guess at which rows to read."""
    with pytest.raises(ValueError, match=r"not a UTC time|month must be"):
        Instant.parse(text)


def test_a_year_below_1000_keeps_its_width() -> None:
    """Kusto's smallest datetime has four digits of year as any other."""
    assert str(Instant(0)) == "0001-01-01T00:00:00.0000000Z"


def test_spans_move_an_instant_exactly() -> None:
    """A microsecond is ten ticks, forwards and back."""
    start = Instant.of(datetime(2026, 1, 1, tzinfo=UTC)).plus(7)

    assert str(start + timedelta(microseconds=1)) == "2026-01-01T00:00:00.0000017Z"
    assert start + timedelta(days=400) - timedelta(days=400) == start
