"""Messages that are odd or broken: what is wrong is told by line, without a value."""

import os
import subprocess
import sys

import pytest

from bulk_loader.errors import LoadError
from tests.bulk.loads import Database, line, record, schema, state

ABOUT = schema("s", {"id": "whole", "v": "text"}, "id")
DEEP = b"[" * 1100 + b"]" * 1100
HEAD = b'{"type":"RECORD","stream":"s","record":'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b'{"type":"STATE","value":%b}\n', "Line 2 is nested too deeply", id="state"),
        pytest.param(
            b'{"type":"SCHEMA","stream":"t","schema":{"properties":{"id":{"x":%b}}}}\n',
            "Line 2 is nested too deeply", id="schema",
        ),
        pytest.param(
            b'{"stream":"s","record":{"id":1,"v":%b},"type":"RECORD"}\n',
            "Line 2 is nested too deeply", id="record",
        ),
    ],
)  # fmt: skip
def test_message_nested_too_deeply_is_told(text: bytes, said: str, database: Database) -> None:
    """Whatever it is, it is no traceback."""
    with pytest.raises(LoadError, match=said):
        database.load(ABOUT, text % DEEP)


def test_cell_nested_too_deeply_is_told(database: Database) -> None:
    """In a column of JSON."""
    about = schema("s", {"id": "whole", "v": "nested"}, "id")

    with pytest.raises(LoadError, match="Line 2 is nested too deeply"):
        database.load(about, HEAD + b'{"id":1,"v":%b}}\n' % DEEP)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        pytest.param(b'{"id":1,"v":"secret","v":"b"}}\n', "has the key 'v' twice", id="key"),
        pytest.param(
            b'{"id":1},"record":{"id":2}}\n', "has the key 'record' twice", id="record"
        ),
        pytest.param(
            b'{"id":1},"version":99999999999999999999}\n', "no integer of 64 bits", id="version"
        ),
        pytest.param(b'{"id":1},"version":"secret"}\n', "no integer of 64 bits", id="no-version"),
    ],
)  # fmt: skip
def test_record_that_cannot_be_read_is_told(rest: bytes, said: str, database: Database) -> None:
    """By its very line, though DuckDB reads many at once."""
    with pytest.raises(LoadError, match=f"^Line 3 .*{said}") as failed:
        database.load(ABOUT, record("s", {"id": 0}), HEAD + rest, record("s", {"id": 5}))

    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("more", [{}, {"Bag": "nested"}], ids=["alone", "beside-json"])
@pytest.mark.parametrize(("about", "held"), [("number", "nan"), ("text", "NaN")])
def test_nan_is_taken_where_a_column_has_room_for_it(
    about: str, held: str, more: dict[str, str], database: Database
) -> None:
    """Python writes it for floats, though it is no JSON."""
    columns = schema("s", {"id": "whole", "Value": about, **more}, "id")

    database.load(columns, HEAD + b'{"id":0,"Value":NaN}}\n', HEAD + b'{"id":1,"Value" : NaN }}\n')

    assert database.column("s", "Value") == [held, held]


@pytest.mark.parametrize("about", ["nested", "exact"])
def test_nan_is_told_where_there_is_no_room_for_it(about: str, database: Database) -> None:
    """It is not said to be no JSON without the reason."""
    with pytest.raises(LoadError, match="Line 2 has NaN or Infinity"):
        database.load(
            schema("s", {"id": "whole", "v": about}, "id"), HEAD + b'{"id":1,"v":-Infinity}}\n'
        )


def test_state_without_value_is_refused(database: Database) -> None:
    """As an empty state it would let the next run begin anew."""
    with pytest.raises(LoadError, match="Line 3 is a STATE without value"):
        database.load(ABOUT, state(1), {"type": "STATE"})

    assert database.states == [1]


def test_mark_of_byte_order_is_none_of_the_first_line(database: Database) -> None:
    """Windows' tools write it before text."""
    database.load_bytes(b"\xef\xbb\xbf" + line(ABOUT) + line(record("s", {"id": 1})))

    assert database.rows("s") == 1


@pytest.mark.parametrize("kind", ["SCHEMA", "RECORD"])
def test_message_without_stream_is_told(kind: str, database: Database) -> None:
    """Nothing can be done with it."""
    with pytest.raises(LoadError, match=f"Line 1 is a {kind} without stream"):
        database.load({**ABOUT, "type": kind, "stream": ""})


@pytest.mark.parametrize(("closed", "said"), [("<&-", "input"), (">&-", "output")])
def test_closed_stream_is_told(closed: str, said: str, database: Database) -> None:
    """A shell may close it; status 1 and a line."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$0" -m bulk_loader {closed}', sys.executable],
        input=line(ABOUT), capture_output=True, check=False,
        env=os.environ | {"TARGET_BULK_DUCKDB_DATABASE": str(database.file)},
    )  # fmt: skip

    assert done.returncode == 1
    assert f"Standard {said} is closed".encode() in done.stderr
    assert b"Traceback" not in done.stderr
