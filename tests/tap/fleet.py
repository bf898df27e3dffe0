"""Many tenants in one emulator, some of them broken in ways that tenants are."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from hunting_emulator.settings import CLIENT_ID, CLIENT_SECRET, Application, Secret, Tenant
from hunting_emulator.tables import CATALOG
from tests.tap.harness import at

QUERY: dict[str, Any] = {
    "name": "alerts",
    "query": "AlertInfo | project Timestamp, AlertId, Title",
}
#: What a tenant of whose application nothing was granted has.
UNCONSENTED = Application(roles={"graph": (), "defender": ()})
OTHER_SECRET = Application(secrets=(Secret("another"),))


def tenant_id(number: int) -> str:
    """Return the id of a tenant that is made up."""
    return f"{number:08x}-0000-4000-8000-0000000000ff"


class Fleet:
    """The tenants of an emulator, by number; each has rows that name it."""

    def __init__(self, emulator: Emulator, count: int) -> None:
        self.emulator = emulator
        self.ids = [tenant_id(number) for number in range(count)]
        self.is_(self.ids)

    def is_(
        self, ids: Iterable[str], applications: Mapping[str, Application] | None = None
    ) -> None:
        """Let the emulator know these tenants, with one good application but for those named."""
        known = applications or {}
        tenants = tuple(Tenant(name, (known.get(name, Application()),)) for name in ids)
        self.emulator.settings = replace(self.emulator.settings, tenants=tenants)

    def load(self, rows: int, *, hours_back: float = 1) -> None:
        """Give each tenant alerts, one an hour, the newest so long ago."""
        for name in self.ids:
            self.load_one(name, rows, hours_back=hours_back)

    def load_one(self, name: str, rows: int, *, hours_back: float = 1) -> None:
        """Give one tenant alerts."""
        alerts = [
            {"Timestamp": at(hours=hours_back + i), "AlertId": f"{name}-{hours_back}-{i}"}
            for i in range(rows)
        ]
        self.emulator.engine_of(name).load("AlertInfo", alerts)

    def take_table(self, name: str, table: str) -> None:
        """Leave one tenant without a table, as one that has no licence for it is."""
        tables = [known for known in CATALOG.values() if known.name != table]
        self.emulator.use_engine(Engine(tables=tables), name)

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
