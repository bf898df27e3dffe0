"""Weeks of runs with rows that come minutes and hours late: what is told of them is what came."""

import random
import re
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from tests.soak.processes import tell
from tests.tap.harness import NOW, Run, Tenant
from tests.tap.hearing import heard
from tests.tap.test_coverage import catalog
from tests.tap.test_exactness import EVENTS

pytestmark = pytest.mark.soak

RUNS: Final = 200
LOOKBACK: Final = timedelta(minutes=60)
SETTLE: Final = timedelta(minutes=5)
BIN: Final = timedelta(minutes=4)
SUFFICED: Final = re.compile(r"lookback_minutes (\d+) would have sufficed")


class Arrivals:
    """Rows with the time when they happen and the time when they come, a fifth of them late."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._count = 0
        self._to_come = list[tuple[datetime, datetime, int]]()

    def happen(self, since: datetime, until: datetime) -> None:
        """Let some rows happen, in bursts and alone; some will come later."""
        for _ in range(self._draw.randrange(1, 60)):
            span = (until - since) / timedelta(microseconds=1)
            at = since + timedelta(microseconds=self._draw.randrange(int(span)))
            for _ in range(self._draw.choice([1, 1, 1, 20])):
                late = self._draw.choice([0, 0, 0, 0, 50, 50, 180]) * self._draw.random()
                self._to_come.append((at + timedelta(minutes=late), at, self._count))
                self._count += 1

    def come(self, until: datetime) -> list[tuple[datetime, int]]:
        """Return the rows that come until now, by when they happened."""
        come = [(at, number) for arrival, at, number in self._to_come if arrival <= until]
        self._to_come = [row for row in self._to_come if row[0] > until]
        return sorted(come)


def row(at: datetime, number: int) -> dict[str, Any]:
    """Return a row as the service holds it."""
    return {"Timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z", "ReportId": number, "DeviceId": "d"}


def sufficed(log: str) -> timedelta | None:
    """Return the lookback that is said to suffice."""
    found = SUFFICED.search(log)
    return timedelta(minutes=int(found[1])) if found else None


def late_rows(run: Run) -> int:
    """Return how many late rows a run tells of."""
    return sum(told["late_rows"] or 0 for told in run.records("hunting_windows"))


@pytest.mark.parametrize("calls", [1, 4])
def test_as_many_late_rows_are_told_as_come(tenant: Tenant, calls: int) -> None:
    """In each run, whatever its windows; and the lookback that is said to suffice does."""
    draw = random.Random(calls)
    arrivals, streams = Arrivals(draw), catalog(tenant, EVENTS)
    tenant.emulator.configure(row_cap=50)
    settings: dict[str, Any] = {"max_rows_per_call": 50, "max_parallel_calls": calls}
    state = tenant.sync(EVENTS, catalog=streams, **settings).state
    now, told, judged = NOW, 0, 0

    for _ in range(RUNS):
        before, now = now, now + timedelta(minutes=draw.randrange(6, 150))
        arrivals.happen(before, now)
        come = arrivals.come(now)
        tenant.emulator.engine.load("DeviceEvents", [row(*happened) for happened in come])
        tenant.emulator.clock.set(now)
        with heard() as log:
            run = tenant.sync(EVENTS, catalog=streams, state=state, **settings)
        state, mark = run.state, before - SETTLE
        late = [at for at, _ in come if mark - LOOKBACK <= at < mark]
        assert late_rows(run) == len(late)
        told += len(late)
        if (enough := sufficed(log.getvalue())) is not None:
            assert mark - enough <= late[0] < mark - enough + BIN
            judged += 1

    tell(f"{RUNS} runs, {calls} calls at once: {told} late rows told, {judged} lookbacks judged")
