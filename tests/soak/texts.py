"""The queries of the scenarios, and what a plain service makes of rows for each."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.soak.plain_service import TICK, Row, ticks

MINUTE: Final = 60 * TICK
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
NOW: Final = ticks("2026-03-31T12:00:00Z")
SETTLE: Final = 5 * MINUTE

BOUND: Final = "T\n| where Timestamp >= window_start and Timestamp < window_end"
TEXTS: Final = {
    "rows": "T",
    "own": BOUND,
    "bins": f"{BOUND}\n| summarize N = count() by Hour = bin(Timestamp, 1h), Device",
    "groups": f"{BOUND}\n| summarize N = count() by Device",
    "table": "T\n| project Number, Device",
    "inner": "T\n| join kind=inner (Clicks) on Number",
    "outer": "T\n| join kind=leftouter (Clicks) on Number",
    "arrivals": "T\n| extend IngestionTime = ingestion_time()",
}


def by_hour(rows: Sequence[Row]) -> tuple[dict[str, str], list[Row]]:
    """Count rows by hour and device."""
    found = Counter((row["Timestamp"] // HOUR * HOUR, row["Device"]) for row in rows)
    columns = {"Hour": "DateTime", "Device": "String", "N": "Int64"}
    return columns, [{"Hour": h, "Device": d, "N": n} for (h, d), n in found.items()]


def by_device(rows: Sequence[Row]) -> tuple[dict[str, str], list[Row]]:
    """Count rows by device."""
    found = Counter(row["Device"] for row in rows)
    return {"Device": "String", "N": "Int64"}, [{"Device": d, "N": n} for d, n in found.items()]


def timeless(rows: Sequence[Row]) -> tuple[dict[str, str], list[Row]]:
    """Return rows without their time."""
    columns = {"Number": "Int64", "Device": "String"}
    return columns, [{name: row[name] for name in columns} for row in rows]


def without_arrival(rows: Sequence[Row]) -> tuple[dict[str, str], list[Row]]:
    """Return rows of a service that has no ingestion time for them."""
    columns = {"Number": "Int64", "IngestionTime": "DateTime"}
    return columns, [{"Number": row["Number"], "IngestionTime": None} for row in rows]


MADE: Final = {
    TEXTS["bins"]: by_hour,
    TEXTS["groups"]: by_device,
    TEXTS["table"]: timeless,
    TEXTS["arrivals"]: without_arrival,
}
