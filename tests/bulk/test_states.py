"""What is there when a state comes out, and after whatever goes wrong."""

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from bulk_loader.errors import LoadError
from bulk_loader.intake import Intake
from bulk_loader.loading import load
from bulk_loader.opening import opened
from bulk_loader.settings import Settings
from bulk_loader.slices import Commit
from tests.bulk.loads import Database, Json, line, record, schema, state

COMMAND = (sys.executable, "-m", "bulk_loader")
ABOUT = schema("s", {"id": "whole", "v": "text"}, "id")


def numbered(count: int, *, every: int, start: int = 0) -> list[Json]:
    """Return the messages of so many rows, with a state that counts them every so often."""
    messages = [ABOUT]
    for n in range(start, count):
        messages.append(record("s", {"id": n, "v": f"row {n}"}))
        if (n + 1) % every == 0:
            messages.append(state(n + 1))
    return messages


def test_last_state_comes_out(database: Database) -> None:
    """Of the states of one transaction only the last is told, as it came."""
    database.load(*numbered(10, every=3))

    assert database.states == [9]
    assert database.ask("SELECT count(*) FROM s") == [(10,)]


def test_rows_are_there_for_good_when_their_state_comes_out(database: Database) -> None:
    """Another connection, which sees only what is committed, finds them."""
    seen: list[int] = []

    def emit(_: bytes) -> None:
        with duckdb.connect(str(database.file), config={"memory_limit": "256MB"}) as connection:
            [[count]] = connection.execute("SELECT count(*) FROM s").fetchall()
            seen.append(count)

    text = b"".join(map(line, numbered(30, every=10)))
    load(Settings(database=database.file), Once(text), emit, commit_bytes=1)

    assert seen == [10, 20, 30]


def test_state_is_passed_on_as_it_came(database: Database) -> None:
    """Digits and order of keys are none of a target's business."""
    told: list[bytes] = []
    text = b'{"value": {"b": 1.10, "a": 12345678901234567890123}, "type": "STATE"}\n'
    items = Intake(Once(text), database.folder).items()

    told.extend(item.state for item in items if isinstance(item, Commit) and item.state)

    assert told == [b'{"b": 1.10, "a": 12345678901234567890123}']


class Once:
    """Reads a text to its end."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def __call__(self, size: int) -> bytes:
        """Return what is next."""
        taken, self._text = self._text[:size], self._text[size:]
        return taken


@pytest.mark.parametrize("at_once", [1, 7, 100, 4096])
def test_lines_come_in_any_pieces(at_once: int, database: Database) -> None:
    """A pipe cuts where it likes."""
    text = b"".join(map(line, numbered(50, every=7)))

    database.load_bytes(text, at_once=at_once)

    assert database.ask("SELECT count(*), sum(id) FROM s") == [(50, 1225)]
    assert database.states[-1] == 49


HEAD = b'{"type":"RECORD","stream":"s","record":'
BROKEN = {
    "no-json": (HEAD + b'{"id":7,"v":secret}}\n', "Line 5 is no"),
    "no-record": (HEAD + b'{"id":7,"v":"secret"}\n', "Line 5 is no"),
    "two-in-a-line": (
        b'{"type":"RECORD","stream":"s","record":{"id":7}} {"secret":1}\n', "Line 5 is no",
    ),
    "not-utf-8": (b'{"type":"RECORD","stream":"s","record":{"id":7,"v":"\xff"}}\n', "Line 5 is no"),
    "record-is-a-list": (b'{"type":"RECORD","stream":"s","record":[1]}\n', "Line 5 is no"),
    "record-is-null": (b'{"type":"RECORD","stream":"s","record":null}\n', "Line 5 of stream"),
    "words": (b"secret\n", "Line 5 is no Singer message"),
    "key-twice": (HEAD + b'{"id":7,"id":8}}\n', "Line 5 has the key 'id' twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_line_ends_the_load(name: str, database: Database) -> None:
    """Its number is told and nothing of what is in it; no state after it comes out."""
    broken, said = BROKEN[name]

    with pytest.raises(LoadError) as failed:
        database.load(*numbered(2, every=2), broken, *numbered(5, every=5, start=2))

    assert said in str(failed.value)
    assert "secret" not in str(failed.value)
    assert 5 not in database.states


def test_cut_line_leaves_what_the_last_state_says(database: Database) -> None:
    """A tap that was killed: rows up to the state are there, and not one more."""
    with pytest.raises(LoadError, match="The last line is cut"):
        database.load(*numbered(5, every=3), b'{"type":"RECORD","stream":"s","rec')

    assert database.states == [3]
    assert database.ask("SELECT count(*) FROM s") == [(3,)]


def test_line_without_its_newline_is_a_line(database: Database) -> None:
    """The last one may lack it."""
    database.load(*numbered(3, every=10), line(state(3)).rstrip())

    assert database.states == [3]


def test_empty_lines_are_none(database: Database) -> None:
    """They are counted, and nothing else."""
    database.load(ABOUT, b"\n", record("s", {"id": 1}), b"  \n\n", record("s", {"id": 2}))

    with pytest.raises(LoadError, match="Line 6 of stream 's' has no value in key"):
        database.load(ABOUT, b"\n", record("s", {"id": 1}), b"  \n\n", record("s", {"v": "x"}))


def test_nothing_is_an_empty_load(database: Database) -> None:
    """A tap that writes nothing is no error."""
    assert database.load() == 0


def test_duckdb_draws_no_progress_between_the_states(tmp_path: Path) -> None:
    """Its bar goes to standard output, where states are read."""
    with opened(tmp_path / "rows.duckdb", "256MB") as connection:
        drawn = connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()

    assert drawn == (False,)


def test_second_writer_is_told(database: Database) -> None:
    """Only one process may have the file; the message says so and nothing is changed."""
    database.load(*numbered(3, every=3))
    with duckdb.connect(str(database.file)):
        done = subprocess.run(
            [*COMMAND], input=line(ABOUT), capture_output=True, check=False,
            env=os.environ | {"TARGET_BULK_DUCKDB_DATABASE": str(database.file)},
        )  # fmt: skip

    assert done.returncode == 1
    assert b"is open in another process, and only one can write" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("megabytes", [1, 4, 12])
def test_full_disk_is_told(megabytes: int, database: Database) -> None:
    """Whichever file has no room: status 1, a line, and a state only for what is there."""
    draw = random.Random(megabytes)
    lines = [line(ABOUT)]
    for n in range(30_000):
        lines.append(line(record("s", {"id": n, "v": draw.randbytes(250).hex()})))
        if n % 1000 == 999:
            lines.append(line(state(n + 1)))

    done = subprocess.run(
        [*COMMAND], input=b"".join(lines), capture_output=True, check=False,
        env=os.environ | {"TARGET_BULK_DUCKDB_DATABASE": str(database.file)},
        preexec_fn=smallest(megabytes << 20),
    )  # fmt: skip

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    told = [json.loads(text) for text in done.stdout.splitlines()]
    held = database.ask("SELECT count(*) FROM s") if told else [(0,)]
    assert held[0][0] >= max(told, default=0)
    database.load_bytes(b"".join(lines))
    assert database.ask("SELECT count(*) FROM s") == [(30_000,)]


def smallest(size: int) -> Callable[[], None]:
    """Return what lets no file grow beyond a size."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def fed(process: subprocess.Popen[bytes], messages: list[Json], pause: float) -> Iterator[int]:
    """Write messages one by one, slowly; yield how many bytes there were."""
    assert process.stdin is not None
    size = 0
    for message in messages:
        text = line(message)
        process.stdin.write(text)
        process.stdin.flush()
        size += len(text)
        time.sleep(pause)
        yield size


def test_pause_of_the_tap_lets_rows_in(database: Database) -> None:
    """A tap that waits for its quota has what it wrote in the table, and its state out."""
    environment = os.environ | {"TARGET_BULK_DUCKDB_DATABASE": str(database.file)}
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        for _ in fed(process, numbered(4, every=4), 0):
            pass
        assert process.stdout is not None
        came = process.stdout.readline()
        assert process.stdin is not None
        process.stdin.close()

    assert json.loads(came) == 4
    assert database.ask("SELECT count(*) FROM s") == [(4,)]


def test_slices_of_a_killed_load_are_removed(database: Database) -> None:
    """The next load takes them away, and leaves none of its own."""
    left = database.file.with_name("rows.duckdb.slices")
    left.mkdir()
    (left / "0.ndjson").write_bytes(b"left")

    database.load(*numbered(3, every=3))

    assert [file.name for file in database.folder.iterdir()] == [database.file.name]


def test_stopping_by_hand_is_no_traceback(database: Database, tmp_path: Path) -> None:
    """Status 1 and a line where standard output is closed."""
    lines = tmp_path / "lines"
    lines.write_bytes(b"".join(map(line, numbered(3, every=3))))
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [*COMMAND, "--input", str(lines)], stdout=writer, stderr=subprocess.PIPE, check=False,
        env=os.environ | {"TARGET_BULK_DUCKDB_DATABASE": str(database.file)},
    )  # fmt: skip
    os.close(writer)

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
