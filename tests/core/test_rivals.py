"""The tap that the benchmark compares with makes the rows which it says it makes."""

import json
from typing import Any, Final

import pytest

from bench.payload import answer
from bench.rivals.conventional import HuntingTap
from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import GRAPH
from tap_m365hunting.wire.fast_records import plain_blocks
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Shape

BODY: Final = answer(300)


def _as_this_tap_has_them() -> list[dict[str, Any]]:
    with read_answer(BODY, GRAPH) as found:
        converter = Converter(Shape.of(found.columns), found.columns)
        blocks = list(plain_blocks(converter, found, RowIds()))
    return [dict(record) for block in blocks for record in block.records]


def _as_the_conventional_tap_has_them(rows: str) -> list[dict[str, Any]]:
    tap = HuntingTap(config={"url": "https://localhost", "tables": ["T"], "rows": rows})
    stream = tap.streams["T"]
    return [dict(stream.post_process(row) or {}) for row in json.loads(BODY)["results"]]


def _without(name: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take a column out, and read the text of the dynamic one."""
    return [
        {
            key: json.loads(cell) if key == "AdditionalFields" else cell
            for key, cell in record.items()
            if key != name
        }
        for record in records
    ]


def test_rows_put_right_by_a_conventional_tap_are_those_of_this_tap() -> None:
    """So that what both take for them can be compared."""
    ours = _without("_row_id", _as_this_tap_has_them())
    assert _without("", _as_the_conventional_tap_has_them("right")) == ours


def test_rows_named_by_a_conventional_tap_have_an_id_of_their_own_each() -> None:
    """Hashes are not those of this tap, only as long."""
    named = _as_the_conventional_tap_has_them("right-and-named")
    assert _without("_row_id", named) == _without("_row_id", _as_this_tap_has_them())
    ids = {record["_row_id"] for record in named}
    assert len(ids) == len(named)
    assert {len(row_id) for row_id in ids} == {32}


@pytest.mark.parametrize("rows", ["as-they-came", "right", "right-and-named"])
def test_schema_of_the_conventional_tap_names_what_its_records_have(rows: str) -> None:
    """The SDK drops a property that its schema does not have, which would be work not done."""
    tap = HuntingTap(config={"url": "https://localhost", "tables": ["T"], "rows": rows})
    known = set(tap.streams["T"].schema["properties"])
    (record,) = _as_the_conventional_tap_has_them(rows)[:1]
    assert known == {key for key in record if "@odata." not in key}
