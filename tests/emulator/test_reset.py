"""A reset leaves nothing of one test to the next."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from hunting_emulator.clock import Clock
from hunting_emulator.engine import Engine
from hunting_emulator.service import Call, Service
from hunting_emulator.settings import Settings
from tests.emulator.conftest import Client

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_reset_ends_every_wait() -> None:
    """What hangs in one test does not hang on into the next."""
    clock = Clock()
    waiting = threading.Thread(target=clock.sleep, args=(600.0,), daemon=True)
    waiting.start()
    patience = time.monotonic() + 20

    while waiting.is_alive() and time.monotonic() < patience:
        clock.reset()
        waiting.join(0.01)

    assert not waiting.is_alive()


def test_a_closed_clock_waits_no_more() -> None:
    """A server that stops is not held up, not even by waits that begin after."""
    clock = Clock()
    clock.close()
    clock.reset()
    waiting = threading.Thread(target=clock.sleep, args=(600.0,), daemon=True)

    waiting.start()
    waiting.join(20)

    assert not waiting.is_alive()


def test_a_set_clock_stands_still_until_the_reset() -> None:
    """Time passes when told; after the reset it is the wall's again."""
    clock = Clock()

    clock.set(datetime(2026, 3, 1, 12))  # noqa: DTZ001 -- a time without a zone is in UTC
    first, second = clock.now(), clock.now()
    clock.advance(timedelta(minutes=1))
    moved = clock.now()
    clock.reset()

    assert (first, second, moved) == (NOON, NOON, NOON + timedelta(minutes=1))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_wall_clock_can_be_ahead() -> None:
    """Without being set, it goes on from where it was moved to."""
    clock = Clock()

    clock.advance(timedelta(days=1))

    assert abs(clock.now() - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)


def test_a_call_under_way_is_not_in_the_new_log() -> None:
    """Its answer may come after the reset; it belongs to what was before."""
    service = Service(Settings(), lambda _: Engine())
    log = service.log()
    call = Call(NOON, "graph", "t", "print 1", None, 200, 1, 9)

    log(call)
    before = service.calls
    service.reset()
    log(call)

    assert before == (call,)
    assert service.calls == ()


@pytest.mark.parametrize("data", [False, True])
def test_rows_stay_unless_they_are_to_go(client: Client, *, data: bool) -> None:
    """Loading is slow, so it is asked for by name."""
    row = {"Timestamp": datetime.now(UTC).isoformat(), "DeviceName": "a"}
    client.emulator.engine.load("DeviceInfo", [row])

    client.emulator.clear(data=data)

    counted = client.hunt("DeviceInfo | count").json()["results"]
    assert counted == [{"Count": 0 if data else 1}]
