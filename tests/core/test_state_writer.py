"""STATE lines are written when there is more to lose without one than a line costs."""

import json
from typing import Any, cast

import pytest
from singer_sdk.helpers import types

from tap_m365hunting.output import Signals, WholeLines
from tap_m365hunting.state_writer import WINDOW_BYTES, WorthwhileStateWriter


def state_of(tenants: int, value: str = "2026-03-01T00:00:00.0000000Z") -> types.TapState:
    """Return the state of one stream in so many tenants."""
    bookmark = {"replication_key": "Timestamp", "replication_key_value": value}
    partitions = [{"context": {"tenant_id": f"tenant-{n}"}, **bookmark} for n in range(tenants)]
    return cast(types.TapState, {"bookmarks": {"events": {"partitions": partitions}}})


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the values of the STATE lines since the last look."""
    return [json.loads(line)["value"] for line in capsys.readouterr().out.splitlines()]


def test_every_window_of_few_streams_has_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    """A short line costs less than a window to be read again."""
    writer = WorthwhileStateWriter(WholeLines(Signals()))

    for day in range(1, 6):
        writer.write_state(state_of(1, f"2026-03-0{day}T00:00:00.0000000Z"))

    assert len(lines(capsys)) == 5


@pytest.mark.parametrize("tenants", [100, 400])
def test_bytes_of_states_grow_with_the_tenants_not_their_square(
    capsys: pytest.CaptureFixture[str], tenants: int
) -> None:
    """A steady run asks for a state after each tenant; all lines together stay linear."""
    writer, state = WorthwhileStateWriter(WholeLines(Signals())), state_of(tenants)
    line = len(json.dumps(state))

    for number, part in enumerate(state["bookmarks"]["events"]["partitions"]):
        part["replication_key_value"] = f"2026-03-01T00:00:00.{number:07}Z"
        writer.write_state(state)
    writer.flush(state)

    out = capsys.readouterr().out
    assert len(out) <= tenants * WINDOW_BYTES + 2 * line
    assert json.loads(out.splitlines()[-1])["value"] == state


def test_records_make_a_state_due(capsys: pytest.CaptureFixture[str]) -> None:
    """So a kill costs no more rows than a STATE line has bytes."""
    output = WholeLines(Signals())
    writer, state = WorthwhileStateWriter(output), state_of(100)
    writer.write_state(state)
    state["bookmarks"]["events"]["partitions"][0]["replication_key_value"] = "later"
    writer.write_state(state)
    early = lines(capsys)

    output.written += len(json.dumps(state))
    writer.write_state(state)

    assert len(early) == 1
    assert lines(capsys) == [state]


def test_last_state_is_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    """At the end of a run stands what is true then, and no line says the same again."""
    writer, state = WorthwhileStateWriter(WholeLines(Signals())), state_of(50)
    writer.write_state(state)
    state["bookmarks"]["events"]["partitions"][7]["replication_key_value"] = "later"
    writer.write_state(state)

    writer.flush(state)
    writer.flush(state)

    assert lines(capsys)[1:] == [state]


def test_records_after_the_last_state_have_it_behind_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Loaders pass on the state behind the last record, and some forget those before."""
    output = WholeLines(Signals())
    writer, state = WorthwhileStateWriter(output), state_of(1)
    writer.write_state(state)
    output.written += len(json.dumps(state))
    writer.write_state(state)

    writer.flush(state)
    writer.flush(state)

    assert lines(capsys) == [state, state]


def test_run_that_read_nothing_writes_no_empty_state(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty STATE could take the place of a true one."""
    writer = WorthwhileStateWriter(WholeLines(Signals()))

    writer.flush(cast(types.TapState, {"bookmarks": {"events": {}}}))

    assert lines(capsys) == []
