"""Small inputs that once lost or doubled rows, each with what was measured then and what is now.

`python -m tests.soak.cases` prints a table; the status is 1 if a row is lost or doubled in a window
that is called complete.
"""

import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.tap import TapM365Hunting
from tests.soak.plain_service import TICK, Event, PlainService, Refusal, Row, instant, ticks
from tests.soak.scenarios import CPU, silence
from tests.soak.texts import DAY, HOUR, MADE, MINUTE, NOW, TEXTS


@dataclass
class Life:
    """One stream over a service: runs, and what a loader holds by key after them."""

    service: PlainService
    text: str = "T"
    settings: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    ahead: int = 0
    state: dict[str, Any] = field(default_factory=dict)
    loaded: dict[str, Row] = field(default_factory=dict)
    complete: list[tuple[int, int]] = field(default_factory=list)
    said: set[str] = field(default_factory=set)

    def run(self, *, killed: bool = False, **more: Any) -> None:  # noqa: ANN401 - JSON
        """Run once; `killed` before the first state that tells of a row."""
        output = io.StringIO()
        with self.service.answering(), redirect_stdout(output), redirect_stderr(io.StringIO()):
            try:
                self._sync(more)
            except ConfigValidationError as error:
                self.said.add("refused: " + "; ".join(error.errors))
        for line in map(json.loads, output.getvalue().splitlines()):
            if killed and line["type"] == "STATE" and self.loaded:
                return
            self._load(line, backfill="end_date" in more)

    def _sync(self, more: Mapping[str, Any]) -> None:
        settings = {
            "tenant_id": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
            "client_id": "11112222-bbbb-3333-cccc-4444dddd5555",
            "client_secret": "none",
            "api_url": "https://localhost:1",
            "authority_url": "https://localhost:2",
            "queries": [{"name": "t", "query": self.text, **self.query}],
            "max_rows_per_call": self.service.cap,
            **self.settings,
            **more,
        }

        def clock() -> float:
            return (self.service.now + self.ahead) / TICK

        options: dict[str, Any] = {
            "clock": clock, "timer": self.service.seconds, "sleep": self.service.sleep
        }  # fmt: skip
        catalog = json.loads(TapM365Hunting(config=settings, **options).catalog_json_text)
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                entry["metadata"]["selected"] = True
        tap = TapM365Hunting(config=settings, state=self.state, catalog=catalog, **options)
        tap.sync_all()
        self.said |= {"failed: " + str(failure.error)[:60] for failure in tap.conclude()}

    def _load(self, line: Mapping[str, Any], *, backfill: bool) -> None:
        if line["type"] == "RECORD" and line["stream"] == "t":
            self.loaded[line["record"]["_row_id"]] = line["record"]
        elif line["type"] == "RECORD":
            told = line["record"]
            if told["status"] == "complete":
                self.complete.append((ticks(told["window_start"]), ticks(told["window_end"])))
            else:
                self.said.add(told["status"])
        elif line["type"] == "STATE" and not backfill:
            self.state = line["value"]

    def verdict(self) -> tuple[int, int]:
        """Return how many events were lost, in what is called complete, and doubled."""
        if "summarize" in self.text:
            return self._sums()
        seen = Counter(record["Number"] for record in self.loaded.values())
        lost = [e for e in self.service.events if self._called(e.at) and not seen[e.number]]
        return len(lost), sum(times - 1 for times in seen.values() if times > 1)

    def _sums(self) -> tuple[int, int]:
        name = "Hour" if "Hour" in self.text else "window_start"
        told, true = Counter[int](), Counter[int]()
        for record in self.loaded.values():
            told[ticks(record[name])] += record["N"]
        for e in self.service.events:
            true[e.at // HOUR * HOUR] += self._called(e.at // HOUR * HOUR)
        hours = true.keys() | told.keys()
        return (
            sum(max(0, true[hour] - told[hour]) for hour in hours if self._called(hour)),
            sum(max(0, told[hour] - true[hour]) for hour in hours if self._called(hour)),
        )

    def _called(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.complete)


def service(cap: int, events: Sequence[Event], **more: Any) -> PlainService:  # noqa: ANN401
    """Return a service with these rows."""
    return PlainService(NOW, cap, list(events), draw=Random(5), made=MADE, **more)


def spread(rows: int, start: int, wide: int) -> list[Event]:
    """Return rows at random instants of a stretch."""
    draw = Random(5)
    return [Event(n, start + draw.randrange(wide), 0, f"d{n % 3}") for n in range(rows)]


def minutely(first: int, last: int) -> list[Event]:
    """Return a row a minute, from so many minutes before now on, each there from its time on."""
    return [Event(n, NOW + n * MINUTE, NOW + n * MINUTE, f"d{n % 3}") for n in range(first, last)]


def retention() -> Life:
    """Let the CPU quota be spent after every five calls of a first backfill."""
    life = Life(service(1_000, spread(20_000, NOW - 30 * DAY, 30 * MINUTE)))
    calls = iter(range(1, 10_000))

    def sixth(kind: str) -> None:
        if kind != "probe" and next(calls) % 6 == 0:
            raise Refusal(429, CPU, {"Retry-After": "900"})

    life.service.fault = sixth
    life.run()
    return life


def killed(text: str) -> Callable[[], Life]:
    """Kill a run between RECORD and STATE, and begin anew half an hour later."""

    def case() -> Life:
        life = Life(
            service(1_000, minutely(-360, 60)), text, {"start_date": instant(NOW - 6 * HOUR)}
        )
        life.run(killed=True)
        life.service.now += 30 * MINUTE
        life.run()
        return life

    return case


def halved() -> Life:
    """Kill a run, and refuse the wide window of the next one as too costly."""
    life = killed(TEXTS["bins"])()
    refusals = iter([True, True])

    def costly(kind: str) -> None:
        if kind == "rows" and next(refusals, False):
            raise Refusal(400, "The query execution was preempted")

    life.service.fault = costly
    life.state = {}
    life.run()
    return life


def over_loaded() -> Life:
    """Read loaded hours again as a backfill."""
    life = Life(
        service(1_000, minutely(-360, 1)), TEXTS["bins"], {"start_date": instant(NOW - 6 * HOUR)}
    )
    life.run()
    life.run(start_date=instant(NOW - 4 * HOUR), end_date=instant(NOW - 2 * HOUR))
    return life


def short_answers() -> Life:
    """Leave three tenths of the rows out of answers of a certain size."""
    life = Life(service(1_000, spread(30_000, NOW - 20 * DAY, 20 * DAY - HOUR)))

    def spoil(kind: str, rows: list[Row]) -> list[Row]:
        cut = kind == "rows" and 300 < len(rows) < life.service.cap
        return rows[: len(rows) * 7 // 10] if cut else rows

    life.service.spoil = spoil
    life.run()
    return life


def empty_counts(events: Sequence[Event]) -> Callable[[], Life]:
    """Answer every count with nothing."""

    def case() -> Life:
        life = Life(service(100, events))
        life.service.spoil = lambda kind, rows: [] if kind in ("count", "total") else rows
        life.run()
        return life

    return case


def odd(at: int | None) -> Callable[[], Life]:
    """Answer with a row of another time, or of none."""

    def case() -> Life:
        life = Life(service(1_000, minutely(-360, 1)))

        def spoil(kind: str, rows: list[Row]) -> list[Row]:
            return [*rows, {**rows[0], "Timestamp": at}] if kind == "rows" and rows else rows

        life.service.spoil = spoil
        life.run()
        return life

    return case


def chained() -> Life:
    """Run daily backfills two minutes past midnight."""
    life = Life(service(1_000, minutely(-2 * 1440, 1440)))
    midnight = NOW // DAY * DAY
    for day in range(2):
        end = midnight + day * DAY
        life.service.now = end + 2 * MINUTE
        life.run(start_date=instant(end - DAY), end_date=instant(end))
    return life


def cut_bins() -> Life:
    """Share a bound within a bin between two backfills."""
    life = Life(service(1_000, minutely(-600, 1)), TEXTS["bins"])
    half = NOW - 4 * HOUR + 30 * MINUTE
    life.run(start_date=instant(NOW - 6 * HOUR), end_date=instant(half))
    life.run(start_date=instant(half), end_date=instant(NOW - HOUR))
    return life


def clock_ahead() -> Life:
    """Run every ten minutes with a clock that is almost five minutes ahead."""
    events = [Event(n, NOW + n * 10 * TICK, NOW + n * 10 * TICK, "d") for n in range(-60, 400)]
    settings = {
        "start_date": instant(NOW - HOUR), "settle_minutes": 1, "lookback_minutes": 0
    }  # fmt: skip
    life = Life(service(1_000, events), "T", settings, ahead=299 * TICK)
    for _ in range(6):
        life.run()
        life.service.now += 10 * MINUTE
    return life


def without_arrivals() -> Life:
    """Read by an ingestion time that is null everywhere."""
    by_arrival = {"query": None, "table": "T", "replication_key": "ingestion_time"}
    life = Life(service(1_000, minutely(-60, 1)), TEXTS["arrivals"], query=by_arrival)
    life.run()
    return life


def ended() -> Life:
    """Ask the older API after its end."""
    life = Life(service(1_000, []), "T", {"api": "defender"})
    life.service.now = ticks("2027-02-02T00:00:00Z")
    life.run()
    return life


CASES: Final[Sequence[tuple[str, str, Callable[[], Life]]]] = (
    ("retention overtakes a waiting run", "11,009 of 20,000 lost, complete", retention),
    ("killed before STATE, no bins", "740 for 385", killed(TEXTS["groups"])),
    ("killed before STATE, bins", "480 for 300", killed(TEXTS["bins"])),
    ("a halved window after a kill", "480 for 300", halved),
    ("a backfill over loaded hours", "420 for 300", over_loaded),
    ("fewer rows than counted", "17,429 of 60,000 lost, complete", short_answers),
    ("an empty bin count", "4,802 of 5,000 lost", empty_counts(spread(5_000, NOW - DAY, DAY))),
    ("an empty count of one instant", "150 of 150 lost", empty_counts(
        [Event(n, NOW - DAY, 0, "d") for n in range(150)])),
    ("a row of 2001", "written, complete", odd(ticks("2001-01-01T00:00:00Z"))),
    ("a row of 2040", "written, complete", odd(ticks("2040-01-01T00:00:00Z"))),
    ("a row without a time", "written, complete", odd(None)),
    ("chained daily backfills", "3 minutes a day lost", chained),
    ("backfills that share a bound in a bin", "60 of 300 lost", cut_bins),
    ("a clock 4:59 ahead", "138 of 384 lost", clock_ahead),
    ("ingestion_time that is null everywhere", "0 rows, complete", without_arrivals),
    ("the Defender API after its end", "empty, complete", ended),
)  # fmt: skip


def main() -> None:
    """Print the table."""
    silence()
    bad = 0
    sys.stdout.write(
        "| case | before | lost now | doubled now | said |\n| --- | --- | --- | --- | --- |\n"
    )
    for name, before, case in CASES:
        life = case()
        lost, doubled = life.verdict()
        bad += lost + doubled
        said = "; ".join(sorted(word[:90] for word in life.said)) or "nothing: all is there"
        sys.stdout.write(f"| {name} | {before} | {lost} | {doubled} | {said} |\n")
        sys.stdout.flush()
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
