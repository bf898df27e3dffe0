"""Many tenants in one emulator, some of them broken in ways that tenants are."""

import io
import json
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from hunting_emulator.settings import CLIENT_ID, CLIENT_SECRET, Application, Secret, Tenant
from hunting_emulator.tables import CATALOG
from tap_m365hunting.tap import TapM365Hunting
from tests.tap.harness import NOW, Run

QUERY: dict[str, Any] = {
    "name": "alerts",
    "query": "AlertInfo | project Timestamp, AlertId, Title",
}
#: What a tenant of whose application nothing was granted has.
UNCONSENTED = Application(roles={"graph": (), "defender": ()})
OTHER_SECRET = Application(secrets=(Secret("another"),))
# A tenant with all tables takes a while to make; these are the ones that the tests read.
TABLES = ("AlertInfo", "DeviceEvents")


def tenant_id(number: int) -> str:
    """Return the id of a tenant that is made up."""
    return f"{number:08x}-0000-4000-8000-0000000000ff"


class Fleet:
    """The tenants of an emulator, by number; each has rows that name it.

    Unless it is told the time, the emulator's clock stands still.
    """

    def __init__(
        self,
        emulator: Emulator,
        count: int,
        *,
        now: datetime | None = None,
    ) -> None:
        if now is None:
            emulator.clock.set(NOW)
        self.emulator = emulator
        self.ids = [tenant_id(number) for number in range(count)]
        self._now = now or NOW
        self.know(self.ids)
        for name in self.ids:
            emulator.use_engine(Engine(tables=[CATALOG[table] for table in TABLES]), name)

    def know(
        self,
        ids: Iterable[str],
        applications: Mapping[str, Application] | None = None,
        *,
        without: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Let the emulator know these tenants, whole but for what is named."""
        known, lacking = applications or {}, without or {}
        tenants = tuple(
            Tenant(
                name,
                (known.get(name, Application()),),
                without=frozenset(lacking.get(name, ())),
            )
            for name in ids
        )
        self.emulator.settings = replace(self.emulator.settings, tenants=tenants)

    def load(self, rows: int, *, table: str = "AlertInfo", hours_back: float = 1) -> None:
        """Give each tenant rows, one an hour, the newest so long ago."""
        for name in self.ids:
            self.load_one(name, rows, table=table, hours_back=hours_back)

    def load_one(
        self, name: str, rows: int, *, table: str = "AlertInfo", hours_back: float = 1
    ) -> None:
        """Give one tenant rows; their text says whose they are."""
        column = {"AlertInfo": "AlertId", "DeviceEvents": "DeviceName"}[table]
        times = [self._now - timedelta(hours=hours_back + number) for number in range(rows)]
        self.emulator.engine_of(name).load(
            table,
            [
                {"Timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z", column: f"{name}/{moment:%d%H}"}
                for moment in times
            ],
        )

    def entries(self) -> list[dict[str, Any]]:
        """Return the tenants as the settings list them."""
        return [{"tenant_id": name, "name": f"Tenant {i}"} for i, name in enumerate(self.ids)]

    def config(self, *queries: Mapping[str, Any], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return settings that read every tenant."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "api_url": self.emulator.url,
            "authority_url": self.emulator.authority_url,
            "tenants": self.entries(),
            "queries": list(queries or (QUERY,)),
            **settings,
        }

    def tap(self, config: Mapping[str, Any], **options: Any) -> TapM365Hunting:  # noqa: ANN401 - JSON
        """Return a tap that waits by moving the emulator's clock."""
        effects: dict[str, Any] = {"clock": self._seconds, "timer": self._seconds}
        effects["sleep"] = self.wait
        return TapM365Hunting(config=dict(config), **{**effects, **options})

    def _seconds(self) -> float:
        return self.emulator.clock.now().timestamp()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.emulator.clock.advance(timedelta(seconds=seconds))

    def sync(
        self,
        *queries: Mapping[str, Any],
        state: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        **settings: Any,  # noqa: ANN401 - JSON
    ) -> Run:
        """Run the tap once by the emulator's clock; what failed is named as the tap names it."""
        output = io.StringIO()
        with redirect_stdout(output):
            config = self.config(*queries, **settings)
            tap = self.tap(config, state=dict(state or {}), **(options or {}))
            tap.sync_all()
        lines = [json.loads(line) for line in output.getvalue().splitlines()]
        return Run(lines, {failure.where: str(failure.error) for failure in tap.conclude()})
