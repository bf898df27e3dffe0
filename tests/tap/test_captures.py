"""Answers in the shapes that were captured go through the tap, replayed by the emulator.

What their records are, written by hand, stands in `tests/core/test_answer.py`.
"""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import DIALECTS
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.schema import DynamicAs, Shape
from tests.samples import names, sample
from tests.tap.harness import Tenant

CAPTURES = [("graph", name) for name in names("results", "graph")]
CAPTURES += [("defender", name) for name in names("results", "mde", "xdr")]


def converted(api: str, body: bytes, dynamic_as: DynamicAs) -> list[dict[str, Any]]:
    """Return the records that the converter makes of a body."""
    answer = read_answer(body, DIALECTS[api])
    shape = Shape.of(answer.columns, row_id=False, dynamic_as=dynamic_as)
    return list(Converter(shape).records(answer.rows))


@pytest.mark.parametrize("dynamic_as", ["string", "json"])
@pytest.mark.parametrize(("api", "name"), CAPTURES, ids=[name for _, name in CAPTURES])
def test_captured_answer_becomes_valid_records(
    tenant: Tenant, api: str, name: str, dynamic_as: DynamicAs
) -> None:
    """The shape that a real service sent is written as records that the emitted schema promises."""
    body = sample(name).body
    tenant.emulator.fail_next(200, body=json.loads(body), times=2)  # the columns, then the rows
    query = {"name": "capture", "query": "Capture", "replication_method": "FULL_TABLE"}

    run = tenant.sync(query, api=api, dynamic_as=dynamic_as, row_id=False)

    (schema,) = run.schemas("capture")
    assert run.failed == {}
    assert run.records("capture") == converted(api, body, dynamic_as)
    assert "@odata" not in json.dumps(run.records("capture"))
    for record in run.records("capture"):
        Draft202012Validator(schema["schema"]).validate(record)
