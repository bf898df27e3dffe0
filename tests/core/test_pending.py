"""What is left of a span stays in few stretches, and no call is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.planning.pending import Backlog, Stretch
from tap_m365hunting.planning.windows import TimeWindow
from tests.core.simulated import START, span


def part(start: int, end: int) -> TimeWindow:
    """Return a window of so many ticks after the start."""
    return TimeWindow(START.plus(start), START.plus(end))


def test_neighbours_are_joined_with_what_was_spent_on_both() -> None:
    """A cut that is not needed any more costs no call, and those that were made are counted."""
    backlog = Backlog(span(1))
    backlog.pop()

    backlog.put(Stretch(part(5, 9), calls=2, splits=1))
    backlog.put(Stretch(part(0, 5), calls=1))

    assert backlog.pop() == Stretch(part(0, 9), calls=3, splits=1)
    assert not backlog


def test_stretches_apart_stay_apart_oldest_first() -> None:
    """What lies between them is out with a call."""
    backlog = Backlog(part(0, 5))

    backlog.put_rest(START.plus(7), START.plus(9))
    backlog.put_rest(START.plus(9), START.plus(9))

    assert backlog.head == part(0, 5)
    assert [backlog.pop(), backlog.pop()] == [Stretch(part(0, 5)), Stretch(part(7, 9))]
    assert not backlog


@given(st.permutations(range(8)))
def test_a_span_cut_to_pieces_comes_back_whole(order: list[int]) -> None:
    """In whatever order they are put back, no tick is left out and none is there twice."""
    backlog = Backlog(span(1))
    backlog.pop()

    for index in order:
        backlog.put(Stretch(part(index, index + 1), calls=1))

    pieces = list[Stretch]()
    while backlog:
        pieces.append(backlog.pop())
    assert sum(piece.window.ticks for piece in pieces) == 8
    assert sum(piece.calls for piece in pieces) == 8
    assert [p.window.start for p in pieces] == sorted({p.window.start for p in pieces})
