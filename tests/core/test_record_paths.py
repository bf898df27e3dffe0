"""Rows read many at a time are those that are read one by one: many rows, and broken answers."""

from collections.abc import Sequence
from io import BytesIO
from random import Random
from typing import Final, TypedDict

import pytest
from typing_extensions import override

from bench.bodies import CELLS, sheet, written
from bench.fuzz import case, finding, outcome
from bench.oddities import ODDITIES, odd_body
from bench.payload import answer as answer_of
from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import DEFENDER, GRAPH, Dialect
from tap_m365hunting.wire.fast_records import BlockConverter, plain_blocks
from tap_m365hunting.wire.json_text import ENCODER
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.row_types import RowTypes
from tap_m365hunting.wire.schema import Column, Shape

ROWS: Final = 10_000
COLUMNS: Final = {"Timestamp": "DateTime", **{f"A{type_}": type_ for type_ in CELLS}}


class _Window(TypedDict):
    tenant_id: str
    window_start: str


WINDOW: Final[_Window] = {
    "tenant_id": 'a "tenant"',
    "window_start": "2026-03-01T00:00:00.0000000Z",
}


class _Tally(RowIds):
    """Ids that count the rows which asked for them many at a time."""

    at_once = 0

    @override
    def give_all(self, digests: Sequence[bytes], instants: Sequence[str | None] = ()) -> list[str]:
        self.at_once += len(digests)
        return super().give_all(digests, instants)


@pytest.mark.parametrize("dialect", [GRAPH, DEFENDER], ids=["graph", "defender"])
@pytest.mark.parametrize(
    "odd", [pytest.param(0.0, id="as-promised"), pytest.param(0.0003, id="odd")]
)
def test_both_ways_give_the_same_bytes_for_twenty_thousand_rows(
    dialect: Dialect, odd: float
) -> None:
    """Of every type of column; a few odd cells send few rows the slow way."""
    random = Random(f"{dialect.name} {odd}")
    made = sheet(random, COLUMNS, ROWS, odd=odd)
    body = written(random, made.outer(graph=dialect is GRAPH))
    with read_answer(BytesIO(body), dialect, chunk=1 << 15) as answer:
        shape = Shape.of(answer.columns)
        quick, plain, slow = (
            Converter(shape, answer.columns, cursor="Timestamp") for _ in range(3)
        )
        ids = _Tally(**WINDOW)

        blocks = list(BlockConverter(quick).blocks(answer, ids))
        dicts = list(plain_blocks(plain, answer, RowIds(**WINDOW)))
        singly = [ENCODER.encode(r) for r in slow.records(answer.rows, RowIds(**WINDOW))]

    assert [record for block in blocks for record in block.records] == singly
    assert [ENCODER.encode(record) for block in dicts for record in block.records] == singly
    assert [block.cursors for block in dicts] == [block.cursors for block in blocks]
    assert quick.misfits == plain.misfits == slow.misfits
    assert len(singly) == answer.count == ROWS
    assert ids.at_once == ROWS if not odd else ids.at_once > 0.9 * ROWS


@pytest.mark.parametrize("seed", range(0, 1000, 100))
def test_a_broken_or_odd_answer_is_an_error_or_right(seed: int) -> None:
    """Whatever bytes come: no wrong record, no broken line, and no error without a name."""
    findings = {number: finding(case(number)) for number in range(seed, seed + 25)}

    assert not {number: found for number, found in findings.items() if found}


def test_bodies_that_are_thrown_at_it_are_broken_and_odd_in_many_ways() -> None:
    """A fuzzer whose bodies are all refused, or all fine, would find nothing."""
    outcomes = [outcome(case(number), "at once, in pieces") for number in range(200)]

    refused = sum(isinstance(outcome, str) for outcome in outcomes)
    assert 40 < refused < 160
    assert len({len(outcome[0]) for outcome in outcomes if isinstance(outcome, tuple)}) > 3


@pytest.mark.parametrize("kind", ODDITIES)
def test_an_odd_row_sends_no_other_row_the_slow_way(kind: str) -> None:
    """Nor itself: its column is read as one of any value, or its key found in another case."""
    body = odd_body(600, ODDITIES[kind])
    with read_answer(BytesIO(body), GRAPH, chunk=1 << 15) as answer:
        shape = Shape.of(answer.columns)
        quick, slow = (Converter(shape, answer.columns, cursor="Timestamp") for _ in range(2))
        ids = _Tally(**WINDOW)

        blocks = list(BlockConverter(quick).blocks(answer, ids))
        singly = [ENCODER.encode(r) for r in slow.records(answer.rows, RowIds(**WINDOW))]

    assert [record for block in blocks for record in block.records] == singly
    assert quick.misfits == slow.misfits
    assert ids.at_once == answer.count == 600


def test_types_that_are_kept_fit_each_answer_of_a_stream() -> None:
    """Odd columns, other tenants, other columns, and the first ones again; misfits stay apart."""
    types, bodies = RowTypes(), [odd_body(300, odd) for odd in ODDITIES.values()]
    bodies = [answer_of(50), *bodies, answer_of(50), *bodies[:2]]
    shapes = dict[tuple[Column, ...], Shape]()
    for number, body in enumerate(bodies):
        with read_answer(BytesIO(body), GRAPH) as answer:
            shape = shapes.setdefault(
                answer.columns, Shape.of(answer.columns, tenant=("tenant_id",))
            )
            tenant = {"tenant_id": f"tenant {number % 2}"}
            quick, slow = (
                Converter(shape, answer.columns, cursor="Timestamp", tenant=tenant)
                for _ in range(2)
            )

            blocks = BlockConverter(quick, types=types).blocks(answer, RowIds())
            records = [record for block in blocks for record in block.records]
            singly = [ENCODER.encode(r) for r in slow.records(answer.rows, RowIds())]

        assert records == singly
        assert quick.misfits == slow.misfits
