"""A table without a cursor is read whole, or by hash parts whose rows are counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_m365hunting.planning.hash_parts import ATTEMPTS, COUNT_TRIES, Proof
from tap_m365hunting.planning.table_planner import TablePlanner
from tap_m365hunting.planning.windows import (
    CountAsk,
    HashPart,
    ReadAsk,
    TimeWindow,
    Unreadable,
    WindowAnswer,
)
from tests.core.simulated import (
    START,
    HeldRows,
    RefusedError,
    Row,
    Service,
    answer_of,
    rows_at,
    span,
)


def read_table(planner: TablePlanner, service: Service) -> list[Row]:
    """Read until nothing is left to ask."""
    used, held = list[Row](), HeldRows()
    while ask := planner.next():
        try:
            if isinstance(ask, CountAsk):
                proof = planner.counted(ask, service.count(ask), service.checksum(ask))
                used += held.proven(ask, proof)
                continue
            rows = service.read(ask)
        except RefusedError as refused:
            planner.too_large(ask, str(refused))
            continue
        if planner.answered(ask, answer_of(rows)) is None:
            if ask.part:
                held.hold(ask, rows)
            else:
                used += rows
    return used


def attempt(planner: TablePlanner, service: Service) -> None:
    """Answer everything up to the next count."""
    while not isinstance(ask := planner.next(), CountAsk):
        assert ask is not None
        planner.answered(ask, answer_of(service.read(ask)))


def table(count: int, *, most_bytes: float = float("inf")) -> Service:
    """Return a service with so many rows, at most 100 a call."""
    return Service(rows_at(list(range(count))), cap=100, most_bytes=most_bytes)


def test_a_table_below_the_cap_costs_one_call() -> None:
    """It is counted only if it may have been cut."""
    service, planner = table(99), TablePlanner(row_cap=100)

    rows = read_table(planner, service)

    assert rows == service.rows
    assert service.asked == [ReadAsk(None)]
    assert (planner.rows, planner.expected, planner.calls) == (99, None, 1)


def test_a_table_above_the_cap_is_read_in_parts_that_are_counted() -> None:
    """Enough parts that each fits although a hash is never quite even; two counts prove them."""
    service, planner = table(1_000), TablePlanner(row_cap=100)
    count = CountAsk(None, checksum=True)

    rows = read_table(planner, service)

    assert sorted(rows) == service.rows
    assert service.asked[1:3] == [count, ReadAsk(None, HashPart(0, 12))]
    assert service.asked[-1] == count
    assert (planner.rows, planner.expected) == (1_000, 1_000)
    assert planner.calls == service.calls == 15


def test_a_table_that_is_refused_for_its_size_is_read_in_parts() -> None:
    """A part that is still too large is halved."""
    service, planner = table(90, most_bytes=20_000), TablePlanner(row_cap=100)

    rows = read_table(planner, service)

    assert sorted(rows) == service.rows
    assert planner.unreadable is None
    assert planner.splits > 1


def test_a_table_that_changes_while_it_is_read_is_read_once_more() -> None:
    """The count behind the parts is the one before the next reading, which agrees."""
    service, planner = table(250), TablePlanner(row_cap=100)
    ask = planner.next()
    assert isinstance(ask, ReadAsk)
    planner.answered(ask, answer_of(service.read(ask)))
    count = planner.next()
    assert isinstance(count, CountAsk)

    planner.counted(count, {START: 249})
    rows = read_table(planner, service)

    assert sorted(rows) == service.rows
    assert planner.rows == 250
    assert planner.calls == 1 + 2 * (1 + 3) + 1


def test_a_table_whose_parts_never_agree_fails_with_both_numbers() -> None:
    """A table that nobody can read exactly is not passed off as read."""
    service, planner = table(250), TablePlanner(row_cap=100)
    while ask := planner.next():
        if isinstance(ask, CountAsk):
            planner.counted(ask, {START: 251})
        else:
            planner.answered(ask, answer_of(service.read(ask)))

    assert planner.rows is None
    numbers = "hash parts hold 250 rows where 251 were counted before and 251 after"
    reason = f"agrees in none of 4 readings: {numbers}"
    assert planner.unreadable == Unreadable(None, reason, changing=True)
    assert planner.calls == 1 + 4 * (1 + 4) + 1


def test_as_many_rows_with_other_values_are_no_proof() -> None:
    """A row that moves from a part to come into one that is read would be lost."""
    service, planner = table(250), TablePlanner(row_cap=100)
    proofs = list[Proof]()
    for checksum in (1, 2, 2):
        attempt(planner, service)
        proofs.append(planner.counted(CountAsk(None), {START: 250}, checksum))

    assert proofs == [Proof.OPEN, Proof.FAILED, Proof.USABLE]
    assert planner.rows == 250


def test_values_that_never_rest_fail_and_say_so() -> None:
    """Four readings, and no two checksums are the same."""
    service, planner = table(250), TablePlanner(row_cap=100)
    for checksum in range(1 + ATTEMPTS):
        attempt(planner, service)
        planner.counted(CountAsk(None), {START: 250}, checksum)

    assert planner.next() is None
    assert planner.unreadable is not None
    assert "other values in 250 rows" in planner.unreadable.reason


def test_a_changing_table_is_taken_as_it_came_last_by_a_setting() -> None:
    """Its rows may be used, and it is known that they do not agree."""
    service, planner = table(250), TablePlanner(row_cap=100, take_changed=True)
    for rows in (250, 251, 252, 253, 254):
        attempt(planner, service)
        proof = planner.counted(CountAsk(None), {START: rows})

    assert proof is Proof.USABLE
    assert planner.unreadable is None
    assert (planner.rows, planner.expected) == (250, 254)
    assert planner.changed
    assert "250 rows where 253 were counted before and 254 after" in planner.changed


def test_a_count_of_no_rows_is_no_proof_against_rows_in_hand() -> None:
    """An answer was full, so the parts are read all the same, and the count is asked again."""
    service, planner = table(150), TablePlanner(row_cap=100)
    attempt(planner, service)
    first = planner.counted(CountAsk(None), {})
    attempt(planner, service)

    second = planner.counted(CountAsk(None), {START: 150})

    assert (first, second) == (Proof.OPEN, Proof.FAILED)
    assert len(read_table(planner, service)) == planner.rows == 150


def test_a_count_that_is_refused_fails_with_the_reason() -> None:
    """Parts that cannot be checked are not read; a refusal that may pass is given its chances."""
    planner = TablePlanner(row_cap=100)
    first = planner.next()
    assert isinstance(first, ReadAsk)
    planner.answered(first, WindowAnswer(100))

    for _ in range(COUNT_TRIES):
        assert planner.unreadable is None
        count = planner.next()
        assert isinstance(count, CountAsk)
        planner.too_large(count, "504")

    assert planner.unreadable == Unreadable(None, "504")
    assert planner.next() is None


def test_a_table_has_no_windows_to_skip_or_to_finish() -> None:
    """It is read whole or not at all, so the way round a bad window does not exist."""
    planner = TablePlanner(row_cap=100)
    planner.next()
    planner.answered(ReadAsk(None), WindowAnswer(7))

    planner.skip()

    assert list(planner.drain()) == []
    assert planner.rows == 7


def test_an_empty_count_reads_nothing() -> None:
    """The rows of a refused table may be gone when they are counted."""
    planner = TablePlanner(row_cap=100)
    first = planner.next()
    assert first is not None
    planner.too_large(first, "504")
    count = planner.next()
    assert isinstance(count, CountAsk)

    planner.counted(count, {})

    assert planner.next() is None
    assert planner.rows == 0


@settings(max_examples=300)
@given(st.integers(0, 700), st.sampled_from([float("inf"), 40_000.0]))
def test_every_row_of_a_table_comes_once(count: int, most_bytes: float) -> None:
    """Whatever its size, parts that were cut are not used."""
    service, planner = table(count, most_bytes=most_bytes), TablePlanner(row_cap=100)

    rows = read_table(planner, service)

    assert sorted(rows) == service.rows
    assert planner.rows == count
    assert planner.calls == service.calls


@given(st.integers(1, 50), st.data(), st.integers(0, 10**6))
def test_halves_of_a_part_hold_its_rows(of: int, data: st.DataObject, row_hash: int) -> None:
    """A row's hash puts it into one half exactly if it was in the whole."""
    part = HashPart(data.draw(st.integers(0, of - 1)), of)

    inside = [row_hash % half.of == half.index for half in part.halves()]

    assert sum(inside) == (row_hash % part.of == part.index)


@pytest.mark.parametrize(("index", "of"), [(-1, 2), (2, 2), (0, 0)])
def test_a_part_that_does_not_exist_is_refused(index: int, of: int) -> None:
    """A value cannot exist wrong."""
    with pytest.raises(ValueError, match="does not exist"):
        HashPart(index, of)


def test_a_window_cannot_be_empty() -> None:
    """Start comes before end."""
    with pytest.raises(ValueError, match="not before its end"):
        TimeWindow(START, START)


def test_windows_hold_their_start_and_not_their_end() -> None:
    """Half-open, to the tick."""
    window = TimeWindow.at(START)

    assert START in window
    assert START.plus(1) not in window
    assert str(span(1)) == "2026-01-01T00:00:00.0000000Z to 2026-01-01T00:00:01.0000000Z"


@given(st.integers(2, 10**12))
def test_halves_cover_the_window(width: int) -> None:
    """They share the cut."""
    window = TimeWindow(START, START.plus(width))

    left, right = window.halves()

    assert (left.start, left.end, right.end) == (window.start, right.start, window.end)


def test_an_answer_cannot_hold_back_more_than_it_has() -> None:
    """A value cannot exist wrong."""
    with pytest.raises(ValueError, match="3 rows cannot hold back 4"):
        WindowAnswer(3, START, 4)
