"""Rows in any number: a narrow table, a hundred times as busy in some hours as in others."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from hunting_emulator.tables import Table

NARROW: Final = Table.of("Narrow", {"Timestamp": "datetime", "Number": "long", "Text": "string"})
QUERY: Final = {"name": "narrow", "query": "Narrow\n| project Timestamp, Number, Text"}
DAYS: Final = 30

# One hour in ten is busy, with a hundred rows for each row of a quiet one.
_SKEWED: Final = """
    INSERT INTO {target} WITH hours AS (
      SELECT h, CASE WHEN hash(h) % 10 = 0 THEN 100 ELSE 1 END AS weight
      FROM (SELECT unnest(range({hours})) AS h)),
    shares AS (
      SELECT h, weight, sum(weight) OVER () AS total,
        sum(weight) OVER (ORDER BY h) - weight AS before FROM hours),
    bounds AS (
      SELECT h, before * {rows} // total AS first, (before + weight) * {rows} // total AS last
      FROM shares),
    numbered AS (SELECT h, unnest(range(first::BIGINT, last::BIGINT)) AS n FROM bounds),
    timed AS (SELECT n, make_timestamp_ns(({start} + h * 3600) * 1000000000
      + (hash(n) % 36000000000)::BIGINT * 100) AS t FROM numbered)
    SELECT t, n, 'row ' || n, t FROM timed
"""


def fill(engine: Engine, rows: int, *, start: datetime, hours: int = DAYS * 24 - 20) -> None:
    """Put rows numbered from 0 into the table, over so many hours from a start."""
    engine.create(NARROW)
    sql = _SKEWED.format(
        hours=hours,
        rows=rows,
        start=int(start.timestamp()),
        target=engine.store.target(NARROW),
    )
    engine.store.cursor().execute(sql)


def crowd(engine: Engine, rows: int, *, at: datetime, first: int = 0) -> None:
    """Put rows numbered from `first` into the table, all at one instant."""
    engine.create(NARROW)
    moment = f"make_timestamp_ns({int(at.timestamp())}000000000)"
    chosen = f"SELECT unnest(range({first}, {first + rows})) AS n"
    engine.store.cursor().execute(
        f"INSERT INTO {engine.store.target(NARROW)} "  # noqa: S608 - made of our own text
        f"SELECT {moment}, n, 'row ' || n, {moment} FROM ({chosen})"
    )


def oldest() -> datetime:
    """Return where rows may begin so that the service keeps them for some hours yet."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(
        days=DAYS, hours=-6
    )


def settings(emulator: Emulator, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return settings that reach the emulator."""
    return {
        "tenant_id": emulator.tenant_id,
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "api_url": emulator.url,
        "authority_url": emulator.authority_url,
        "queries": [QUERY],
        "lookback_minutes": 0,
        **more,
    }
