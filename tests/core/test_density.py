"""Where the rows lie, and how far an answer reaches."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.density import Density, Over, bin_width
from tap_m365hunting.planning.windows import TimeWindow
from tests.core.simulated import SECOND, START, span

TEN_SECONDS = span(10)
tick = st.integers(0, 10 * SECOND - 1)


def at(seconds: float) -> int:
    """Return a tick so many seconds after the start."""
    return START.ticks + round(seconds * SECOND)


def part(start: float, end: float) -> TimeWindow:
    """Return a window between two such ticks."""
    return TimeWindow(Instant(at(start)), Instant(at(end)))


def even(rows: int) -> Density:
    """Return ten bins of a second with as many rows each."""
    return Density.of(
        TEN_SECONDS, timedelta(seconds=1), {START.plus(s * SECOND): rows for s in range(10)}
    )


@pytest.mark.parametrize(
    ("days", "row_cap", "seconds"),
    [
        pytest.param(30, 100_000, 540, id="a-month-in-9-minutes"),
        pytest.param(30, 1_000, 2_700, id="a-small-cap-has-coarse-bins"),
        pytest.param(30, 5, 15 * 86_400, id="whole-days-above-a-day"),
        pytest.param(1 / 86_400, 100_000, 1, id="never-below-a-second"),
    ],
)
def test_a_count_fits_in_one_answer(days: float, row_cap: int, seconds: int) -> None:
    """Bins are as fine as the row cap allows, since the count is cut by it too."""
    assert bin_width(span(int(days * 86_400)), row_cap) == timedelta(seconds=seconds)


@given(st.integers(1, 40 * 86_400), st.integers(4, 200_000), st.integers(0, 86_400 * SECOND))
def test_bins_fit_wherever_the_span_begins(seconds: int, row_cap: int, offset: int) -> None:
    """Not one bin too many, even if the span cuts the first and the last."""
    window = TimeWindow(START.plus(offset), START.plus(offset + seconds * SECOND))

    width = ticks(bin_width(window, row_cap))

    bins = (window.end.ticks - 1) // width - window.start.ticks // width + 1
    assert bins < row_cap
    assert (86_400 * SECOND) % width == 0 or width % (86_400 * SECOND) == 0


def test_bins_that_are_missing_are_empty() -> None:
    """`summarize` returns no row for a bin without rows."""
    counts = {START.plus(2 * SECOND): 5, START.plus(7 * SECOND): 1}
    density = Density.of(TEN_SECONDS, timedelta(seconds=1), counts)

    assert density.rows == (0, 5, 0, 1, 0)
    assert density.total == 6
    assert density.is_empty(part(0, 2))
    assert density.is_empty(part(3.5, 6))
    assert not density.is_empty(part(3.5, 7.1))
    assert not density.is_empty(part(2.9, 4))


def test_what_was_not_counted_is_not_empty() -> None:
    """Nothing is known outside the count."""
    density = Density.of(part(2, 4), timedelta(seconds=1), {})

    assert density.is_empty(part(2, 4))
    assert not density.is_empty(part(1, 3))
    assert not density.is_empty(part(3, 5))
    assert not density.is_empty(part(0, 1))


def test_bins_may_be_cut_by_the_span() -> None:
    """A bin that begins before the span, or ends behind it, counts only what is in the span."""
    counts = {Instant(at(0)): 3, Instant(at(4)): 2}

    density = Density.of(part(1, 6), timedelta(seconds=4), counts)

    assert density == Density((at(1), at(4), at(6)), (3, 2))


def test_edges_must_rise() -> None:
    """A density cannot exist wrong."""
    with pytest.raises(ValueError, match="rising edges"):
        Density((1, 1), (0,))
    with pytest.raises(ValueError, match="rising edges"):
        Density((1, 2), (0, 1))


@pytest.mark.parametrize(
    ("room", "over", "seconds"),
    [
        pytest.param(400, Over.CONTINUED, 4, id="full-at-an-edge"),
        pytest.param(350, Over.CONTINUED, 4, id="over-an-edge-so-that-the-answer-is-full"),
        pytest.param(350, Over.REFUSED, 3, id="within-the-room-if-more-is-refused"),
        pytest.param(120, Over.REFUSED, 1, id="the-last-edge-that-fits"),
        pytest.param(50, Over.CONTINUED, 1, id="a-whole-bin-if-it-can-be-continued"),
        pytest.param(50, Over.REFUSED, 0.5, id="half-a-bin-if-not"),
        pytest.param(305, Over.LEFT, 3, id="nearly-full-if-more-is-left-behind"),
        pytest.param(480, Over.LEFT, 4.56, id="inside-a-bin-with-some-air-if-not-nearly-full"),
        pytest.param(375, Over.LEFT, 4, id="over-an-edge-if-bins-are-coarse"),
        pytest.param(5_000, Over.CONTINUED, 10, id="all-that-is-left"),
    ],
)
def test_how_far_an_answer_reaches(room: int, over: Over, seconds: float) -> None:
    """With 100 rows a second."""
    assert even(100).reach(at(0), room, over=over) == at(seconds)


def test_empty_bins_are_free() -> None:
    """An answer reaches over them to where the next rows begin."""
    density = Density.of(TEN_SECONDS, timedelta(seconds=1), {Instant(at(0)): 9, Instant(at(8)): 9})

    assert density.reach(at(0), 9) == at(8)


def test_the_rest_of_a_bin_has_what_is_left() -> None:
    """If 60 of a bin's 100 rows lie in its first half, 40 are to come."""
    learned = even(100).after(part(0, 0.5), 60)

    assert learned.expected(part(0.5, 1)) == 40
    assert learned.expected(part(0.5, 2)) == 140
    assert learned.total == 1_000


def test_more_rows_than_counted_leave_none_to_come() -> None:
    """Late rows came in between; an estimate is never negative."""
    assert even(100).after(part(0, 0.5), 160).expected(part(0.5, 1)) == 0


def test_a_finer_count_takes_the_place_of_a_bin() -> None:
    """The rest stays as it was."""
    finer = Density.of(
        part(3, 4), timedelta(milliseconds=500), {Instant(at(3)): 10, Instant(at(3.5)): 90}
    )

    density = even(100).finer(finer)

    assert density.expected(part(3, 3.5)) == 10
    assert density.expected(part(3.5, 5)) == 190
    assert density.total == 1_000


def test_what_a_finer_count_leaves_of_a_bin_is_not_empty() -> None:
    """Nothing says that its rows are not there, so it is never skipped."""
    finer = Density.of(part(3.000001, 4), timedelta(milliseconds=500), {})

    density = even(100).finer(finer)

    assert not density.is_empty(part(3, 3.000001))
    assert density.is_empty(part(3.000001, 4))


@given(st.lists(tick, max_size=60), st.integers(1, 9), tick, tick, st.integers(1, 30))
def test_estimates_add_up(cursors: list[int], width: int, a: int, b: int, room: int) -> None:
    """Neighbours share no row and leave none out; a reach always goes on."""
    counts = Counter(
        Instant((START.ticks + c) // (width * SECOND) * width * SECOND) for c in cursors
    )
    density = Density.of(TEN_SECONDS, timedelta(seconds=width), counts)
    low, high = START.plus(min(a, b)), START.plus(max(a, b) + 1)

    assert density.total == len(cursors)
    pieces = [(TEN_SECONDS.start, low), (low, high), (high, TEN_SECONDS.end)]
    assert sum(density.expected(TimeWindow(s, e)) for s, e in pieces if s < e) == len(cursors)
    assert density.reach(low.ticks, room) > low.ticks


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=10),
    st.lists(st.tuples(tick, tick, st.integers(0, 60)), max_size=6),
)
def test_what_was_counted_is_kept_while_learning(
    rows: list[int], read: list[tuple[int, int, int]]
) -> None:
    """However windows fall on bins, the edges stay in order and no count goes below 0."""
    counts = {START.plus(s * SECOND): n for s, n in enumerate(rows)}
    density = Density.of(TEN_SECONDS, timedelta(seconds=1), counts)

    for a, b, found in read:
        window = TimeWindow(START.plus(min(a, b)), START.plus(max(a, b) + 1))
        density = density.after(window, found)

        assert density.expected(window) == found
        assert min(density.rows) >= 0
        assert density.covers(TEN_SECONDS)
