"""What there is to read follows from the state, and what may be said of late rows from both."""

from datetime import timedelta

import pytest

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.late_rows import LookbackCounts
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.spans import Hole, Timing
from tap_m365hunting.planning.state import WINDOW_END, Bookmark
from tap_m365hunting.planning.windows import TimeWindow, WindowDone

NOW = Instant.parse("2026-01-02")
HOUR = timedelta(hours=1)
SETTLE = timedelta(minutes=5)
MARK = NOW - HOUR
HOLE = TimeWindow(MARK - HOUR / 2, MARK - HOUR / 4)
TALLY = LookbackCounts(MARK - HOUR, MARK, 4, (*[0] * 7, *[None] * 5, *[0] * 3))


def run_windows(
    key: str = "Timestamp", timing: Timing | None = None, *, holes: tuple[Hole, ...] = ()
) -> RunWindows:
    """Return what a run is to read that follows another one."""
    state = dict[str, object]()
    Bookmark(key, MARK, holes, "q", TALLY).write(state)
    timing = timing or Timing(settle=SETTLE)
    return RunWindows.of(state, key, timing, query="q", now=NOW)


def late_rows(found: RunWindows, window: TimeWindow) -> int | None:
    """Return how many rows of a window without rows are late."""
    return found.late_rows(window).done(WindowDone(window, 0))


def test_span_is_held_against_what_the_last_run_left() -> None:
    """Its bins are known, so no row is no late row; behind them all rows are new."""
    found = run_windows()
    late = found.late_rows(found.windows[0])

    known = late.done(WindowDone(TimeWindow(MARK - HOUR, MARK - 3 * HOUR / 4), 0))
    gap = late.done(WindowDone(TimeWindow(MARK - 3 * HOUR / 4, MARK), 0))
    new = late.done(WindowDone(TimeWindow(MARK, NOW - SETTLE), 0))

    assert found.windows == (TimeWindow(MARK - HOUR, NOW - SETTLE),)
    assert (known, gap, new) == (0, None, 0)


def test_hole_that_is_not_over_yet_is_read_up_to_where_rows_may_be() -> None:
    """A clock that was ahead may have left it; what is empty now need not stay so."""
    hole = TimeWindow(MARK, NOW + HOUR)

    assert hole.start in {
        window.start for window in run_windows(holes=(Hole(hole, "504"),)).windows
    }
    assert all(
        window.end <= NOW - SETTLE for window in run_windows(holes=(Hole(hole, "504"),)).windows
    )


def test_hole_is_read_apart_and_leaves_no_tally() -> None:
    """Its end is no bookmark."""
    found = run_windows(holes=(Hole(HOLE, "504"),))

    hole, span = found.windows

    assert hole == HOLE
    assert late_rows(found, hole) is None
    assert found.late_rows(hole).tally() is None
    assert found.late_rows(span).tally() is not None


@pytest.mark.parametrize(
    ("key", "timing"),
    [
        pytest.param(WINDOW_END, Timing(lookback=timedelta(0)), id="windowed"),
        pytest.param(
            "Timestamp", Timing(start_date=MARK - HOUR, end_date=NOW - SETTLE), id="backfill"
        ),
    ],
)
def test_where_nothing_is_read_again_nothing_is_known(key: str, timing: Timing) -> None:
    """Rows may have come late, and nobody looks for them."""
    found = run_windows(key, timing)

    (span,) = found.windows

    assert late_rows(found, span) is None


def test_bookmark_that_does_not_count_is_told_of() -> None:
    """The run starts anew, and says why."""
    state = {"replication_key": "Other", "replication_key_value": str(MARK)}

    found = RunWindows.of(state, "Timestamp", Timing(), query="q", now=NOW)

    assert found.bookmark == Bookmark("Timestamp", query="q")
    assert "one of Other" in str(found.void)
