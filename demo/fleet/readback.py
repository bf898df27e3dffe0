"""What was loaded, read back from the tables of all groups and held against what was made up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from demo.fleet.tenants import ALERTS, DEVICES, tenant_id

# by table: the column that names a row, and how many rows each tenant has
_TABLES: Final = {"alert_info": ("AlertId", ALERTS), "device_info": ("DeviceId", DEVICES)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """How often each row is there, by its table and the id that names tenant and row."""

    rows: Counter[tuple[str, str]]

    @classmethod
    def of(cls, folder: Path) -> "Loaded":
        """Read the tables of all groups."""
        rows = Counter[tuple[str, str]]()
        for database in sorted(folder.glob("groups/*/output/hunting.duckdb")):
            with duckdb.connect(str(database), read_only=True) as connection:
                there = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
                for table in _TABLES.keys() & there:
                    column, _ = _TABLES[table]
                    found = connection.execute(f"SELECT {column} FROM {table}").fetchall()
                    rows.update((table, name) for (name,) in found)
        return cls(rows)

    def done(self, numbers: Iterable[int]) -> list[int]:
        """Return the tenants with all their rows."""
        return [number for number in numbers if not _made(number) - self.rows.keys()]

    def lost(self, numbers: Iterable[int]) -> int:
        """Return how many rows of these tenants are not there."""
        return sum(len(_made(number) - self.rows.keys()) for number in numbers)

    @property
    def twice(self) -> int:
        """How many rows are there more often than once."""
        return sum(count > 1 for count in self.rows.values())


def _made(number: int) -> set[tuple[str, str]]:
    tenant = tenant_id(number)
    return {(table, f"{tenant}/{n}") for table, (_, many) in _TABLES.items() for n in range(many)}
