"""Runs the tap in this process against an emulator, and reads the Singer lines that it writes."""

import io
import json
import re
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hunting_emulator import Emulator
from tap_m365hunting.tap import TapM365Hunting

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Run:
    """What one run wrote: the Singer messages in order, and which streams failed."""

    lines: list[dict[str, Any]]
    failed: dict[str, str]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return the records of a stream, in order."""
        return [
            line["record"]
            for line in self.lines
            if line["type"] == "RECORD" and line["stream"] == stream
        ]

    def values(self, stream: str, column: str) -> list[Any]:
        """Return one column of a stream's records."""
        return [record[column] for record in self.records(stream)]

    def schemas(self, stream: str) -> list[dict[str, Any]]:
        """Return the SCHEMA messages of a stream, in order."""
        return [
            line for line in self.lines if line["type"] == "SCHEMA" and line["stream"] == stream
        ]

    @property
    def states(self) -> list[dict[str, Any]]:
        """The values of all STATE messages, in order."""
        return [line["value"] for line in self.lines if line["type"] == "STATE"]

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        return self.states[-1]

    def bookmark(self, stream: str) -> str:
        """Return a stream's bookmark in the last state."""
        return str(self.state["bookmarks"][stream]["replication_key_value"])


class Tenant:
    """A tenant with a tap aimed at it; both see the same clock, which stands still unless moved."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.emulator.clock.set(NOW)
        self.slept: list[float] = []
        #: How far the tap's clock is ahead of the service's.
        self.ahead = timedelta(0)

    def config(self, *queries: Mapping[str, Any], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return settings that reach the emulator."""
        return {
            "tenant_id": self.emulator.tenant_id,
            "client_id": self.emulator.client_id,
            "client_secret": self.emulator.client_secret,
            "api_url": self.emulator.url,
            "authority_url": self.emulator.authority_url,
            "queries": list(queries),
            **settings,
        }

    def tap(self, config: Mapping[str, Any], **options: Any) -> TapM365Hunting:  # noqa: ANN401 - JSON
        """Return a tap that waits by moving the emulator's clock."""
        return TapM365Hunting(
            config=dict(config),
            clock=self.seconds,
            timer=self.seconds,
            sleep=self.sleep,
            **options,
        )

    def sync(
        self,
        *queries: Mapping[str, Any],
        state: Mapping[str, Any] | None = None,
        catalog: Mapping[str, Any] | None = None,
        **settings: Any,  # noqa: ANN401 - JSON
    ) -> Run:
        """Run the tap once, through discovery if no catalog is given."""
        output = io.StringIO()
        with redirect_stdout(output):
            tap = self.tap(
                self.config(*queries, **settings),
                state=dict(state or {}),
                catalog=dict(catalog) if catalog else None,
            )
            tap.wait_for_end()
            tap.sync_all()
        lines = [json.loads(line) for line in output.getvalue().splitlines()]
        failed = {f.stream or f.where: str(f.error) for f in tap.conclude()}
        return Run(lines, failed)

    def seconds(self) -> float:
        """Return the tap's time: seconds since the epoch."""
        return (self.emulator.clock.now() + self.ahead).timestamp()

    def sleep(self, seconds: float) -> None:
        """Wait, by moving the emulator's clock."""
        self.slept.append(seconds)
        self.emulator.clock.advance(timedelta(seconds=seconds))


def reading(start: str, end: str) -> Callable[[str], bool]:
    """Return what says if a query asks for rows between two instants, or counts them."""

    def reads(query: str) -> bool:
        bounds = re.findall(r"\] [<>]=? datetime\((\S+?)\)", query)
        return bool(bounds) and bounds[0] < end and start < bounds[1]

    return reads


def at(**back: float) -> str:
    """Return the time of an event so long before now, as the service writes it."""
    return f"{NOW - timedelta(**back):%Y-%m-%dT%H:%M:%S.%f}0Z"
