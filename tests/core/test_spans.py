"""The span of a run, and the holes that runs leave."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.spans import (
    Hole,
    ReadSpan,
    Timing,
    advanced,
    kept,
    merged,
    span_between,
)
from tap_m365hunting.planning.windows import TimeWindow

NOW = Instant.parse("2026-06-30T12:00:00Z")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
END = NOW - 5 * MINUTE
OLDEST = NOW - 30 * DAY
TIMING = Timing()


def window(start: Instant, end: Instant) -> TimeWindow:
    """Shorten the cases."""
    return TimeWindow(start, end)


@pytest.mark.parametrize(
    ("timing", "bookmark", "expected"),
    [
        pytest.param(
            TIMING, None, ReadSpan(window(OLDEST, END), OLDEST), id="first-run-reads-30-days"
        ),
        pytest.param(
            replace(TIMING, retention=90 * DAY),
            None,
            ReadSpan(window(OLDEST, END), OLDEST),
            id="30-days-even-if-more-is-kept",
        ),
        pytest.param(
            replace(TIMING, retention=7 * DAY),
            None,
            ReadSpan(window(NOW - 7 * DAY, END), NOW - 7 * DAY),
            id="a-default-start-is-no-gap",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - DAY),
            None,
            ReadSpan(window(NOW - DAY, END), NOW - DAY),
            id="start-date",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - 40 * DAY),
            None,
            ReadSpan(window(OLDEST, END), OLDEST, window(NOW - 40 * DAY, OLDEST)),
            id="start-date-older-than-retention-leaves-a-gap",
        ),
        pytest.param(
            TIMING,
            NOW - 2 * HOUR,
            ReadSpan(window(NOW - 3 * HOUR, END), NOW - 2 * HOUR),
            id="steady-state-reads-the-lookback-again",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - 2 * HOUR - MINUTE),
            NOW - 2 * HOUR,
            ReadSpan(window(NOW - 2 * HOUR - MINUTE, END), NOW - 2 * HOUR),
            id="no-lookback-before-the-start-date",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - HOUR),
            NOW - 2 * HOUR,
            ReadSpan(window(NOW - HOUR, END), NOW - HOUR),
            id="start-date-moved-past-the-bookmark",
        ),
        pytest.param(
            TIMING,
            OLDEST - DAY,
            ReadSpan(window(OLDEST, END), OLDEST, window(OLDEST - DAY, OLDEST)),
            id="bookmark-older-than-retention-leaves-a-gap",
        ),
        pytest.param(
            TIMING,
            OLDEST + MINUTE,
            ReadSpan(window(OLDEST, END), OLDEST + MINUTE),
            id="no-lookback-behind-retention",
        ),
        pytest.param(
            replace(TIMING, start_date=OLDEST - DAY),
            OLDEST + MINUTE,
            ReadSpan(window(OLDEST, END), OLDEST + MINUTE),
            id="nor-if-the-start-date-is-older",
        ),
        pytest.param(TIMING, END, ReadSpan(None, END), id="nothing-new-yet"),
        pytest.param(TIMING, NOW + DAY, ReadSpan(None, NOW + DAY), id="clock-behind-the-bookmark"),
        pytest.param(
            replace(TIMING, start_date=NOW + DAY),
            None,
            ReadSpan(None, NOW + DAY),
            id="future-start",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - 3 * DAY, end_date=NOW - 2 * DAY),
            NOW - HOUR,
            ReadSpan(window(NOW - 3 * DAY, NOW - 2 * DAY), NOW - 3 * DAY),
            id="a-backfill-does-not-look-at-the-bookmark",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - DAY, end_date=NOW + DAY),
            None,
            ReadSpan(window(NOW - DAY, END), NOW - DAY),
            id="a-backfill-ends-before-rows-still-being-written",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - 40 * DAY, end_date=NOW - 20 * DAY),
            None,
            ReadSpan(window(OLDEST, NOW - 20 * DAY), OLDEST, window(NOW - 40 * DAY, OLDEST)),
            id="a-backfill-is-clamped-to-retention",
        ),
        pytest.param(
            replace(TIMING, start_date=NOW - 50 * DAY, end_date=NOW - 40 * DAY),
            None,
            ReadSpan(None, OLDEST, window(NOW - 50 * DAY, NOW - 40 * DAY)),
            id="a-backfill-before-retention-is-all-gap",
        ),
    ],
)
def test_the_span_of_a_run(timing: Timing, bookmark: Instant | None, expected: ReadSpan) -> None:
    """Bookmark, dates, lookback, settle time and retention decide together."""
    assert timing.span(now=NOW, bookmark=bookmark) == expected


def day(number: int) -> Instant:
    """Return a midnight, so many days before the last one."""
    return NOW.floor(DAY) - number * DAY


DAILY = replace(TIMING, step=DAY, lookback=timedelta(0))


@pytest.mark.parametrize(
    ("timing", "bookmark", "expected"),
    [
        pytest.param(
            DAILY,
            day(2),
            ReadSpan(window(day(2), END.floor(DAY)), day(2)),
            id="whole-days-since-the-bookmark",
        ),
        pytest.param(
            replace(DAILY, lookback=HOUR),
            day(2),
            ReadSpan(window(day(3), END.floor(DAY)), day(2)),
            id="the-day-that-the-lookback-reaches-into",
        ),
        pytest.param(
            DAILY,
            day(2) + 5 * HOUR,
            ReadSpan(window(day(2), END.floor(DAY)), day(2) + 5 * HOUR),
            id="the-day-that-the-bookmark-cuts",
        ),
        pytest.param(
            DAILY,
            day(40),
            ReadSpan(
                window(OLDEST.ceil(DAY), END.floor(DAY)),
                OLDEST.ceil(DAY),
                window(day(40), OLDEST.ceil(DAY)),
            ),
            id="the-day-that-retention-cuts-is-lost",
        ),
        pytest.param(
            replace(DAILY, start_date=day(3) + HOUR),
            None,
            ReadSpan(window(day(3), END.floor(DAY)), day(3) + HOUR),
            id="the-day-that-the-start-date-cuts-is-wanted-as-a-whole",
        ),
    ],
)
def test_the_span_of_a_run_of_whole_steps(
    timing: Timing, bookmark: Instant | None, expected: ReadSpan
) -> None:
    """A part of a step would be other rows under the name of the whole."""
    assert timing.span(now=NOW, bookmark=bookmark) == expected


@given(
    now=st.integers(0, 10_000).map(lambda m: NOW + m * MINUTE),
    bookmark=st.integers(0, 50 * 24 * 60).map(lambda m: NOW - m * MINUTE),
    hours=st.sampled_from([1, 4, 24, 100]),
    lookback=st.sampled_from([0, 1, 30]),
)
def test_a_span_of_whole_steps_leaves_nothing_out(
    now: Instant, bookmark: Instant, hours: int, lookback: int
) -> None:
    """From the bookmark on all is read or told as lost, and with it what the lookback wants."""
    step = hours * HOUR
    timing = replace(TIMING, step=step, lookback=lookback * HOUR)

    span = timing.span(now=now, bookmark=bookmark)

    oldest = (now - 30 * DAY).ceil(step)
    if span.window:
        assert span.window.start == span.window.start.floor(step) >= oldest
        assert span.window.end == (now - 5 * MINUTE).floor(step)
        assert span.window.start <= max(bookmark - lookback * HOUR, oldest)
        lost = bookmark < span.window.start
        assert span.gap == (window(bookmark, span.window.start) if lost else None)
    elif span.gap is None:
        assert bookmark >= (now - 5 * MINUTE).floor(step)


instants = st.integers(0, 100 * 24 * 60).map(lambda m: NOW - 50 * DAY + m * MINUTE)


@given(now=instants, bookmark=st.none() | instants, start=st.none() | instants)
def test_a_span_leaves_nothing_out(
    now: Instant, bookmark: Instant | None, start: Instant | None
) -> None:
    """Gap and window together reach from the bookmark to the end, whatever the clock shows."""
    timing = replace(TIMING, start_date=start)

    span = timing.span(now=now, bookmark=bookmark)

    wanted = max(bookmark or start or now - 30 * DAY, start or Instant(0))
    covered = [part for part in (span.gap, span.window) if part]
    assert all(part.end <= now - 5 * MINUTE for part in covered)
    if covered:
        assert covered[0].start <= wanted
        assert covered[-1].end == now - 5 * MINUTE
    else:
        assert wanted >= now - 5 * MINUTE
    if span.window and span.gap:
        assert span.gap.end == span.window.start


@given(st.none() | instants, instants)
def test_a_bookmark_never_moves_back(bookmark: Instant | None, complete: Instant) -> None:
    """While the lookback is read again, what is complete lies behind the bookmark."""
    assert advanced(bookmark, complete) >= (bookmark or complete)


# --- holes --------------------------------------------------------------------------------------


def hole(start: int, end: int, attempts: int = 1) -> Hole:
    """Make a hole so many minutes before now."""
    return Hole(window(NOW - start * MINUTE, NOW - end * MINUTE), "504", attempts)


def test_a_hole_survives_the_state() -> None:
    """The state holds text and numbers only."""
    one = hole(20, 10, 3)

    assert one.to_json() == {
        "start": "2026-06-30T11:40:00.0000000Z",
        "end": "2026-06-30T11:50:00.0000000Z",
        "reason": "504",
        "attempts": 3,
    }
    assert Hole.from_json(one.to_json()) == one


def test_a_hole_that_is_none_is_refused_by_name() -> None:
    """A state edited by hand says what is wrong with it."""
    with pytest.raises(ValueError, match="A hole in the state has no 'reason'"):
        Hole.from_json({"start": "2026-01-01", "end": "2026-01-02"})


def test_holes_that_touch_become_one() -> None:
    """The state stays small however often a stretch fails."""
    assert merged([hole(10, 5), hole(40, 30), hole(30, 20, 4), hole(9, 7)]) == (
        hole(40, 20, 4),
        hole(10, 5),
    )


def test_holes_are_kept_while_the_service_has_their_rows() -> None:
    """What retention has passed is lost for good; the rest is tried again."""
    minutes = 30 * 24 * 60
    holes = [hole(20, 10), hole(minutes + 5, minutes - 5), hole(minutes + 20, minutes + 10)]

    alive, lost = kept(holes, now=NOW, retention=30 * DAY)

    assert alive == (hole(minutes, minutes - 5), hole(20, 10))
    assert lost == (
        hole(minutes + 20, minutes + 10).window,
        hole(minutes + 5, minutes).window,
    )


def test_hole_of_whole_steps_that_retention_cuts_loses_the_step() -> None:
    """Its rest would be read as if it were all."""
    found = Hole(window(OLDEST.floor(DAY), OLDEST.floor(DAY) + 2 * DAY), "504")

    ((alive,), (lost,)) = kept([found], now=NOW, retention=30 * DAY, step=DAY)

    assert alive.window == window(OLDEST.ceil(DAY), found.window.end)
    assert lost == window(found.window.start, OLDEST.ceil(DAY))


def test_a_span_without_width_is_no_window() -> None:
    """Nothing lies between an instant and itself, or backwards."""
    assert span_between(NOW, NOW) is None
    assert span_between(NOW, NOW - DAY) is None
