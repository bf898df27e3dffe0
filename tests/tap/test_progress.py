"""Where a run is, and what it came to, as people read it."""

import io
import logging
from functools import partial

import pytest
from typing_extensions import override

from tap_m365hunting.reporting.progress import LiveLine, LogLines, Position, progress_on
from tests.tap.harness import Tenant, at

ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}


class Terminal(io.StringIO):
    """A terminal that keeps what was written to it."""

    @override
    def isatty(self) -> bool:
        return True


def position(rows: int) -> Position:
    """Return a position after so many of 4,000 rows."""
    return Position("mail", "2026-03-01T12:00:00.0000000Z", rows, 4_000 - rows, 43)


def test_live_line_is_drawn_anew_and_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns shows one line, however many rows pass."""
    monkeypatch.setenv("COLUMNS", "80")
    now, terminal = [100.0], Terminal()
    line = LiveLine(terminal, lambda: now[0])

    for step in range(100):
        now[0] = 100 + step / 100
        line.moved(partial(position, 10 * step))

    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().count("\r") == 4
    assert terminal.getvalue().endswith("750 of 4,000 rows  under a minute left  43 calls lef")


def test_log_line_has_the_place_of_the_live_line() -> None:
    """What is logged meanwhile is not glued to it."""
    terminal = Terminal()
    line = LiveLine(terminal, lambda: 100.0)
    handler = logging.StreamHandler(terminal)
    handler.addFilter(line)
    line.moved(partial(position, 1_000))

    handler.handle(logging.makeLogRecord({"msg": "throttled"}))

    assert terminal.getvalue().endswith("\r\x1b[Kthrottled\n")


def test_without_a_terminal_there_is_a_log_line_a_window(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """A scheduler's log tells which window is done, and what it cost."""
    assert isinstance(progress_on(io.StringIO(), lambda: 0.0), LogLines)
    tenant.emulator.engine.load(
        "AlertInfo", [{"Timestamp": at(hours=1), "AlertId": str(n)} for n in range(3)]
    )
    caplog.set_level("INFO")

    tenant.sync(ALERTS)

    assert sum("is complete, 3 rows, 1 call" in message for message in caplog.messages) == 1


def test_last_words_are_a_sum_the_gaps_and_the_failures(
    tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """Who reads only the end of a log knows what is missing."""
    tenant.emulator.engine.load("AlertInfo", [{"Timestamp": at(hours=1), "AlertId": "1"}])
    caplog.set_level("INFO")
    state = {
        "replication_key": "Timestamp",
        "replication_key_value": "2026-01-01T00:00:00.0000000Z",
    }

    tenant.sync(
        ALERTS,
        {"name": "absent", "query": "NoSuchTable"},
        state={"bookmarks": {"alerts": state}},
    )

    summed, gap, failed = caplog.messages[-3:]
    assert "Read 1 stream in 1 tenant: 1 row in 2 windows, 1 call," in summed
    assert gap.startswith("Missing: stream alerts, tenant ")
    assert "gap_retention" in gap
    assert failed.startswith("Failed: stream absent: ")
