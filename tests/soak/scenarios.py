"""Random lives of one stream over a plain service, and whether anything was lost or doubled.

A scenario is made from its seed alone: rows, faults, runs, kills, replayed states, backfills. The
loader is a dict by key. One question at the end: does it hold the rows of the service, or has a run
said otherwise (a gap in the coverage, a window called changed)?
"""

import io
import json
import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.tap import TapM365Hunting
from tests.soak.plain_service import TICK, Event, PlainService, Refusal, Row, instant, ticks
from tests.soak.texts import DAY, HOUR, MADE, MINUTE, NOW, SETTLE, TEXTS

CPU: Final = "You have exceeded processing resources allocated to this tenant."
SIZE: Final = "Query execution has exceeded the allowed result size."
COST: Final = "Query execution has exceeded the allowed limits. The query execution was preempted."


@dataclass
class Outcome:
    """What a scenario showed; `wrong` says what was lost or doubled without a word."""

    seed: int
    kind: str
    retention: bool
    parts: int
    runs: int
    calls: int
    gaps: int
    wrong: list[str] = field(default_factory=list)


class Scenario:
    """One life, made from a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draw = Random(seed)
        draw = self.draw
        self.kind = draw.choice(
            ["rows", "rows", "rows", "own", "bins", "groups", "crowd", "crowd", "table"]
        )
        self.retention = draw.random() < 0.3
        self.cap = draw.choice([5, 20, 100])
        self._numbers = count()
        self.back = draw.choice([3, 30]) * HOUR
        if self.retention:
            self.back = 30 * DAY
        self.service = PlainService(NOW, self.cap, draw=Random(seed), made=MADE)
        self.service.events = list(self._events(NOW - self.back, NOW, draw.randrange(20, 300)))
        self.service.seconds_a_call = draw.choice([0, 1, 90])
        self.service.fault, self.service.spoil = self._fault, self._spoil
        self.faults = draw.choice([0.0, 0.0, 0.05, 0.2])
        self.lies = draw.choice([0.0, 0.0, 0.0, 0.1])
        self.ahead = draw.choice([0, 0, 0, 59, 240]) * TICK
        self.state: dict[str, Any] = {}
        self.states = list[dict[str, Any]]()
        self.loaded = dict[str, Row]()
        self.gaps = list[tuple[int, int]]()
        self.complete = list[tuple[int, int]]()
        self.runs = 0
        self.read_at = NOW
        self.whole = False

    def _events(self, start: int, end: int, rows: int) -> "list[Event]":
        """Return rows between two instants, some in crowds, each there before it is settled."""
        draw, made = self.draw, list[Event]()
        near = HOUR if self.retention and draw.random() < 0.7 else end - start
        while len(made) < rows:
            at = start + draw.randrange(max(1, near if draw.random() < 0.8 else end - start))
            crowd = draw.choice([1, 1, 1, 3])
            if self.kind == "crowd" and draw.random() < 0.05:
                crowd = 2 * self.cap + draw.randrange(self.cap)
            for _ in range(crowd):
                late = draw.choice([0, 0, draw.randrange(SETTLE)])
                device = f"d{draw.randrange(4)}"
                made.append(Event(next(self._numbers), at, at + late, device))
        return made

    def _fault(self, kind: str) -> None:
        """Refuse some calls, but those for columns."""
        if kind == "probe" or self.draw.random() >= self.faults:
            return
        raise self.draw.choice(
            [
                Refusal(429, CPU, {"Retry-After": "900"}),
                Refusal(429, "API calls quota exceeded! maximum allowed 45 per 00:01:00"),
                Refusal(503, "busy"),
                Refusal(500, "UnknownError"),
                Refusal(504, ""),
                Refusal(400, SIZE),
                Refusal(400, COST),
            ]
        )

    def _spoil(self, kind: str, rows: list[Row]) -> list[Row]:
        """Leave rows out of some answers, or give those of another question."""
        if kind == "probe" or self.draw.random() >= self.lies:
            return rows
        if kind == "count":
            return [] if self.draw.random() < 0.5 else rows[: len(rows) // 2]
        if kind == "rows" and self.kind in ("rows", "crowd") and rows:
            odd = self.draw.choice([NOW - 400 * DAY, NOW + 400 * DAY])
            return [*rows[:-1], {**rows[-1], "Timestamp": odd}]
        return rows

    def settings(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return the settings of a run."""
        text = TEXTS.get(self.kind, TEXTS["rows"])
        return {
            "tenant_id": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
            "client_id": "11112222-bbbb-3333-cccc-4444dddd5555",
            "client_secret": "none",
            "api_url": "https://localhost:1",
            "authority_url": "https://localhost:2",
            "queries": [{"name": "t", "query": text}],
            "max_rows_per_call": self.cap,
            "max_parallel_calls": 1,
            "max_calls_per_minute": 10_000,
            "max_calls_per_hour": 100_000,
            "on_unreadable_window": "skip" if self.seed % 3 else "stop",
            **more,
        }

    def play(self) -> Outcome:
        """Live it, and judge."""
        random.seed(self.seed)  # of the waits between two tries
        with self.service.answering():
            catalog = self._catalog()
            for _ in range(self.draw.randrange(2, 6)):
                self._run(catalog, killed=self.draw.random() < 0.3)
                if self.draw.random() < 0.15 and self.states:
                    self.state = deepcopy(self.draw.choice(self.states))
                if self.draw.random() < 0.2 and self.kind != "table":
                    self._backfill(catalog)
                self._pass_time()
            self.faults = self.lies = 0.0
            self._run(catalog, killed=False)
        calls = self.service.calls
        outcome = Outcome(
            self.seed, self.kind, self.retention, calls["part"], self.runs, sum(calls.values()),
            len(self.gaps),
        )  # fmt: skip
        outcome.wrong = self._judged()
        return outcome

    def _pass_time(self) -> None:
        before = self.service.now
        self.service.now += self.draw.choice([10, 30, 60, 61, 300]) * MINUTE + self.draw.randrange(
            MINUTE
        )
        more = self._events(before, self.service.now, self.draw.randrange(40))
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
        self.read_at, told = self.service.now, len(self.complete)
        lines = self._lines(catalog, self.settings(**more))
        if killed and lines:
            lines = lines[: self.draw.randrange(len(lines))]
        self._load(lines, keep_state="end_date" not in more)
        self.whole = len(self.complete) > told

    def _lines(self, catalog: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Any]:
        output = io.StringIO()
        with redirect_stdout(output):
            tap = self._tap(settings, state=deepcopy(self.state), catalog=deepcopy(dict(catalog)))
            tap.sync_all()
            tap.conclude()
        return [json.loads(line) for line in output.getvalue().splitlines()]

    def _backfill(self, catalog: Mapping[str, Any]) -> None:
        end = (self.service.now - 2 * HOUR) // HOUR * HOUR
        start = end - self.draw.choice([2, 5]) * HOUR
        try:
            bounds = {"start_date": instant(start), "end_date": instant(end)}
            self._run(catalog, killed=self.draw.random() < 0.3, **bounds)
        except ConfigValidationError as error:  # it would be a bound that is on the grid
            raise AssertionError(error.errors) from error

    def _load(self, lines: Sequence[Mapping[str, Any]], *, keep_state: bool) -> None:
        key = list[str]()
        for line in lines:
            if line["type"] == "SCHEMA" and line["stream"] == "t":
                key = line["key_properties"]
            elif line["type"] == "RECORD" and line["stream"] == "t":
                record = line["record"]
                self.loaded[json.dumps([record[name] for name in key])] = record
            elif line["type"] == "RECORD":
                told = line["record"]
                span = ticks(told["window_start"]), ticks(told["window_end"])
                (self.complete if told["status"] == "complete" else self.gaps).append(span)
            elif line["type"] == "STATE" and keep_state and line["value"].get("bookmarks"):
                self.state = line["value"]
                self.states.append(line["value"])

    def _judged(self) -> list[str]:
        """Return what is lost or doubled in what was called complete, and never told as a gap."""
        if self.kind == "table":
            return self._judged_table()
        bookmark = self.state.get("bookmarks", {}).get("t", {}).get("replication_key_value")
        if not self.complete or bookmark is None:
            return []
        if self.kind in ("bins", "groups"):
            return self._judged_sums()
        return self._judged_rows()

    def _judged_table(self) -> list[str]:
        """Hold a table, if the last run calls it read whole, against the rows."""
        oldest = self.read_at - self.service.retention
        seen = Counter(record["Number"] for record in self.loaded.values())
        there = [e for e in self.service.events if e.arrives <= self.read_at and e.at >= oldest]
        lost = [e.number for e in there if not seen[e.number]] if self.whole else []
        twice = [number for number, times in seen.items() if times > 1]
        return [f"lost {lost[:3]}"] * bool(lost) + [f"doubled {twice[:3]}"] * bool(twice)

    def _sure(self, at: int) -> bool:
        """Say if an instant was called complete, and lies in nothing that is told as missing."""
        inside = any(start <= at < end for start, end in self.complete)
        return inside and not any(start <= at < end for start, end in self.gaps)

    def _judged_rows(self) -> list[str]:
        seen = Counter(record["Number"] for record in self.loaded.values())
        lost = [e for e in self.service.events if self._sure(e.at) and not seen[e.number]]
        twice = [number for number, times in seen.items() if times > 1]
        found = [f"lost {len(lost)}: {[(e.number, instant(e.at)) for e in lost[:3]]}"] * bool(lost)
        return found + [f"doubled {len(twice)}: {twice[:3]}"] * bool(twice)

    def _judged_sums(self) -> list[str]:
        """Hold the sums of each hour against the rows, where the whole hour is sure."""
        name = "Hour" if self.kind == "bins" else "window_start"
        told, true = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
        for record in self.loaded.values():
            told[ticks(record[name]), record["Device"]] += record["N"]
        for e in self.service.events:
            true[e.at // HOUR * HOUR, e.device] += 1
        hours = {hour for hour, _ in true.keys() | told.keys()}
        sure = {h for h in hours if self._sure(h) and self._sure(h + HOUR - 1)}
        wrong = [
            f"{instant(hour)} {device}: {told[hour, device]} for {true[hour, device]}"
            for hour, device in sorted(true.keys() | told.keys())
            if hour in sure and told[hour, device] != true[hour, device]
        ]
        return wrong[:3]


def silence() -> None:
    """Let no log line of so many runs be written."""
    logging.disable(logging.CRITICAL)
