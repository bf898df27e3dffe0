"""A run played through with counts: what is counted is what is planned."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.commands.counting import WIDTHS, fitting, rebinned
from tap_m365hunting.commands.simulation import minutes, of_table, of_window, rehearse
from tap_m365hunting.configuration.config import QuotaSettings
from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.service.quota import MARGIN, MINUTE

START = Instant.parse("2026-03-01")
HOUR = timedelta(hours=1)
COUNTS = st.lists(st.integers(0, 400), min_size=1, max_size=40)


def density(counts: list[int], *, late: timedelta = timedelta(0)) -> tuple[TimeWindow, Density]:
    """Return a span of an hour a count, the first begun `late`."""
    window = TimeWindow(START + late, START + len(counts) * HOUR)
    hours = {START + i * HOUR: rows for i, rows in enumerate(counts)}
    return window, Density.of(window, HOUR, hours)


@given(counts=COUNTS, cap=st.integers(10, 500))
def test_planned_windows_hold_all_counted_rows(counts: list[int], cap: int) -> None:
    """Rounding inside a bin neither adds a row nor loses one."""
    window, counted = density(counts, late=timedelta(minutes=7))

    played = rehearse(Planner(window, row_cap=cap), counted, row_cap=cap)

    assert sum(done.rows for done in played.windows) == sum(counts)
    assert played.windows[0].window.start == window.start
    assert played.windows[-1].window.end == window.end


@given(counts=COUNTS, cap=st.integers(100, 500))
def test_planned_calls_are_within_the_promise(counts: list[int], cap: int) -> None:
    """A plan promises no more calls than the tap does: 1 + 1.1 a full answer."""
    window, counted = density(counts)

    played = rehearse(Planner(window, row_cap=cap), counted, row_cap=cap)

    # of each answer the newest instant, here one row, is read again
    assert played.calls <= 2 + 1.1 * sum(counts) / (cap - 1)


@given(counts=COUNTS, cap=st.integers(10, 500))
def test_steps_are_planned_whole(counts: list[int], cap: int) -> None:
    """A query that bounds itself is read in whole steps, or by hash parts of one."""
    window, counted = density(counts)

    played = rehearse(Planner(window, row_cap=cap, step=HOUR), counted, row_cap=cap)

    assert sum(done.rows for done in played.windows) == sum(counts)
    assert all(done.window.ticks % ticks(HOUR) == 0 for done in played.windows)


@pytest.mark.parametrize(
    ("parallel", "calls"),
    [pytest.param(1, 4, id="one-by-one"), pytest.param(2, 5, id="in-parallel")],
)
def test_calls_in_parallel_are_played_as_a_run_makes_them(parallel: int, calls: int) -> None:
    """Where the beginning alone is dense the run counts the rest at once, one call more."""
    window, counted = density([400] + [0] * 39)

    played = of_window(window, counted, step=None, single=False, row_cap=101, ahead=parallel > 1)

    assert played.calls == calls


@given(rows=st.integers(0, 10_000), cap=st.integers(10, 500))
def test_table_is_planned_in_one_call_or_in_parts(rows: int, cap: int) -> None:
    """Below the cap one call; from there the full answer, a count, and parts for all rows."""
    played = of_table(rows, row_cap=cap)

    assert played.calls == 1 if rows < cap else played.calls >= 2 + rows / cap


@pytest.mark.parametrize(
    ("calls", "quota", "expected"),
    [
        pytest.param(0, 45, 0.0, id="nothing"),
        pytest.param(1, 45, 0.05, id="one-call"),
        pytest.param(20, 45, 1.0, id="as-fast-as-the-service"),
        # two a minute, as the service counts calls
        pytest.param(5, 2, (2 * (MINUTE + MARGIN) + 3) / 60, id="as-fast-as-the-quota"),
    ],
)
def test_minutes_are_those_of_calls_or_quota(calls: int, quota: int, expected: float) -> None:
    """Three seconds a call, and the waits that the quotas demand."""
    quotas = QuotaSettings(quota, 1500, 100, timedelta(minutes=30), parallel_calls=1)

    assert minutes(calls, quotas) == pytest.approx(expected)


@given(counts=COUNTS, most=st.integers(4, 60))
def test_wider_bins_hold_the_same_rows(counts: list[int], most: int) -> None:
    """A histogram of few bars shows every row once."""
    window, counted = density(counts, late=timedelta(minutes=7))

    bins = list(rebinned(counted, most=most))

    assert sum(rows for _, rows in bins) == sum(counts)
    assert len(bins) <= most
    assert (bins[0][0].start, bins[-1][0].end) == (window.start, window.end)


def test_every_width_is_a_multiple_of_those_before_it() -> None:
    """Only then do fine bins add up to wide ones without a guess."""
    assert all(ticks(b) % ticks(a) == 0 for a, b in pairwise(WIDTHS))


@given(days=st.integers(1, 400), most=st.integers(7, 5000))
def test_count_has_no_more_bins_than_an_answer_may_have_rows(days: int, most: int) -> None:
    """A count that is cut at the row cap would lose bins without a word."""
    window = TimeWindow(START + timedelta(minutes=7), START + timedelta(days=days))

    width = fitting(window, most=most)

    assert window.ticks // ticks(width) + 2 <= most
