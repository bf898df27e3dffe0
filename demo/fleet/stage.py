"""The folder of one demo: settings of the fleet, tenants, secret, variables of its programs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.fleet.tenants import CLIENT_ID, SECRET, Service, tenant_id

ROOT: Final = Path(__file__).parents[2]
TENANTS: Final = range(40)
MARK: Final = "HUNTING_FLEET"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a demo plays, and how many tenants a group has; answers take `latency` seconds.

    `database` is the URL of Airflow's own; a file of SQLite if there is none.
    """

    folder: Path
    group_size: int
    latency: float
    commands: tuple[Path, ...]
    database: str = ""

    @property
    def settings(self) -> Path:
        """The settings of the fleet."""
        return self.folder / "fleet.json"

    @property
    def fleet(self) -> Path:
        """The folder that the runs write to."""
        return self.folder / "fleet"

    def prepare(self) -> None:
        """Write the fleet's settings, its tenants and its secret."""
        secrets = self.folder / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "TAP_M365HUNTING_CLIENT_SECRET").write_text(SECRET, "utf-8")
        listed = [{"tenant_id": tenant_id(n), "name": f"Tenant {n}"} for n in TENANTS]
        (self.folder / "tenants.json").write_text(json.dumps(listed), "utf-8")
        settings = {
            "tenants_file": "tenants.json",
            "folder": "fleet",
            "project": str(ROOT / "orchestrate"),
            "commands": [str(folder.absolute()) for folder in self.commands],
            "secrets": "secrets",
            "group_size": self.group_size,
        }
        self.settings.write_text(json.dumps(settings), "utf-8")

    def variables(self, service: Service) -> dict[str, str]:
        """Return what Airflow's processes are told; the secret is not among it."""
        database = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database} if self.database else {}
        return database | {
            "HUNTING_SCHEDULE": "none",
            "HUNTING_RETRIES": "2",
            "HUNTING_RETRY_SECONDS": "2",
            "REQUESTS_CA_BUNDLE": str(service.ca_file),
            "TAP_M365HUNTING_API_URL": service.url,
            "TAP_M365HUNTING_AUTHORITY_URL": service.url,
            "TAP_M365HUNTING_CLIENT_ID": CLIENT_ID,
        }

    def begun(self) -> list[str]:
        """Return the groups whose runs have read a window by now, from their logs."""
        logs = self.fleet.glob("groups/*/meltano.log")
        return [log.parent.name for log in logs if " is complete, " in log.read_text("utf-8")]
