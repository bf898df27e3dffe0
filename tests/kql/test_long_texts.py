"""Texts of thousands of operators: what is looked at grows with a text, not with its square."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from tap_m365hunting.kql.columns import PLAIN, Columns
from tap_m365hunting.kql.fitness import assess
from tap_m365hunting.kql.layered import Layered
from tap_m365hunting.kql.statements import read

_FEW = 80


def _stages(written: Callable[[int], str]) -> Callable[[int], str]:
    return lambda length: "\n| ".join(["T", *map(written, range(length))])


def _listed(operator: str, written: Callable[[int], str]) -> Callable[[int], str]:
    return lambda length: f"T | {operator} Timestamp, {', '.join(map(written, range(length)))}"


def _after_lets(let: Callable[[int], str], use: Callable[[int], str]) -> Callable[[int], str]:
    def written(length: int) -> str:
        lets = "".join(f"let {let(number)};\n" for number in range(length))
        return f"{lets}T | where {' and '.join(map(use, range(length)))}"

    return written


_TEXTS: dict[str, Callable[[int], str]] = {
    "renames": _stages(lambda n: f"project-rename C{n + 1} = C{n}"),
    "extends": _stages(lambda n: f"extend C{n + 1} = C{n} + 1"),
    "bins": _stages(lambda n: f"extend C{n + 1} = bin(C{n}, 1h)"),
    "projections": _stages(lambda n: f"project Timestamp, A = B{n}"),
    "columns taken away": _stages(lambda n: f"project-away C{n}"),
    "columns kept": _listed("project-keep", lambda n: f"C{n}"),
    "serialized": _stages(lambda n: f"serialize C{n} = 1"),
    "names that are the same": _listed("project", lambda _: "tostring(A)"),
    "inner joins": _stages(lambda n: f"join kind=inner (U | project A, C{n}) on A"),
    "outer joins": _stages(lambda n: f"join kind=leftouter (U | project A, C{n}) on A"),
    "bare joins": _stages(lambda _: "join U on A"),
    "joins with columns": _stages(
        lambda n: f"join kind=inner (U | top 5 by A | project A, C{n}) on A | extend X{n} = C{n}"
    ),
    "unions": _stages(lambda n: f"union (U | project Timestamp, C{n})"),
    "unknown operators": _stages(lambda n: f"unknown{n} A"),
    "lets in lists": _after_lets(lambda n: f"a{n} = U{n} | project A", lambda n: f"A in (a{n})"),
    "widths by name": _after_lets(lambda n: f"a{n} = {n}h", lambda n: f"bin(B, a{n}) > B"),
    "functions": _after_lets(
        lambda n: f"f{n} = (x: long) {{ {f'f{n - 1}(x)' if n % 20 else 'x'} }}",
        lambda n: f"f{n}(A) > 1",
    ),
    "lets without a value": lambda length: "let a; " * length + "T",
}


def _looked_at(text: str) -> int:
    """Return how many lines of Python are run to read and judge a text."""
    seen = 0

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal seen
        del frame, argument
        seen += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        assess(read(text))
    finally:
        sys.settrace(before)
    return seen


@pytest.mark.parametrize("written", _TEXTS.values(), ids=_TEXTS)
def test_steps_grow_with_the_text_and_not_with_its_square(written: Callable[[int], str]) -> None:
    """Steps are counted, not timed: four times the text takes four times the steps, and some."""
    few, many = (_looked_at(written(length)) for length in (_FEW, 4 * _FEW))
    assert many < 5.5 * few


def test_entries_are_copied_a_few_times_each() -> None:
    """A mapping at each of a thousand operators would take half a million copies."""
    layers, copied = Layered[int](), 0
    for number in range(1000):
        layers = layers.plus({f"C{number}": number})
        copied += len(layers._layers[-1])
    assert len(layers) == 1000
    assert [layers[f"C{number}"] for number in range(1000)] == [*range(1000)]
    assert copied < 20_000


def test_earlier_columns_stay_as_they_were() -> None:
    """Columns at one operator share entries with those at the next."""
    before = Columns().only({"A": PLAIN}, {"M"})
    after = before.plus({"A": None, "M": PLAIN}, {"N"})
    assert (before.has("A"), before.has("M"), before.has("N")) == (True, None, False)
    assert (after.has("A"), after.has("M"), after.has("N")) == (False, True, None)


def test_joins_beyond_those_that_are_followed_are_refused() -> None:
    """Each brings in findings of its own, which hold for its columns alone."""
    text = _TEXTS["joins with columns"]
    assert not [p for p in assess(read(text(60))).problems if p.severity == "error"]
    assert "cannot be followed" in str(assess(read(text(70))).problems)


def test_widths_without_a_common_one_in_reach_are_no_traceback() -> None:
    """The least common multiple of some hundred widths is longer than any timespan."""
    text = _stages(lambda n: f"summarize by Timestamp = bin(Timestamp, {n + 1}s)")
    assert assess(read(text(300))).bin is not None


def test_functions_that_call_one_another_are_followed_however_many() -> None:
    """Each body is looked at once: a body that calls the next one twice would double the work."""
    bodies = "".join(
        f"let f{n} = (x: long) {{ f{n + 1}(x) + f{n + 1}(x) }};\n" for n in range(3000)
    )
    text = f"{bodies}let f3000 = (x: long) {{ prev(x) }};\nT | where f0(A) > 1"
    assert [problem.operator for problem in assess(read(text)).problems] == ["f0"]
