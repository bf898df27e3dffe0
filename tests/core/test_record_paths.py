"""Rows read many at a time are those that are read one by one: many rows, and broken answers."""

from collections.abc import Sequence
from io import BytesIO
from random import Random
from typing import Final, TypedDict

import pytest
from typing_extensions import override

from bench.bodies import CELLS, sheet, written
from bench.fuzz import case, finding, outcome
from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import DEFENDER, GRAPH, Dialect
from tap_m365hunting.wire.fast_records import BlockConverter, plain_blocks
from tap_m365hunting.wire.json_text import ENCODER
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Shape

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
    """Of every type of column; a few odd cells send some of the pieces the slow way, not all."""
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
    assert ids.at_once == ROWS if not odd else ROWS / 2 < ids.at_once < ROWS


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
