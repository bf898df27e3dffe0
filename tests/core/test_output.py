"""What is written is what the SDK would have written, only sooner."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.json import serialize_json

from tap_m365hunting.output import Signals, WholeLines

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "é \U0001f600 \n\u2028",
        2**70,
        0.1,
        float("nan"),
        True,
        None,
        Decimal("1.10"),
        pytest.param(AT, id="instant"),
        pytest.param(date(2026, 3, 1), id="day"),
        pytest.param(UUID(int=7), id="guid"),
        pytest.param([1, AT], id="list"),
        pytest.param({"a": {"at": AT}}, id="bag"),
        pytest.param("\ud800", id="half-a-pair"),
    ],
)
def test_a_record_says_what_the_sdk_would_say(
    value: Any,  # noqa: ANN401 - anything that a stream map can make
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A stream map may make any value, and loaders know the SDK's way to write it."""
    message = RecordMessage("events", {"a": value, "b": 1}, version=7, time_extracted=AT)

    WholeLines(Signals()).write_message(message)

    line = capsysbinary.readouterr().out
    assert line.count(b"\n") == 1
    assert json.loads(line, parse_float=Decimal) == json.loads(
        serialize_json(message.to_dict()), parse_float=Decimal
    )
