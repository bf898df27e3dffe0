"""Every row of a span, once, with as few calls as can be."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.windows import (
    Ask,
    CountAsk,
    HashPart,
    ReadAsk,
    TimeWindow,
    WindowAnswer,
    WindowDone,
)
from tests.core.simulated import (
    SECOND,
    START,
    HeldRows,
    Read,
    Row,
    Service,
    answer_of,
    read_ahead,
    read_all,
    rows_at,
    span,
    tell,
)

HOUR = 3_600
DAY = 24 * HOUR
MONTH = span(30 * DAY)


def spread(count: int, seconds: int, *, seed: int = 1) -> list[Row]:
    """Put rows at random over a time."""
    random = Random(seed)
    return rows_at([random.randrange(seconds * SECOND) for _ in range(count)])


def assert_whole(read: Read, service: Service, planner: Planner) -> None:
    """Check what holds after every complete read."""
    assert sorted(read.rows) == service.rows
    assert planner.finished
    assert read.done[0].window.start == planner.span.start
    assert read.done[-1].window.end == planner.span.end
    for one, next_one in zip(read.done, read.done[1:], strict=False):
        assert one.window.end == next_one.window.start
    assert sum(done.rows for done in read.done) == len(service.rows)
    assert sum(done.calls for done in read.done) == service.calls


# --- few calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 99], ids=["no-row", "one-row", "just-below-the-cap"])
def test_a_span_that_fits_costs_one_call(count: int) -> None:
    """A steady-state run asks once; it counts nothing first."""
    service = Service(spread(count, 65 * 60), cap=100)
    planner = Planner(span(65 * 60), row_cap=100)

    read = read_all(planner, service)

    assert service.asked == [ReadAsk(span(65 * 60))]
    assert_whole(read, service, planner)


def test_a_result_of_exactly_the_cap_is_not_trusted() -> None:
    """The service cuts without a word, so a full answer may always be a cut one."""
    service = Service(rows_at(list(range(10))), cap=10)
    planner = Planner(span(1), row_cap=10)

    read = read_all(planner, service)

    assert service.calls == 2
    assert_whole(read, service, planner)


def test_a_truncated_answer_is_continued_at_its_newest_instant() -> None:
    """All but the rows of the newest instant are whole, so nothing is read twice but these."""
    service = Service(rows_at([1, 2, 3, 3, 4]), cap=4)
    planner = Planner(span(1), row_cap=4)

    read = read_all(planner, service)

    at_3 = START.plus(3)
    assert service.asked == [ReadAsk(span(1)), ReadAsk(TimeWindow(at_3, span(1).end))]
    assert_whole(read, service, planner)


@pytest.mark.parametrize("caps_of_rows", [0.3, 1, 2.5, 5, 9.9, 15.2, 16, 20, 40, 120])
@pytest.mark.parametrize("skew", [1, 100], ids=["even", "hours-100-to-1"])
@pytest.mark.parametrize("cap", [200, 1_000])
def test_a_backfill_costs_little_more_than_its_rows(
    caps_of_rows: float, skew: int, cap: int
) -> None:
    """A month costs at most 1 + 1.1 x rows / cap calls, counts included, however uneven it is."""
    random = Random(7)
    weights = [skew if random.random() < 0.2 else 1 for _ in range(720)]
    chosen = random.choices(range(720), weights, k=int(caps_of_rows * cap))
    service = Service(
        rows_at([(hour * HOUR * SECOND) + random.randrange(HOUR * SECOND) for hour in chosen]),
        cap=cap,
    )
    planner = Planner(MONTH, row_cap=cap)

    read = read_all(planner, service)

    assert service.calls <= 1 + 1.1 * len(service.rows) / cap
    assert_whole(read, service, planner)


@pytest.mark.parametrize("caps_of_rows", [0.3, 1, 2.5, 5, 9.9, 12, 16, 20, 40, 120])
@pytest.mark.parametrize("skew", [1, 100], ids=["even", "hours-100-to-1"])
@pytest.mark.parametrize("most", [2, 4])
def test_reading_ahead_costs_hardly_more(caps_of_rows: float, skew: int, most: int) -> None:
    """The bound holds with one call more at most, should only the start of the span be dense."""
    random = Random(7)
    weights = [skew if random.random() < 0.2 else 1 for _ in range(720)]
    chosen = random.choices(range(720), weights, k=int(caps_of_rows * 1_000))
    service = Service(
        rows_at([(hour * HOUR * SECOND) + random.randrange(HOUR * SECOND) for hour in chosen]),
        cap=1_000,
    )
    planner = Planner(MONTH, row_cap=1_000, ahead=True)

    read = read_ahead(planner, service, most=most)

    assert service.calls <= 2 + 1.1 * len(service.rows) / 1_000
    assert read.rows == sorted(read.rows)
    assert_whole(read, service, planner)


@pytest.mark.parametrize("most", [1, 2, 4])
def test_reading_ahead_divides_the_time_by_the_calls_that_are_out(most: int) -> None:
    """Of 40 answers only the first, and the count behind it, are waited for alone."""
    service = Service(spread(39_500, 30 * DAY), cap=1_000)

    read = read_ahead(Planner(MONTH, row_cap=1_000, ahead=True), service, most=most)

    assert service.calls <= 1 + 1.1 * 39.5
    assert read.finished_at <= 2 + -(-(service.calls - 2) // most) + 1


def test_windows_get_narrow_once_there_is_much_to_read() -> None:
    """CPU is rationed: after a count the service no longer has to order all that is left."""
    service = Service(spread(100_000, 30 * DAY), cap=1_000)

    read_all(Planner(MONTH, row_cap=1_000), service)

    wide = [len(service.select(a.window)) for a in service.asked if isinstance(a, ReadAsk)]
    assert service.counts == 1
    assert max(wide[15:]) <= 1_200


def test_a_dense_bin_is_counted_finer() -> None:
    """Where nearly all rows lie in one minute, a second count finds out where in it."""
    service = Service(rows_at([at * SECOND // 1_000 for at in range(60_000)]), cap=1_000)
    planner = Planner(MONTH, row_cap=1_000)

    read = read_all(planner, service)

    assert service.counts == 2
    assert service.calls <= 1 + 1.1 * 60
    assert_whole(read, service, planner)


def test_stretches_without_rows_cost_nothing() -> None:
    """Two bursts with a month of nothing between, before and behind them cost their rows only."""
    burst = [10 * DAY * SECOND + at * SECOND // 10 for at in range(10_000)]
    service = Service(rows_at([*burst, *(at + 10 * DAY * SECOND for at in burst)]), cap=1_000)
    planner = Planner(MONTH, row_cap=1_000)

    read = read_all(planner, service)

    assert service.calls <= 22
    assert_whole(read, service, planner)


def test_what_was_counted_as_empty_is_read_where_nothing_was_counted_behind_it() -> None:
    """A count that was cut lacks its last bins, and would leave what is in them unread."""
    planner = Planner(span(DAY), row_cap=100)
    first = planner.next()
    assert isinstance(first, ReadAsk)
    planner.too_large(first, "504")
    count = planner.next()
    assert isinstance(count, CountAsk)

    planner.counted(count, {})

    assert list(planner.drain()) == []
    ask = planner.next()
    assert isinstance(ask, ReadAsk)
    assert ask.expected == 0


def test_rows_that_came_after_the_count_are_not_skipped() -> None:
    """What is left of a bin by subtraction is an estimate; only whole bins are taken as empty."""
    planner = Planner(span(1_000), row_cap=10)
    refused = planner.next()
    assert isinstance(refused, ReadAsk)
    planner.too_large(refused, "504")
    count = planner.next()
    assert isinstance(count, CountAsk)
    assert planner.next() is None
    planner.counted(count, {START: 11})

    for second in (3, 6):
        ask = planner.next()
        assert isinstance(ask, ReadAsk)
        planner.answered(ask, WindowAnswer(10, START.plus(second * SECOND), 1))
        list(planner.drain())

    rest = planner.next()
    assert isinstance(rest, ReadAsk)
    assert rest.window is not None
    assert rest.window.start == START.plus(6 * SECOND)


# --- one instant, refusals, hash parts -----------------------------------------------------------


def test_an_instant_with_more_rows_than_the_cap_is_read_by_hash_parts() -> None:
    """Time cannot be cut finer than 100 ns; the parts' rows are checked against a count."""
    service = Service(rows_at([5] * 250 + [0, 6, 7]), cap=100)
    planner = Planner(span(1), row_cap=100)

    read = read_all(planner, service)

    instant = TimeWindow.at(START.plus(5))
    assert [ask for ask in service.asked if ask.window == instant] == [
        CountAsk(instant, checksum=True),
        *(ReadAsk(instant, HashPart(index, 4)) for index in range(4)),
        CountAsk(instant, checksum=True),
    ]
    assert_whole(read, service, planner)


def test_hash_parts_that_disagree_with_the_count_are_read_once_more() -> None:
    """A row that comes between the count and the parts is no reason to fail."""
    service = Service(rows_at([5] * 250), cap=100)
    planner = Planner(span(1), row_cap=100)
    used, held = list[Row](), HeldRows()
    added = False
    while ask := planner.next():
        used += tell(planner, service, ask, held)
        if isinstance(ask, CountAsk) and not added:
            service.rows = sorted([*service.rows, (START.ticks + 5, 999)])
            added = True

    assert sorted(used) == service.rows
    assert [done.rows for done in planner.drain()][:2] == [0, 251]


def test_hash_parts_that_never_agree_make_a_window_unreadable() -> None:
    """A mismatch is never accepted in silence; the reason has both numbers."""
    service = Service(rows_at([5] * 250 + [9]), cap=100)
    planner = Planner(span(1), row_cap=100)
    while ask := planner.next():
        if isinstance(ask, CountAsk):
            planner.counted(ask, {START: 300})
        else:
            tell(planner, service, ask)

    list(planner.drain())

    assert planner.unreadable is not None
    assert planner.unreadable.window == TimeWindow.at(START.plus(5))
    assert "hash parts hold 250 rows where 300 were counted" in planner.unreadable.reason
    assert planner.unreadable.changing
    assert planner.complete_until == START.plus(5)


def test_equal_rows_that_no_hash_parts_make_a_window_unreadable() -> None:
    """More equal rows than the cap cannot be told apart; that is said, not swallowed."""
    service = Service([(START.ticks + 5, 3)] * 250, cap=100)
    planner = Planner(span(1), row_cap=100)

    read = read_all(planner, service)

    assert planner.unreadable is not None
    assert planner.unreadable.reason == "more than 99 rows in one hash part"
    assert read.rows == []
    assert service.calls < 20


def test_a_refused_window_is_narrowed() -> None:
    """The service answers for an hour at most: all is read, and few calls find the hour."""
    service = Service(spread(300, DAY), cap=1_000, widest=HOUR * SECOND)
    planner = Planner(span(DAY), row_cap=1_000)

    read = read_all(planner, service)

    assert service.calls <= 24 / 0.6
    assert_whole(read, service, planner)


def test_windows_widen_again_behind_a_bad_spot() -> None:
    """One hour in a month is refused down to a second; the weeks behind it are not read so."""
    bad = START.ticks + 15 * DAY * SECOND
    service = Service(
        spread(300, 30 * DAY),
        cap=1_000,
        refuse=lambda a: (
            isinstance(a, ReadAsk)
            and a.window is not None
            and a.window.ticks > SECOND
            and a.window.start.ticks <= bad < a.window.end.ticks
        ),
    )
    planner = Planner(MONTH, row_cap=1_000)

    read = read_all(planner, service)

    assert service.calls < 90
    assert_whole(read, service, planner)


def test_bytes_bound_an_answer_as_rows_do() -> None:
    """Once refused for its size, a window is cut by the bytes that a row was seen to have."""
    service = Service(spread(20_000, 30 * DAY), cap=1_000, row_bytes=100_000, most_bytes=50_000_000)
    planner = Planner(MONTH, row_cap=1_000)

    read = read_all(planner, service)

    assert service.calls <= 1 + 1.3 * 20_000 / 500
    assert_whole(read, service, planner)


def test_a_smaller_byte_cap_than_documented_is_learned() -> None:
    """The service's byte cap has changed before."""
    service = Service(spread(20_000, 30 * DAY), cap=1_000, row_bytes=100_000, most_bytes=20_000_000)
    planner = Planner(MONTH, row_cap=1_000)

    read = read_all(planner, service)

    assert service.calls <= 1 + 1.7 * 20_000 / 200
    assert_whole(read, service, planner)


def test_a_second_that_is_refused_is_read_by_hash_parts() -> None:
    """Below a second narrowing stops; parts of it are tried, 4 at first."""
    service = Service(spread(9, 1), cap=1_000, refuse=lambda ask: ask == ReadAsk(span(1)))
    planner = Planner(span(1), row_cap=1_000)

    read = read_all(planner, service)

    assert [a.part for a in service.asked if isinstance(a, ReadAsk)] == [
        None,
        *(HashPart(index, 4) for index in range(4)),
    ]
    assert_whole(read, service, planner)


def test_a_hash_part_that_is_refused_is_halved() -> None:
    """As many times as it takes, within reason."""
    rows = rows_at([SECOND // 2 + at for at in range(100)])
    service = Service(rows, cap=1_000, row_bytes=1_000, most_bytes=10_000)
    planner = Planner(span(1), row_cap=1_000)

    read = read_all(planner, service)

    parts = {a.part.of for a in service.asked if isinstance(a, ReadAsk) and a.part}
    assert parts == {4, 8, 16}
    assert_whole(read, service, planner)


def test_what_stays_refused_stops_the_planner_before_it() -> None:
    """Everything before the unreadable second is complete; nothing behind it is claimed."""
    poison = START.ticks + 1_000 * SECOND
    service = Service([*spread(50, 900), (poison, 99)], cap=1_000, poison=frozenset({poison}))
    planner = Planner(span(HOUR), row_cap=1_000)

    read = read_all(planner, service)

    assert planner.unreadable is not None
    assert planner.unreadable.window is not None
    assert Instant(poison) in planner.unreadable.window
    assert planner.unreadable.window.ticks <= SECOND
    assert planner.unreadable.reason == "The query execution was preempted"
    assert planner.complete_until == planner.unreadable.window.start
    assert sorted(read.rows) == service.rows[:-1]


def test_skipping_leaves_a_gap_of_a_second_and_goes_on() -> None:
    """The hole is in the record with its reason; all the rest is read."""
    poison = START.ticks + 1_000 * SECOND
    rows = sorted([*spread(500, HOUR), (poison, 999)])
    service = Service(rows, cap=1_000, poison=frozenset({poison}))
    planner = Planner(span(HOUR), row_cap=1_000)

    read = read_all(planner, service, skip=True)

    (gap,) = [done for done in read.done if done.gap]
    assert gap.window.ticks <= SECOND
    assert gap.gap == "The query execution was preempted"
    assert planner.finished
    lost = set(rows) - set(read.rows)
    assert all(Instant(at) in gap.window for at, _ in lost)


def test_a_service_that_is_down_is_not_skipped_second_by_second() -> None:
    """If nothing is answered any more, the windows are not what is wrong."""
    service = Service(spread(50, HOUR), cap=1_000, refuse=lambda _ask: True)
    planner = Planner(span(HOUR), row_cap=1_000)
    read_all(planner, service)
    said = [planner.hopeless]

    planner.skip()
    said.append(planner.hopeless)
    read_all(planner, service)
    said.append(planner.hopeless)

    assert said == [False, False, True]
    assert service.calls < 30


def test_bad_seconds_in_a_row_are_no_reason_to_give_up() -> None:
    """A service that still counts is not down."""
    poison = frozenset(START.ticks + second * SECOND for second in (1_000, 1_001, 1_002))
    service = Service([(at, at) for at in sorted(poison)], cap=1_000, poison=poison)
    planner = Planner(span(HOUR), row_cap=1_000)

    while not planner.finished:
        read_all(planner, service)
        assert not planner.hopeless
        planner.skip()

    assert service.calls < 60


def test_a_count_that_is_refused_is_not_asked_again() -> None:
    """Then windows are halved without one."""
    service = Service(
        spread(300, DAY),
        cap=1_000,
        widest=HOUR * SECOND,
        refuse=lambda ask: isinstance(ask, CountAsk),
    )
    planner = Planner(span(DAY), row_cap=1_000)

    read = read_all(planner, service)

    assert sum(isinstance(ask, CountAsk) for ask in service.asked) == 1
    assert service.calls <= 5 + 24 / 0.6
    assert_whole(read, service, planner)


# --- what is told -------------------------------------------------------------------------------


def test_expected_rows_add_up_to_what_was_counted() -> None:
    """One SQL query over the windows compares rows read with rows counted.

    That holds for windows that end inside a bin, too, as those in the burst at the end do.
    """
    burst = [(29 * DAY + 100) * SECOND + at * at for at in range(8_000)]
    even = [at for at, _ in spread(20_000, 28 * DAY)]
    service = Service(rows_at([*(at - START.ticks for at in even), *burst]), cap=1_000)

    read = read_all(Planner(MONTH, row_cap=1_000), service)

    counted = [done for done in read.done if done.expected is not None]
    assert len(counted) > 10
    assert [done.rows - (done.expected or 0) for done in counted] == [0] * len(counted)


def test_rows_that_vanish_after_they_were_counted_are_counted_again() -> None:
    """A window is complete when a count of its own says so, and that costs a few calls."""
    service = Service(spread(30_000, 30 * DAY), cap=1_000)
    planner = Planner(MONTH, row_cap=1_000)
    done, used = list(planner.drain()), list[Row]()
    while ask := planner.next():
        used += tell(planner, service, ask)
        if isinstance(ask, CountAsk) and service.counts == 1:
            service.rows = service.rows[:-100]
        done += planner.drain()

    assert planner.finished
    assert sorted(set(used)) == service.rows
    assert all(d.expected in (None, d.rows) for d in done)
    assert service.calls <= 1 + 1.1 * 30 + 10


def test_windows_that_bring_fewer_rows_than_counted_are_read_again_narrower() -> None:
    """The service leaves rows out of answers of a certain size and says nothing."""
    service = Service(spread(30_000, 30 * DAY), cap=1_000)
    planner = Planner(MONTH, row_cap=1_000)
    done, used = list(planner.drain()), list[Row]()
    while ask := planner.next():
        kept = service.rows
        if isinstance(ask, ReadAsk) and 300 < len(service.select(ask.window)) < 1_000:
            service.rows = kept[::2]
        used += tell(planner, service, ask)
        service.rows = kept
        done += planner.drain()

    assert planner.finished
    assert set(used) == set(service.rows)
    assert sum(d.rows for d in done) == 30_000


def test_window_whose_rows_are_never_as_many_as_counted_is_unreadable() -> None:
    """A row that is counted and never comes leaves no window complete that it is in."""
    service = Service(spread(3_000, DAY), cap=1_000)
    planner = Planner(span(DAY), row_cap=1_000)
    hidden = service.rows[2_500]
    planner.too_large(cast(ReadAsk, planner.next()), "preempted")
    done = list[WindowDone]()
    while ask := planner.next():
        kept = service.rows
        if isinstance(ask, ReadAsk):
            service.rows = [row for row in kept if row != hidden]
        tell(planner, service, ask)
        service.rows = kept
        done += planner.drain()
    done += planner.drain()

    assert planner.unreadable
    assert planner.unreadable.window
    assert Instant(hidden[0]) in planner.unreadable.window
    assert planner.complete_until == planner.unreadable.window.start
    assert not any(Instant(hidden[0]) in d.window for d in done)


def test_count_that_leaves_out_rows_in_hand_is_not_believed() -> None:
    """An empty count after full answers would leave all the rest unread."""
    service = Service(spread(30_000, 30 * DAY), cap=1_000)
    planner = Planner(MONTH, row_cap=1_000)
    done, used = list(planner.drain()), list[Row]()
    while ask := planner.next():
        if isinstance(ask, CountAsk):
            planner.counted(ask, {})
        else:
            used += tell(planner, service, ask)
        done += planner.drain()

    assert planner.finished
    assert used == service.rows


def test_a_row_outside_the_window_is_an_error() -> None:
    """A service, or a query, that ignores the window would otherwise move the bookmark wrongly."""
    planner = Planner(span(10), row_cap=100)
    ask = planner.next()
    assert isinstance(ask, ReadAsk)

    with pytest.raises(ValueError, match=r"A row at 2026-01-01T00:00:10.0000000Z came for"):
        planner.answered(ask, WindowAnswer(1, span(10).end, 1))


def test_an_answer_for_a_whole_table_is_none_for_a_span() -> None:
    """The two kinds of planner do not take each other's answers."""
    planner = Planner(span(10), row_cap=100)

    with pytest.raises(ValueError, match="A window was not asked for"):
        planner.answered(ReadAsk(None), WindowAnswer(1))


def test_rows_left_are_known_once_counted() -> None:
    """A long run can say how far it is."""
    service = Service(spread(3_000, DAY), cap=100)
    planner = Planner(span(DAY), row_cap=100)
    left = list[int | None]()
    while ask := planner.next():
        tell(planner, service, ask)
        list(planner.drain())
        left.append(planner.rows_left)

    known = [rows for rows in left if rows is not None]
    assert left[0] is None
    assert known == sorted(known, reverse=True)
    assert known[-1] == 0


def test_a_planner_that_waits_for_an_answer_has_nothing_to_ask() -> None:
    """While the whole span is out there is nothing else to read; that is not the end."""
    planner = Planner(span(10), row_cap=100)
    planner.next()

    assert planner.next() is None
    assert not planner.finished


# --- whole steps --------------------------------------------------------------------------------


def test_with_a_step_windows_are_whole_steps() -> None:
    """An aggregate per hour is exact only over whole hours, so no window ends inside one."""
    service = Service(spread(500, DAY), cap=100)
    planner = Planner(span(DAY), row_cap=100, step=timedelta(hours=1))

    read = read_all(planner, service)

    assert all(done.window.start.ticks % (HOUR * SECOND) == 0 for done in read.done)
    assert all(done.window.end.ticks % (HOUR * SECOND) == 0 for done in read.done)
    assert service.counts == 0
    assert_whole(read, service, planner)


def test_with_a_step_a_truncated_answer_is_not_used() -> None:
    """An aggregate that was cut has no newest row; all of it is asked again, narrower."""
    planner = Planner(span(DAY), row_cap=100, step=timedelta(hours=1))
    ask = planner.next()
    assert isinstance(ask, ReadAsk)

    until = planner.answered(ask, WindowAnswer(100, START.plus(7), 1))

    assert until == span(DAY).start
    assert planner.next() == ReadAsk(span(DAY // 2))


# --- rules --------------------------------------------------------------------------------------


@st.composite
def cursors(draw: st.DrawFn) -> list[int]:
    """Draw cursors within an hour: even, in bursts, and many at one instant."""
    random = Random(draw(st.integers(0, 2**32)))
    found = [random.randrange(HOUR * SECOND) for _ in range(draw(st.integers(0, 60)))]
    for _ in range(draw(st.integers(0, 3))):
        start = random.randrange((HOUR - 2) * SECOND)
        width = draw(st.sampled_from([1, 2, 50, SECOND, 60 * SECOND]))
        count = draw(st.integers(1, 120))
        found += [min(start + random.randrange(width), HOUR * SECOND - 1) for _ in range(count)]
    return found


def troubled(seed: int, percent: int) -> Callable[[Ask], bool]:
    """Refuse a share of the first calls."""
    random = Random(seed)
    verdicts = iter([random.randrange(100) < percent for _ in range(40)])
    return lambda _ask: next(verdicts, False)


@settings(max_examples=1_500)
@given(
    at=cursors(),
    cap=st.integers(5, 60),
    seed=st.integers(0, 2**32),
    percent=st.sampled_from([0, 0, 10, 50]),
    most_bytes=st.sampled_from([float("inf"), float("inf"), 20_000.0]),
    widest=st.sampled_from([float("inf"), float("inf"), 600.0 * SECOND]),
)
def test_every_row_is_used_exactly_once(
    at: list[int], cap: int, seed: int, percent: int, most_bytes: float, widest: float
) -> None:
    """Whatever the density, the caps and the refusals: no row lost, none twice, in order."""
    service = Service(
        rows_at(at),
        cap=cap,
        most_bytes=most_bytes,
        widest=widest,
        refuse=troubled(seed, percent),
    )
    planner = Planner(span(HOUR), row_cap=cap)

    read = read_all(planner, service, skip=True)

    gaps = [done.window for done in read.done if done.gap]
    assert len(set(read.rows)) == len(read.rows)
    for done in read.done:
        inside = [row for row in read.rows if Instant(row[0]) in done.window]
        assert len(inside) == done.rows or done.gap
    lost = set(service.rows) - set(read.rows)
    assert all(any(Instant(tick) in gap for gap in gaps) for tick, _ in lost)
    assert planner.finished
    assert [d.window.start for d in read.done] == sorted(d.window.start for d in read.done)
    assert not gaps or percent or most_bytes < float("inf")


@settings(max_examples=700)
@given(
    at=cursors(),
    cap=st.integers(5, 60),
    seed=st.integers(0, 2**32),
    percent=st.sampled_from([0, 20]),
)
def test_answers_may_come_in_any_order(at: list[int], cap: int, seed: int, percent: int) -> None:
    """With calls in parallel every row is still read, and windows finish in the order of time."""
    random = Random(seed)
    service = Service(rows_at(at), cap=cap, refuse=troubled(seed, percent))
    planner = Planner(span(HOUR), row_cap=cap)
    out, used, ends, calls = list[Ask](), list[Row](), [START], 0
    while not planner.finished:
        while len(out) < 3 and (ask := planner.next()):
            out.append(ask)
        if planner.unreadable and not out:
            planner.skip()
        elif out:
            used += tell(planner, service, out.pop(random.randrange(len(out))))
        for done in planner.drain():
            assert done.window.start == ends[-1]
            ends.append(done.window.end)
            calls += done.calls

    assert set(used) == set(service.rows) or percent
    assert calls == service.calls


@settings(max_examples=400)
@given(seed=st.integers(0, 2**32), cap=st.integers(100, 300), skew=st.sampled_from([1, 10, 100]))
def test_calls_stay_within_the_bound(seed: int, cap: int, skew: int) -> None:
    """Calls <= 1 + 1.1 x rows / cap whatever the density, if few rows share an instant."""
    random = Random(seed)
    weights = [random.choice([1, skew]) for _ in range(48)]
    chosen = random.choices(
        range(48), weights, k=random.randrange(40 * cap) // random.randint(1, 9)
    )
    service = Service(
        rows_at([hour * HOUR * SECOND + random.randrange(HOUR * SECOND) for hour in chosen]),
        cap=cap,
    )
    planner = Planner(span(2 * DAY), row_cap=cap)

    read = read_all(planner, service)

    assert service.calls <= 1 + 1.1 * len(service.rows) / cap
    assert_whole(read, service, planner)


@settings(max_examples=200)
@given(at=cursors(), cap=st.integers(30, 90), minutes=st.sampled_from([1, 5, 15]))
def test_whole_steps_lose_nothing_either(at: list[int], cap: int, minutes: int) -> None:
    """A step that does not divide the span, or holds more than the cap, is read all the same."""
    service = Service(rows_at(at), cap=cap)
    planner = Planner(span(HOUR - 7), row_cap=cap, step=timedelta(minutes=minutes))
    service.rows = service.select(planner.span)

    read = read_all(planner, service)

    assert_whole(read, service, planner)


def test_an_answer_says_how_many_rows_it_holds_back() -> None:
    """The simulated stream describes an answer as the real one does."""
    assert answer_of([(1, 0), (2, 1), (2, 2)]) == WindowAnswer(3, Instant(2), 2, 3_000)
