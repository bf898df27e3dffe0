"""Random lives of one stream over a plain service, and whether anything was lost or doubled.

A scenario is made from its seed alone: rows, tenants, faults, runs, kills, clocks, changes of
columns, replayed and merged states, backfills. The loader is a dict by key.
"""

import io
import json
import logging
import random
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.tap import TapM365Hunting
from tests.soak.kinds import KINDS, Drift, matched
from tests.soak.ledger import Ledger, judged_rows, judged_sums, judged_table
from tests.soak.plain_service import TICK, Event, PlainService, Refusal, Row, instant
from tests.soak.texts import DAY, HOUR, MADE, MINUTE, NOW, SETTLE

CPU: Final = "You have exceeded processing resources allocated to this tenant."
SIZE: Final = "Query execution has exceeded the allowed result size."
COST: Final = "Query execution has exceeded the allowed limits. The query execution was preempted."
_REFUSALS: Final[Sequence[tuple[int, str, Mapping[str, str]]]] = (
    (429, CPU, {"Retry-After": "900"}),
    (429, "API calls quota exceeded! maximum allowed 45 per 00:01:00", {}),
    (503, "busy", {}),
    (500, "UnknownError", {}),
    (504, "", {}),
    (400, SIZE, {}),
    (400, COST, {}),
)
ONE: Final = ("aaaabbbb-0000-cccc-1111-dddd2222eeee",)
TWO: Final = (*ONE, "bbbbcccc-1111-dddd-2222-eeee3333ffff")
_WEIGHTS: Final = {"rows": 2, "crowd": 2}


@dataclass
class Outcome:
    """What a scenario showed; `wrong` says what was lost or doubled without a word."""

    seed: int
    traits: frozenset[str]
    runs: int = 0
    calls: int = 0
    wrong: list[str] = field(default_factory=list)


class Scenario:
    """One life, made from a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draw = Random(seed)
        draw = self.draw
        names = [name for name in KINDS for _ in range(_WEIGHTS.get(name, 1))]
        self.name = draw.choice(names)
        self.kind = KINDS[self.name]
        self.retention = draw.random() < 0.3
        self.step = DAY if self.name == "groups" and self.retention else HOUR
        self.cap = draw.choice([5, 20] if self.name == "crowd" else [5, 20, 100])
        self.tenants = TWO if self.kind.plain and draw.random() < 0.3 else ONE
        self._numbers = count()
        self.service = PlainService(NOW, self.cap, draw=Random(seed), made=MADE)
        back = 30 * DAY if self.retention else draw.choice([3, 30]) * HOUR
        self.more: dict[str, Any] = {}
        if self.name == "groups" and not self.retention:  # it is asked step by step
            self.more["start_date"] = instant(NOW - back)
        rows = draw.randrange(10, 12 * min(self.cap, 20))
        self.service.events = list(self._events(NOW - back, NOW, rows))
        self.service.seconds_a_call = draw.choice([0, 1, 90])
        self.service.fault, self.service.spoil = self._fault, self._spoil
        self.faults = draw.choice([0.0, 0.0, 0.05, 0.2])
        self.lies = draw.choice([0.0, 0.0, 0.0, 0.1])
        self.ahead = draw.choice([0, 0, 0, 59, 240, -240, -3600]) * TICK
        self.drift = self._drift()
        self.ledger = Ledger(ONE[0])
        self.traits = {self.name, *(["WINDOWED"] if self.kind.windowed else [])}
        self.traits |= {"retention-crossing"} if self.retention else set()
        self.traits |= {"several tenants"} if len(self.tenants) > 1 else set()
        self.traits |= {"drift"} if self.drift else set()
        self.traits |= {"odd clock"} if self.ahead else set()
        self.runs = 0
        self.read_at = NOW
        self.whole = self.ended = False

    def _drift(self) -> Drift | None:
        if self.kind.match:
            matched(self.service)
        if not self.kind.plain or self.kind.match or self.draw.random() < 0.6:
            return None
        drift = Drift(self.draw)
        drift.applies(self.service)
        return drift

    def _events(self, start: int, end: int, rows: int) -> "list[Event]":
        """Return rows between two instants, some in crowds, each there within its kind's reach."""
        draw, made = self.draw, list[Event]()
        near = HOUR if self.retention and draw.random() < 0.7 else end - start
        while len(made) < rows:
            at = start + draw.randrange(max(1, near if draw.random() < 0.8 else end - start))
            crowd = draw.choice([1, 1, 1, 3])
            if self.name == "crowd" and draw.random() < 0.05:
                crowd = 2 * self.cap + draw.randrange(self.cap)
            made += [self._event(at) for _ in range(crowd)]
        return made

    def _event(self, at: int) -> Event:
        draw, kind = self.draw, self.kind
        late = draw.choice([0, 0, draw.randrange(SETTLE), draw.randrange(kind.reach)])
        clicked = at + draw.randrange(kind.match) if kind.match else 0
        tenant = draw.choice(self.tenants)
        device = f"d{draw.randrange(4)}"
        return Event(next(self._numbers), at, at + late, device, tenant, clicked)

    def _fault(self, kind: str) -> None:
        """Refuse some calls, but those for columns."""
        if kind != "probe" and self.draw.random() < self.faults:
            raise Refusal(*self.draw.choice(_REFUSALS))

    def _spoil(self, kind: str, rows: list[Row]) -> list[Row]:
        """Leave rows out of some answers, or give those of another question."""
        if kind == "probe" or self.draw.random() >= self.lies:
            return rows
        if kind == "count":
            return [] if self.draw.random() < 0.5 else rows[: len(rows) // 2]
        if kind == "rows" and self.kind.plain and not self.kind.windowed and rows:
            odd = self.draw.choice([NOW - 400 * DAY, NOW + 400 * DAY])
            return [*rows[:-1], {**rows[-1], "Timestamp": odd}]
        return rows

    def settings(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return the settings of a run; whoever wrote them did not always mind the case of ids."""
        ids = [t.upper() if self.draw.random() < 0.2 else t for t in self.tenants]
        wide = {"window_minutes": self.step // MINUTE} if self.kind.sums == "window_start" else {}
        several = {"tenants": [{"tenant_id": t} for t in ids], "max_parallel_tenants": 1}
        return {
            **(several if len(ids) > 1 else {"tenant_id": ids[0]}),
            "client_id": "11112222-bbbb-3333-cccc-4444dddd5555",
            "client_secret": "none",
            "api_url": "https://localhost:1",
            "authority_url": "https://localhost:2",
            "queries": [{"name": "t", "query": self.kind.text, **self.kind.settings, **wide}],
            "max_rows_per_call": self.cap,
            "max_parallel_calls": 1,
            "max_calls_per_minute": 10_000,
            "max_calls_per_hour": 100_000,
            "on_unreadable_window": "skip" if self.seed % 3 else "stop",
            "schema_drift": "freeze" if self.seed % 4 == 0 else "evolve",
            **self.more,
            **more,
        }

    def play(self) -> Outcome:
        """Live it, and judge."""
        random.seed(self.seed)  # of the waits between two tries
        with self.service.answering():
            catalog = self._catalog()
            for _ in range(self.draw.randrange(2, 6)):
                self._run(catalog, killed=self.draw.random() < 0.3)
                self._meddle()
                if self.draw.random() < 0.2 and self.name != "table":
                    self._backfill(catalog)
                self._pass_time()
            self.faults = self.lies = 0.0
            self._run(catalog, killed=False)
        calls = self.service.calls
        self.traits |= {"hash parts"} if calls["part"] else set()
        self.traits |= {"gaps"} if any(self.ledger.gaps.values()) else set()
        wrong = self._judged()
        return Outcome(
            self.seed, frozenset(self.traits), self.runs, sum(calls.values()), wrong
        )  # fmt: skip

    def _meddle(self) -> None:
        """Change the columns, or the state, behind the tap's back.

        A state without a word of the stream is none: to go back to it is to begin anew.
        """
        states = [state for state in self.ledger.states if "t" in state["bookmarks"]]
        if self.drift and self.draw.random() < 0.5:
            self.drift.goes_on(self.service)
        if states and self.draw.random() < 0.15:
            self.traits.add("replayed state")
            self.ledger.replay(self.draw.choice(states))
        elif states and self.draw.random() < 0.15:
            self.traits.add("merged state")
            self.ledger.merge(self.draw.choice(states))

    def _pass_time(self) -> None:
        before = self.service.now
        self.service.now += self.draw.choice([10, 30, 60, 61, 300]) * MINUTE + self.draw.randrange(
            MINUTE
        )
        more = self._events(before, self.service.now, self.draw.randrange(20))
        # what is written in a stretch must lie in it
        self.service.events += [e for e in more if before <= e.at < self.service.now]

    def _tap(self, settings: Mapping[str, Any], **more: Any) -> TapM365Hunting:  # noqa: ANN401
        service, ahead = self.service, self.ahead

        def clock() -> float:
            return (service.now + ahead) / TICK

        return TapM365Hunting(
            config=dict(settings), clock=clock, timer=service.seconds, sleep=service.sleep, **more
        )

    def _catalog(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._tap(self.settings()).catalog_json_text)
        for stream in found["streams"]:
            for entry in stream["metadata"]:
                if entry["breadcrumb"] == []:
                    entry["metadata"]["selected"] = True
        return found

    def _run(self, catalog: Mapping[str, Any], *, killed: bool, **more: Any) -> None:  # noqa: ANN401
        self.runs += 1
        self.read_at, told = self.service.now, self.ledger.told
        lines = self._lines(catalog, self.settings(**more))
        if killed and lines:
            lines = lines[: self.draw.randrange(len(lines))]
        self.ledger.load(lines, keep_state="end_date" not in more)
        self.whole = self.ledger.told > told

    def _lines(self, catalog: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Any]:
        output = io.StringIO()
        with redirect_stdout(output):
            state = deepcopy(self.ledger.state)
            tap = self._tap(settings, state=state, catalog=deepcopy(dict(catalog)))
            tap.sync_all()
            self.ended = not list(tap.conclude())
        return [json.loads(line) for line in output.getvalue().splitlines()]

    def _backfill(self, catalog: Mapping[str, Any]) -> None:
        step = self.step
        end = (self.service.now - 2 * HOUR) // step * step
        start = end - self.draw.choice([2, 5]) * step
        self.traits.add("backfill")
        try:
            bounds = {"start_date": instant(start), "end_date": instant(end)}
            self._run(catalog, killed=self.draw.random() < 0.3, **bounds)
        except ConfigValidationError as error:  # it would be a bound that is on the grid
            raise AssertionError(error.errors) from error

    def _judged(self) -> list[str]:
        """Return what is lost or doubled in what was called complete, and never told as a gap."""
        ledger, events = self.ledger, self.service.events
        if self.name == "table":
            oldest = self.read_at - self.service.retention
            there = [e for e in events if e.arrives <= self.read_at and e.at >= oldest]
            return judged_table(ledger, there, whole=self.whole)
        if self.kind.sums:
            return judged_sums(ledger, events, self.kind, step=self.step)
        return judged_rows(ledger, events, self.kind, read_at=self.read_at if self.ended else 0)


def silence() -> None:
    """Let no log line of so many runs be written."""
    logging.disable(logging.CRITICAL)
