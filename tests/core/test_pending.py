"""What is left of a span stays in few stretches, and no call is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.planning.pending import PendingWindows, Stretch
from tap_m365hunting.planning.windows import TimeWindow
from tests.core.simulated import START, span


def part(start: int, end: int) -> TimeWindow:
    """Return a window of so many ticks after the start."""
    return TimeWindow(START.plus(start), START.plus(end))


def test_neighbours_are_joined_with_what_was_spent_on_both() -> None:
    """A cut that is not needed any more costs no call, and those that were made are counted."""
    pending = PendingWindows(span(1))
    pending.pop()

    pending.put(Stretch(part(5, 9), calls=2, splits=1))
    pending.put(Stretch(part(0, 5), calls=1))

    assert pending.pop() == Stretch(part(0, 9), calls=3, splits=1)
    assert not pending


def test_stretches_apart_stay_apart_oldest_first() -> None:
    """What lies between them is out with a call."""
    pending = PendingWindows(part(0, 5))

    pending.put_rest(START.plus(7), START.plus(9))
    pending.put_rest(START.plus(9), START.plus(9))

    assert pending.head == part(0, 5)
    assert [pending.pop(), pending.pop()] == [Stretch(part(0, 5)), Stretch(part(7, 9))]
    assert not pending


@given(st.permutations(range(8)))
def test_a_span_cut_to_pieces_comes_back_whole(order: list[int]) -> None:
    """In whatever order they are put back, no tick is left out and none is there twice."""
    pending = PendingWindows(span(1))
    pending.pop()

    for index in order:
        pending.put(Stretch(part(index, index + 1), calls=1))

    pieces = list[Stretch]()
    while pending:
        pieces.append(pending.pop())
    assert sum(piece.window.ticks for piece in pieces) == 8
    assert sum(piece.calls for piece in pieces) == 8
    assert [p.window.start for p in pieces] == sorted({p.window.start for p in pieces})
