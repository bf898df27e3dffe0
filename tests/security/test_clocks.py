"""Quotas and waits by true time, whatever a clock or a date says."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import gmtime, monotonic, strftime

import pytest

from tests.security.fake_time import SHARED, share, shared
from tests.security.hosts import Bytes, reply
from tests.security.world import World, rows_answer

PER_MINUTE = 45
QUERIES = [{"name": f"q{n}", "query": f"AlertInfo | where A == {n}"} for n in range(50)]


def test_clock_that_is_set_forward_lets_no_more_calls_through(world: World, tmp_path: Path) -> None:
    """A minute by the machine's clock passes at the fortieth call; by true time a part of one."""
    world.environment[SHARED] = str(tmp_path)
    arrived, lock = list[float](), Lock()

    def answer(query: str) -> Bytes:
        with lock:
            arrived.append(monotonic() + shared("slept", tmp_path))
            if len(arrived) == 40:
                share("step", 60.0, tmp_path)
        return reply(rows_answer(query))

    world.api = answer

    ran = world.tap(level="info", queries=QUERIES, max_wait_minutes=60)

    assert ran.status == 0, ran.errors
    assert len(arrived) >= 100
    assert max(sum(at <= one < at + 60 for one in arrived) for at in arrived) <= PER_MINUTE


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_date_without_a_zone_is_in_utc(world: World, zone: str) -> None:
    """The zone of the machine says nothing of the service's clock."""
    world.environment["TZ"] = zone

    def dated() -> Mapping[str, str]:
        return {"Date": strftime("%a, %d %b %Y %H:%M:%S -0000", gmtime())}

    world.api = lambda query: reply(rows_answer(query), headers=dated())

    ran = world.tap(level="info")

    assert ran.status == 0, ran.errors
    assert b"clock" not in ran.errors
