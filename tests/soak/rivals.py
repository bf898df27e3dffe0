"""What other ways to read the service lose, and what they cost: `python -m tests.soak.rivals`.

Each way reads the same month twice from the same emulator, an hour apart, and keeps between the
runs what such tools keep: the newest time that it has seen.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import requests

from hunting_emulator import Emulator
from tests.soak.data import NARROW, crowd, fill
from tests.tap.harness import NOW, Tenant

CAP: Final = 1_000
ROWS: Final = 30_000
HOUR: Final = timedelta(hours=1)
NARROWEST: Final = timedelta(seconds=1)


@dataclass
class Reader:
    """Asks the service as a script does, and waits a minute when it is throttled."""

    emulator: Emulator
    numbers: list[int] = field(default_factory=list)
    newest: str = ""

    def ask(self, start: datetime, end: datetime) -> int:
        """Read a span of time; return how many rows came."""
        kql = f"Narrow | where Timestamp >= datetime({start:%FT%T.%fZ}) "
        kql += f"and Timestamp < datetime({end:%FT%T.%fZ})"
        while (answer := self._post(kql)).status_code == 429:
            self.emulator.clock.advance(timedelta(minutes=1))
        rows = answer.json()["results"]
        self.numbers += [row["Number"] for row in rows]
        self.newest = max([self.newest, *(row["Timestamp"] for row in rows)])
        return len(rows)

    def _post(self, kql: str) -> requests.Response:
        return requests.post(
            f"{self.emulator.graph_url}/security/runHuntingQuery",
            json={"Query": kql},
            headers={"Authorization": f"Bearer {self._token()}"},
            verify=self.emulator.ca_file,
            timeout=60,
        )

    def _token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.emulator.client_id,
            "client_secret": self.emulator.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        url = f"{self.emulator.authority_url}/{self.emulator.tenant_id}/oauth2/v2.0/token"
        answer = requests.post(url, data=form, verify=self.emulator.ca_file, timeout=60)
        return str(answer.json()["access_token"])


def one_query(reader: Reader, start: datetime, end: datetime) -> None:
    """Ask once, and take what comes."""
    reader.ask(start, end)


def fixed_steps(reader: Reader, start: datetime, end: datetime) -> None:
    """Ask hour by hour."""
    while start < end:
        reader.ask(start, min(end, start + HOUR))
        start += HOUR


def halving(reader: Reader, start: datetime, end: datetime) -> None:
    """Halve what comes back full, down to a second; what was read of the whole is thrown away."""
    before = len(reader.numbers)
    if reader.ask(start, end) < CAP or end - start <= NARROWEST:
        return
    del reader.numbers[before:]
    middle = start + (end - start) / 2
    halving(reader, start, middle)
    halving(reader, middle, end)


@dataclass
class Outcome:
    """What two runs brought and cost."""

    way: str
    lost: int
    twice: int
    calls: list[int]
    minutes: float

    def row(self) -> str:
        """Write it as a row of the table."""
        first, second = self.calls
        return (
            f"| {self.way} | {self.lost:,} | {self.twice:,} | {first:,} | {second:,} | "
            f"{self.minutes:.0f} |"
        )


def month(emulator: Emulator) -> int:
    """Fill the table for both runs; return how many rows there are after the second.

    Beside the month: an instant with two and a half answers' rows, and, between the runs, rows
    that are new, rows that come up to 50 minutes late, and a few that come a day late.
    """
    emulator.clear(data=True)
    emulator.clock.set(NOW)
    emulator.configure(row_cap=CAP)
    fill(emulator.engine, ROWS, start=NOW - timedelta(days=29, hours=18))
    crowd(emulator.engine, 5 * CAP // 2, at=NOW - timedelta(days=9), first=ROWS)
    numbers = count(ROWS + 5 * CAP // 2)
    for rows, newest, step, arrives in (
        (300, NOW - timedelta(minutes=6), timedelta(minutes=2), None),
        (500, NOW + 50 * NARROWEST * 60, timedelta(seconds=6), None),
        (60, NOW - timedelta(minutes=8), timedelta(seconds=40), NOW + HOUR / 3),
        (20, NOW - timedelta(days=1), timedelta(minutes=1), NOW + HOUR / 2),
    ):
        emulator.engine.load(NARROW.name, _rows(rows, numbers, newest, step, arrives))
    return next(numbers)


def _rows(
    rows: int, numbers: Iterator[int], newest: datetime, step: timedelta, arrives: datetime | None
) -> Iterator[dict[str, Any]]:
    for index in range(rows):
        time = newest - index * step
        row = {"Timestamp": f"{time:%FT%T.%fZ}", "Number": next(numbers), "Text": "one more"}
        yield row | ({"_ingestion_time": f"{arrives:%FT%T.%fZ}"} if arrives else {})


def by_script(emulator: Emulator, way: Callable[[Reader, datetime, datetime], None]) -> Outcome:
    """Let one of the other ways read both times."""
    rows, reader = month(emulator), Reader(emulator)
    way(reader, NOW - timedelta(days=30), NOW)
    calls, minutes = len(emulator.calls), (emulator.clock.now() - NOW) / timedelta(minutes=1)
    emulator.clock.set(max(NOW + HOUR, emulator.clock.now()))
    way(reader, datetime.fromisoformat(reader.newest), NOW + HOUR)
    return _outcome(way.__name__.replace("_", " "), rows, reader.numbers, calls, minutes, emulator)


def by_tap(emulator: Emulator, way: str, query: dict[str, Any], column: str) -> Outcome:
    """Let the tap read both times."""
    rows, tenant = month(emulator), Tenant(emulator)
    first = tenant.sync(query, max_rows_per_call=CAP)
    calls, minutes = len(emulator.calls), (emulator.clock.now() - NOW) / timedelta(minutes=1)
    emulator.clock.set(NOW + HOUR)
    second = tenant.sync(query, state=first.state, max_rows_per_call=CAP)
    numbers = first.values("narrow", column) + second.values("narrow", column)
    return _outcome(way, rows, numbers, calls, minutes, emulator)


def _outcome(
    way: str, rows: int, numbers: list[int], first: int, minutes: float, emulator: Emulator
) -> Outcome:
    seen = Counter(numbers)
    return Outcome(
        way,
        rows - len(seen),
        seen.total() - len(seen),
        [first, len(emulator.calls) - first],
        minutes,
    )


def main() -> None:
    """Print the table."""
    with Emulator() as emulator:
        os.environ["REQUESTS_CA_BUNDLE"] = emulator.ca_file
        outcomes = [by_script(emulator, way) for way in (one_query, fixed_steps, halving)]
        query = {"name": "narrow", "query": "Narrow"}
        outcomes.append(by_tap(emulator, "this tap", query, "Number"))
        table = {"name": "narrow", "table": "Narrow", "replication_key": "ingestion_time"}
        outcomes.append(by_tap(emulator, "this tap, by `ingestion_time`", table, "Number"))
    sys.stdout.write("\n".join(outcome.row() for outcome in outcomes) + "\n")


if __name__ == "__main__":
    main()
