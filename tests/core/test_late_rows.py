"""Late rows are counted: no more than came, none that was there, and as old as they are said."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.late_rows import MOST_BINS, Lateness, LateRows, LookbackCounts
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.planning.windows import CountAsk, TimeWindow, WindowDone
from tests.core.simulated import SECOND, START, Row, Service, answer_of

MINUTE = 60 * SECOND
HOUR = timedelta(hours=1)


def at(minutes: float) -> Instant:
    """Return an instant so many minutes after the start of 2026."""
    return START.plus(int(minutes * MINUTE))


def texts(*minutes: float) -> list[str]:
    """Return cursors, in order."""
    return sorted(str(at(minute)) for minute in minutes)


def window(start: float, end: float) -> TimeWindow:
    """Return a window between two minutes."""
    return TimeWindow(at(start), at(end))


def tally(*rows: int | None, end: float = 60, minutes: int = 4) -> LookbackCounts:
    """Return what a run left behind that ended there."""
    return LookbackCounts(at(end - minutes * len(rows)), at(end), minutes, rows)


def read_again(
    before: LookbackCounts | None,
    *minutes: float,
    span: TimeWindow | None = None,
    lookback: timedelta = HOUR,
) -> tuple[LateRows, int | None]:
    """Read a span in one window, an hour of lookback and one more; return its late rows as well."""
    span = span or window(0, 120)
    late = LateRows(span, at(60), lookback=lookback, before=before)
    late.add(texts(*minutes))
    return late, late.done(WindowDone(span, len(minutes)))


@dataclass
class World:
    """Rows that come when they come, and runs that are never killed."""

    arrivals: dict[Row, int]
    lookback: timedelta
    cap: int = 1_000
    start_date: Instant | None = START
    bookmark: Instant | None = None
    before: LookbackCounts | None = None
    seen: set[Row] = field(default_factory=set)
    told: list[int | None] = field(default_factory=list)
    found: Lateness | None = None

    def run(self, now: Instant) -> set[Row]:
        """Run the tap; return the rows before the bookmark that it had not seen before."""
        timing = Timing(start_date=self.start_date, lookback=self.lookback, settle=timedelta(0))
        span = timing.span(now=now, bookmark=self.bookmark)
        assert span.window is not None
        rows = sorted(row for row, arrival in self.arrivals.items() if arrival <= now.ticks)
        late = LateRows(span.window, span.fresh, lookback=self.lookback, before=self.before)
        new = self._read(span.window, Service(rows, cap=self.cap), late) - self.seen
        self.seen |= new
        self.bookmark, self.before, self.found = span.window.end, late.tally(), late.found()
        return {row for row in new if row[0] < span.fresh.ticks}

    def _read(self, span: TimeWindow, service: Service, late: LateRows) -> set[Row]:
        planner, read = Planner(span, row_cap=self.cap), set[Row]()
        self.told = []
        while ask := planner.next():
            if isinstance(ask, CountAsk):
                planner.counted(ask, service.count(ask))
                continue
            rows = service.read(ask)
            until = planner.answered(ask, answer_of(rows)).ticks
            used = [row for row in rows if row[0] < until]
            late.add([str(Instant(cursor)) for cursor, _ in used])
            read.update(used)
            self.told += map(late.done, planner.drain())
        self.told += map(late.done, planner.drain())
        return read


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw some hours of rows, a third of them late; bins and rows often share an edge."""
    random = Random(draw(st.integers(0, 2**32)))
    unit = draw(st.sampled_from([1, SECOND, MINUTE]))
    arrivals = dict[Row, int]()
    for index in range(draw(st.integers(1, 200))):
        cursor = START.ticks + random.randrange(400 * MINUTE) // unit * unit
        late = random.randrange(200 * MINUTE) if random.random() < 1 / 3 else 0
        arrivals[cursor, index] = cursor + late
    return World(
        arrivals,
        timedelta(minutes=draw(st.sampled_from([0, 1, 7, 16, 17, 60, 61, 100, 1_440]))),
        cap=draw(st.sampled_from([10, 40, 1_000])),
        start_date=draw(st.sampled_from([START, at(100)])),
    )


@settings(max_examples=500)
@given(world=worlds(), steps=st.lists(st.integers(1, 150), min_size=1, max_size=4))
def test_as_many_rows_are_late_as_came_late(world: World, steps: list[int]) -> None:
    """Run after run, what is told is what was not there before; over windows it adds up."""
    now = 101.0
    world.run(at(now))
    assert set(world.told) <= {0}

    for step in steps:
        now += step
        came_late = world.run(at(now))

        assert sum(rows or 0 for rows in world.told) == len(came_late)
        assert (world.found.rows if world.found else 0) == len(came_late)


@settings(max_examples=500)
@given(world=worlds(), step=st.integers(1, 150))
def test_the_lookback_that_is_said_would_have_sufficed(world: World, step: int) -> None:
    """As many minutes find every late row, and a bin less would not have."""
    world.run(at(250))
    bookmark, wide = world.bookmark, world.before.minutes if world.before else 0
    came_late = world.run(at(250 + step))

    found = world.found

    assert (found is None) == (not came_late)
    if found and bookmark:
        oldest = min(cursor for cursor, _ in came_late)
        assert (bookmark - timedelta(minutes=found.minutes)).ticks <= oldest
        assert oldest < (bookmark - timedelta(minutes=found.minutes - wide)).ticks


@given(minutes=st.integers(0, 50_000))
def test_tally_is_short_however_long_the_lookback(minutes: int) -> None:
    """It is kept in the state, which people read; its bins are whole minutes."""
    span = window(-60_000, 0)
    late = LateRows(span, span.start, lookback=timedelta(minutes=minutes), before=None)

    found = late.tally()

    assert (found is None) == (minutes == 0)
    if found:
        assert found.start == span.end - timedelta(minutes=minutes)
        assert 1 <= len(found.rows) <= MOST_BINS
        assert sum(bin_.ticks for bin_, _ in found.bins) == minutes * MINUTE
        assert LookbackCounts.of_state(found.to_json()) == found


def test_state_is_small_and_plain() -> None:
    """Whoever reads a state can see what it counts."""
    late, _ = read_again(None, 61, 64, 119.9, lookback=timedelta(minutes=14))

    found = late.tally()

    assert found is not None
    assert found.to_json() == {
        "start": "2026-01-01T01:46:00.0000000Z",
        "end": "2026-01-01T02:00:00.0000000Z",
        "minutes": 1,
        "rows": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    }


@pytest.mark.parametrize(
    ("before", "late"),
    [
        pytest.param(tally(*[0] * 15), 3, id="all-are-late"),
        pytest.param(tally(1, *[0] * 13, 1), 1, id="two-were-there"),
        pytest.param(tally(1, *[0] * 13, 9), 1, id="what-has-vanished-is-no-late-row"),
        pytest.param(None, None, id="first-run"),
        pytest.param(tally(*[0] * 15, end=59), None, id="another-bookmark"),
        pytest.param(tally(*[0] * 16, end=64), None, id="bookmark-moved-back-by-hand"),
        pytest.param(tally(*[0] * 14), None, id="shorter-lookback"),
        pytest.param(tally(*[0] * 14, None), None, id="a-gap-in-it"),
        pytest.param(tally(*[0] * 16), 3, id="longer-lookback-of-the-same-bins"),
        pytest.param(tally(*[0] * 9, minutes=7), None, id="longer-lookback-of-other-bins"),
    ],
)
def test_only_what_can_be_compared_is(before: LookbackCounts | None, late: int | None) -> None:
    """What is not known is null, which is neither none nor some."""
    _, found = read_again(before, 0, 1, 59, 60, 61)

    assert found == late


def test_late_rows_are_told_with_the_window_in_which_their_bin_ends() -> None:
    """Windows end where they must; what is known of a bin is known at its end."""
    late = LateRows(window(0, 120), at(60), lookback=HOUR, before=tally(*[0] * 15))
    windows: list[tuple[TimeWindow, list[float]]] = [
        (window(0, 5), [1, 4.5]),
        (window(5, 6), [5.5]),
        (window(6, 8), [7]),
        (window(8, 61), [59, 60.5]),
        (window(61, 120), [62]),
    ]
    told = []

    for span, minutes in windows:
        late.add(texts(*minutes))
        told.append(late.done(WindowDone(span, len(minutes))))

    assert told == [1, None, 3, 1, 0]
    assert late.found() == Lateness(5, 60, reaches=True)


def test_window_that_came_twice_says_nothing() -> None:
    """Hash parts whose counts did not agree are read once more; their rows must not count twice."""
    late = LateRows(window(0, 120), at(60), lookback=HOUR, before=tally(*[0] * 15))
    late.add(texts(1, 2, 3))
    late.add(texts(1, 2, 3))
    late.add(texts(9))

    told = [
        late.done(WindowDone(window(0, 4), 3)),
        late.done(WindowDone(window(4, 120), 1)),
    ]

    assert told == [None, 1]
    assert late.found() == Lateness(1, 52, reaches=False)


def test_rows_of_a_later_window_may_come_first() -> None:
    """Calls are made ahead; the bookmark waits for the oldest, the rows do not."""
    late = LateRows(window(0, 120), at(60), lookback=HOUR, before=tally(*[0] * 15))
    late.add(texts(9, 11))
    late.add(texts(1))
    late.add(texts(12))

    told = [
        late.done(WindowDone(window(0, 4), 1)),
        late.done(WindowDone(window(4, 8), 0, gap="504")),
        late.done(WindowDone(window(8, 120), 3)),
    ]

    assert told == [1, None, 3]


def test_gap_leaves_what_is_around_it() -> None:
    """Nobody knows what lies in a window that cannot be read; now, or when it can."""
    late = LateRows(window(0, 120), at(60), lookback=HOUR, before=tally(*[0] * 15))
    late.add(texts(1))
    first = late.done(WindowDone(window(0, 8), 1))
    gap = late.done(WindowDone(window(8, 9), 0, gap="504"))
    late.add(texts(58))
    second = late.done(WindowDone(window(9, 113), 1))
    gap_in_fresh = late.done(WindowDone(window(113, 114), 0, gap="504"))
    late.add(texts(119))
    third = late.done(WindowDone(window(114, 120), 1))

    assert [first, gap, second, gap_in_fresh, third] == [1, None, None, None, 0]
    kept = late.tally()
    assert kept is not None
    assert kept.rows == (*[0] * 13, None, 1)


@pytest.mark.parametrize(
    ("minute", "found"),
    [
        pytest.param(59, Lateness(1, 4, reaches=False), id="just-late"),
        pytest.param(4, Lateness(1, 56, reaches=False), id="old"),
        pytest.param(3.9, Lateness(1, 60, reaches=True), id="oldest"),
    ],
)
def test_late_rows_at_the_start_of_the_lookback_may_not_be_all(
    minute: float, found: Lateness
) -> None:
    """Where the lookback ends, nobody looks further."""
    late, _ = read_again(tally(*[0] * 15), minute)

    assert late.found() == found


def test_bin_that_retention_has_cut_is_not_known() -> None:
    """Half of what was counted there can no longer be read; the other bins are as they were."""
    late = LateRows(window(2, 120), at(60), lookback=HOUR, before=tally(9, *[0] * 14))
    late.add(texts(2.5))
    late.add(texts(10))

    told = [
        late.done(WindowDone(window(2, 4), 1)),
        late.done(WindowDone(window(4, 120), 1)),
    ]

    assert told == [None, 1]
    assert late.found() == Lateness(1, 52, reaches=False)


def test_start_date_in_the_lookback_is_where_rows_are_wanted_from() -> None:
    """Nothing before it is missing."""
    span = window(50.5, 120)

    late, told = read_again(LookbackCounts(at(50.5), at(60), 4, (0, 0, 0)), 50.5, span=span)

    assert told == 1
    assert late.found() == Lateness(1, 10, reaches=False)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"rows": [1, 2]}, id="too-few-bins"),
        pytest.param({"rows": "123"}, id="no-list"),
        pytest.param({"rows": [1, 2, "x"]}, id="no-number"),
        pytest.param({"minutes": 0}, id="no-width"),
        pytest.param({"minutes": 10**30}, id="wide"),
        pytest.param({"minutes": None}, id="no-minutes"),
        pytest.param({"start": "soon"}, id="no-start"),
        pytest.param({"end": "2020-01-01"}, id="end-before-start"),
    ],
)
def test_state_that_says_no_tally_is_as_good_as_none(wrong: dict[str, object]) -> None:
    """No row depends on it, so nothing stops for it."""
    given = {"start": "2026-01-01", "end": "2026-01-01T00:03:00Z", "minutes": 1, "rows": [1, 2, 3]}

    assert LookbackCounts.of_state(given) is not None
    assert LookbackCounts.of_state(given | wrong) is None


@pytest.mark.parametrize("found", [None, "x", [], {}, {"rows": []}])
def test_state_without_a_tally_has_none(found: object) -> None:
    """As those have that a killed run leaves, and those of an earlier release."""
    assert LookbackCounts.of_state(found) is None
