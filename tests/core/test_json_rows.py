"""Rows are found in the bytes of an answer, wherever the chunks end."""

import json
import time
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_m365hunting.errors import ServiceError
from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import GRAPH
from tap_m365hunting.wire.json_rows import Layout, split
from tap_m365hunting.wire.json_text import parse
from tests.core.wire import dynamics

# what a cut is looked for by, inside of values
_traps = st.sampled_from(
    ['},{"N":1', '"},{"N', "}]}", '\\"},{\\"N', "],", '{"results":[', "é\ud83d"]
)
_halves = st.sampled_from(["\ud83d", "\ude00", "\U0001f600", "\\ud83d", "\\", "x" * 40])
_cells = _traps | st.lists(st.fixed_dictionaries({"N": _traps}), max_size=3) | dynamics
_rows = st.lists(st.fixed_dictionaries({"N": _cells}, optional={"S": _cells}), max_size=8)


def _read(body: bytes, layout: Layout) -> list[Any]:
    stream = BytesIO(body)
    return [row for piece in layout.pieces for row in json.loads(piece.read(stream))]


def _body(rows: list[Any], *, indent: int | None = None, **after: Any) -> bytes:  # noqa: ANN401
    separators = None if indent else (",", ":")
    outer = {"a": '"results":[', "b": {"results": [1]}, "results": rows, **after}
    return json.dumps(outer, indent=indent, separators=separators).encode()


@given(_rows, st.integers(120, 400), st.sampled_from([None, 1]))
@example([{"N": '"},{"N'}] * 8, 120, None)
def test_rows_are_whole_wherever_chunks_end(
    rows: list[Any], chunk: int, indent: int | None
) -> None:
    """Neither a string nor a nested object that looks like a row is cut."""
    body = _body(rows, indent=indent, Stats={"x": [{"n": []}]})

    layout = split(BytesIO(body), "results", chunk=chunk)

    if layout is not None:  # a row larger than many chunks is left to be read whole
        assert _read(body, layout) == parse(json.dumps(rows))
        assert sum(piece.rows for piece in layout.pieces) == len(rows)
        assert layout.outer["Stats"] == {"x": [{"n": []}]}


@given(st.lists(st.lists(_halves, max_size=9).map("".join), max_size=40), st.integers(120, 400))
def test_half_surrogate_pairs_are_replaced_wherever_chunks_end(
    texts: list[str], chunk: int
) -> None:
    """And pairs, and texts that only look like a half, stay as they are."""
    rows = [{"N": text} for text in texts]
    body = _body(rows)

    layout = split(BytesIO(body), "results", chunk=chunk)

    if layout is not None:
        assert _read(body, layout) == parse(json.dumps(rows))


def test_half_surrogate_pairs_in_their_thousands_are_left_to_whoever_reads_rows() -> None:
    """An answer full of them takes no more memory than others."""
    rows = [{"N": "\ud83d" * 200} for _ in range(50)]
    body = _body(rows)

    layout = split(BytesIO(body), "results", chunk=4096)

    assert layout is not None
    assert max(len(piece.halves) for piece in layout.pieces) < 100
    assert parse(json.dumps(_read(body, layout))) == parse(json.dumps(rows))


@given(_rows, st.data())
def test_no_answer_that_was_cut_off_is_taken_for_whole(
    rows: list[Any], data: st.DataObject
) -> None:
    """Wherever the connection broke."""
    body = _body(rows, Schema=[])
    end = data.draw(st.integers(0, len(body) - 1))

    assert split(BytesIO(body[:end]), "results", chunk=200) is None


def test_large_answers_are_cut_many_times() -> None:
    """A piece is about a chunk, however many rows there are."""
    body = _body([{"N": n, "S": "x" * 50} for n in range(1000)])

    layout = split(BytesIO(body), "results", chunk=4096)

    assert layout is not None
    assert len(layout.pieces) > 10
    assert max(piece.size for piece in layout.pieces) < 2 * 4096


def test_objects_inside_of_rows_do_not_hide_where_rows_end() -> None:
    """Most of what looks like a new row is part of one; the cut before it still holds."""
    body = _body([{"N": n, "S": [{"N": 0}] * 20} for n in range(500)])

    layout = split(BytesIO(body), "results", chunk=1024)

    assert layout is not None
    assert max(piece.size for piece in layout.pieces) < 2 * 1024


def test_a_row_larger_than_a_chunk_is_one_piece() -> None:
    """A bag may be as large as the service lets it."""
    rows = [{"N": 1}, {"N": "x" * 1000}, {"N": 2}]
    body = _body(rows)

    layout = split(BytesIO(body), "results", chunk=128)

    assert layout is not None
    assert _read(body, layout) == rows


def test_a_row_full_of_what_looks_like_rows_is_found_in_time() -> None:
    """Its own objects begin as rows do, thousands of times; each is looked at a few times."""
    rows = [{"N": n, "S": [{"N": 0}] * 40_000} for n in range(3)]
    body = _body(rows)
    started = time.process_time()

    layout = split(BytesIO(body), "results", chunk=1 << 15)

    assert time.process_time() - started < 5
    assert layout is not None
    assert _read(body, layout) == rows


def test_a_row_full_of_lists_is_known_to_be_cut_off_in_time() -> None:
    """Each of their ends might be the end of the rows."""
    body = b'{"results":[{"N":[' + b'["a"],' * 200_000
    started = time.process_time()

    assert split(BytesIO(body), "results") is None

    assert time.process_time() - started < 5


def test_rows_before_many_lists_are_found() -> None:
    """What follows the rows may be full of what looks like their end."""
    rows = [{"N": n} for n in range(9)]
    body = _body(rows, Stats=[[n] for n in range(50)])

    layout = split(BytesIO(body), "results")

    assert layout is not None
    assert _read(body, layout) == rows
    assert len(layout.outer["Stats"]) == 50


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_body([{"N": "x" * 9000}]), id="a-row-too-large"),
        pytest.param(
            _body([{"N": n} for n in range(99)]).replace(b'"N":50', b'"N"50'), id="a-flaw"
        ),
        pytest.param(
            _body([{"N": n} for n in range(999)]).replace(b'"N":5}', b'"N"5}'), id="early"
        ),
        pytest.param(_body([{"N": 1}, 5]), id="not-all-objects"),
        pytest.param(b'{"no":"rows"}', id="no-rows"),
        pytest.param(b'[{"results":[]}]', id="not-an-object"),
        pytest.param(b'{"x":"' + b"x" * 500 + b'","results":[]}', id="rows-far-behind"),
        pytest.param(b'{"results":[' + b"[" * 5000 + b"]" * 5000 + b"]}", id="nested-too-deep"),
    ],
)
def test_what_cannot_be_cut_is_left_to_be_read_whole(body: bytes) -> None:
    """Whether it is broken or only unusual is for the reader of all of it to say."""
    assert split(BytesIO(body), "results", chunk=128) is None


@pytest.mark.parametrize("again", ["results", "Results"])
@pytest.mark.parametrize("second", [[], [{"N": 2}], None])
def test_rows_that_are_there_twice_are_refused(again: str, second: Any) -> None:  # noqa: ANN401
    """Whichever were taken, the others would be lost without a word."""
    body = _body([{"N": 1}], twice=second).replace(b'"twice"', f'"{again}"'.encode())

    with pytest.raises(ValueError, match="results twice"):
        split(BytesIO(body), "results")
    for chunk in (16, 1 << 18):
        with pytest.raises(ServiceError, match="answered 200, but it holds results twice"):
            read_answer(body, GRAPH, chunk=chunk)


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(b'"\\ud800"', id="half-a-pair"),
        pytest.param(b"NaN", id="bare-nan"),
        pytest.param(b'"\xff"', id="broken-utf8"),
        pytest.param(b"1e999", id="large-number"),
    ],
)
def test_odd_cells_do_not_keep_an_answer_whole(cell: bytes) -> None:
    """One odd cell in a large answer costs its own piece only."""
    rows = [b'{"N":%d}' % n for n in range(200)]
    rows[100] = b'{"N":%b}' % cell
    body = b'{"results":[%b]}' % b",".join(rows)

    layout = split(BytesIO(body), "results", chunk=128)

    assert layout is not None
    assert sum(piece.rows for piece in layout.pieces) == 200
    assert len(layout.pieces) > 5
