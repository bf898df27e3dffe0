"""Every text has an answer in bounded time and room, and no query reads this machine's files."""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hunting_emulator.deadline import Deadline
from hunting_emulator.engine import Engine, KqlError, KqlUnsupportedError
from hunting_emulator.tables import Table
from tests.emulator.conftest import Client
from tests.emulator.texts import odd_texts

NOW = "2026-03-01T00:00:00Z"
LONG = (
    "range a from 1 to 300000 step 1 | extend k = 1 | join kind=inner "
    "(range b from 1 to 300000 step 1 | extend k = 1) on k | summarize sum(a * b)"
)
"""What would take hours."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A table with one row."""
    made = Engine(tables=(Table.of("T", {"a": "string", "n": "long"}),))
    made.load("T", [{"a": "x", "n": 1}])
    yield made
    made.close()


def nested(wrap: str, depth: int, inside: str) -> str:
    """Put a text into itself, so deep."""
    for _ in range(depth):
        inside = wrap.format(inside)
    return inside


@pytest.mark.parametrize(
    ("kql", "row"),
    [
        pytest.param(
            f"T | where {nested('({})', 100, 'n == 1')} | project a", ("x",), id="brackets"
        ),
        pytest.param(
            f"T | project b = {nested('strcat({}, 1)', 12, 'a')}", ("x" + "1" * 12,), id="strcat"
        ),
        pytest.param(f"T | project b = {nested('tostring({})', 20, 'n')}", ("1",), id="tostring"),
    ],
)
def test_nested_texts_are_answered(engine: Engine, kql: str, row: tuple[object, ...]) -> None:
    """Brackets within brackets change nothing, and nested calls make no more SQL than they need."""
    assert list(engine.run(kql, now=NOW).rows()) == [row]


@pytest.mark.parametrize(
    "kql",
    [
        pytest.param(f"T | project b = {nested('parse_json({})', 60, 'a')}", id="growing"),
        pytest.param(f"T | where n == {nested('(1 + {})', 500, '1')}", id="deep"),
        pytest.param("T" + " | extend b = a" * 1_000, id="operators"),
        pytest.param("print " + "1," * 40_000 + "1", id="long"),
        pytest.param(
            "let x0 = T; "
            + "".join(f"let x{i + 1} = union x{i}, x{i}; " for i in range(40))
            + "x40 | count",
            id="doubled",
        ),
        pytest.param("T" + " | join kind=inner (T) on a" * 60 + " | count", id="joins"),
    ],
)
def test_texts_beyond_all_bounds_are_the_emulators_own_limit(engine: Engine, kql: str) -> None:
    """With a reason, and before any work."""
    with pytest.raises(KqlUnsupportedError, match=r"nested|tokens|operators|reads tables|joins"):
        engine.run(kql, now=NOW)


@pytest.mark.parametrize("source", ["['{}']", "table('{}')", "union ['{}'], T"])
def test_no_file_of_this_machine_is_read(engine: Engine, tmp_path: Path, source: str) -> None:
    """DuckDB takes a file's name for a table's; here it may not."""
    file = tmp_path / "secret.csv"
    file.write_text("a\nsecret\n")

    with pytest.raises(KqlError) as caught:
        list(engine.run(source.format(file), now=NOW).rows())

    assert "secret\n" not in str(caught.value)


def test_a_long_query_is_interrupted(engine: Engine) -> None:
    """Not told afterwards that it took too long."""
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        engine.run(LONG, now=NOW, seconds=0.5)

    assert time.monotonic() - started < 60


# the interruption may come while the collector calls back, which tells of it by a warning
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_text_that_takes_long_to_translate_is_interrupted(engine: Engine) -> None:
    """The translation is Python, which no time-out of DuckDB's reaches."""
    long = "T | where " + " or ".join(f"a == '{n}'" for n in range(5_000))

    with pytest.raises(TimeoutError):
        engine.run(long, now=NOW, seconds=0.1)

    assert list(engine.run("T | project n", now=NOW, seconds=60).rows()) == [(1,)]


def test_python_past_its_deadline_is_interrupted() -> None:
    """Though it would never end, and whatever it excepts."""

    def endless() -> None:
        while True:
            with suppress(Exception):
                sum(range(100))

    with pytest.raises(TimeoutError):
        Deadline(0.05).kept(endless)


def test_an_interruption_that_is_swallowed_comes_again() -> None:
    """A destructor lets no exception out; the work behind it is not without end for that."""

    def spin() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            sum(range(100))

    def swallows_one() -> None:
        with suppress(BaseException):
            spin()
        spin()

    with pytest.raises(TimeoutError):
        Deadline(0.05).kept(swallows_one)


@pytest.mark.parametrize("seconds", [60, 0.05])
def test_python_can_be_traced_after_a_deadline(seconds: float) -> None:
    """An interruption that never came, or came, is nothing that the interpreter waits for."""
    code = f"""
import sys
from contextlib import suppress
from hunting_emulator.deadline import Deadline
def endless():
    while True:
        pass
with suppress(TimeoutError):
    Deadline({seconds}).kept(endless if {seconds} < 1 else int)
entered = []
def traced(): pass
sys.setprofile(lambda frame, event, _: entered.append(frame.f_code.co_name))
traced()
sys.setprofile(None)
print(*entered)
"""

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)

    assert b"traced" in ran.stdout


def test_what_is_held_runs_to_its_end() -> None:
    """A lock that is taken is given back, and a database is asked to the end."""
    deadline, done = Deadline(0.01), []

    def work() -> None:
        with deadline.held():
            while deadline.left:
                sum(range(100))
            done.append("held")
        while True:
            sum(range(100))

    with pytest.raises(TimeoutError):
        deadline.kept(work)

    assert done == ["held"]


def test_rows_that_are_asked_for_too_late_are_not_given(engine: Engine) -> None:
    """Making an answer of the rows belongs to a query's time, too."""
    result = engine.run("range x from 1 to 10 step 1", now=NOW, seconds=60)
    late = replace(result, deadline=Deadline(0))

    assert next(result.batches(2)) == [(1,), (2,)]
    with pytest.raises(TimeoutError):
        list(late.rows())


def test_a_deadline_that_has_come_already_is_a_time_out() -> None:
    """Before the first line of the work, too."""
    for _ in range(20):
        with pytest.raises(TimeoutError):
            Deadline(0).kept(lambda: time.sleep(0.5))


def test_what_ends_in_time_is_not_interrupted() -> None:
    """And a deadline without seconds never comes."""
    assert Deadline(60).kept(lambda: 1) == 1
    assert Deadline().kept(lambda: 2) == 2
    assert Deadline().left is None


def test_the_limit_of_time_is_a_504(client: Client) -> None:
    """As captured, and long before the query would have ended."""
    client.emulator.configure(query_seconds=0.5)

    answer = client.hunt(LONG)

    assert answer.status_code == 504


def answered(ask: Callable[[str], object], text: str) -> bool:
    """Say whether a text ends in an answer or in one of the errors that are told."""
    try:
        ask(text)
    except (KqlError, TimeoutError):
        return True
    return True


def test_odd_texts_are_answered(engine: Engine) -> None:
    """Nesting, length, odd characters: no text ends in another error than those that are told.

    `make fuzz-emulator` asks for many more.
    """
    for text in odd_texts(random.Random(7), 12):
        assert answered(lambda kql: engine.run(kql, now=NOW, seconds=20).rows(), text)


def test_rows_on_disk_go_with_the_engine() -> None:
    """What is in a file answers as what is in memory does, and leaves nothing behind."""
    engine = Engine(tables=(Table.of("T", {"n": "long"}),), on_disk=True)
    engine.load("T", [{"n": 1}])
    [(_, _, file)] = engine.store.cursor().execute("PRAGMA database_list").fetchall()

    assert list(engine.run("T", now=NOW).rows()) == [(1,)]
    assert Path(file).exists()

    engine.close()

    assert not Path(file).parent.exists()
