"""Random histories of `hunting_windows`: gaps, overlaps, late rows, reruns, several tenants."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

BEGIN: Final = datetime(2026, 3, 1, tzinfo=UTC)
SPAN: Final = 40
"""The hours that a history is about."""
STREAMS: Final = ("alerts", "device_info", 'a"b')
TENANTS: Final = ("aaaabbbb-0000-cccc-1111-dddd2222eeee", "bbbbcccc-1111-dddd-2222-eeee3333ffff")
FAILED: Final = ("changed", "gap_retention", "gap_unreadable")

Row = dict[str, Any]


def at(hour: float) -> str:
    """Return an hour of the history as the tap writes it."""
    return f"{BEGIN + timedelta(hours=hour):%Y-%m-%dT%H:%M:%S}.0000000Z"


def window(start: float, end: float, status: str = "complete", **columns: object) -> Row:
    """Return a record of the tap, with what a test says of it."""
    row: Row = {
        "run_id": "run 1",
        "stream": "alerts",
        "tenant_id": TENANTS[0],
        "window_start": at(start),
        "window_end": at(end),
        "status": status,
        "rows": 10,
        "expected_rows": None,
        "late_rows": None,
        "calls": 1,
        "splits": 0,
        "retries": 0,
        "wait_seconds": 0.0,
        "seconds": 1.5,
        "message": None if status == "complete" else f"why {status}",
        "finished_at": at(end + 0.5),
    }
    return row | columns


def history(seed: int) -> list[Row]:
    """Return some runs over the same hours; some records come twice, all in any order."""
    chance = random.Random(seed)
    rows = [row for run in range(chance.randint(1, 5)) for row in _run(chance, run)]
    again = chance.sample(rows, k=min(len(rows), chance.choice([0, 0, 1, 3])))
    rows += [row | {"tenant_id": row["tenant_id"].swapcase()} for row in again]
    chance.shuffle(rows)
    return rows


def _run(chance: random.Random, run: int) -> Iterator[Row]:
    for stream in chance.sample(STREAMS, k=chance.randint(1, 3)):
        for tenant in chance.sample(TENANTS, k=chance.randint(1, 2)):
            # another run spells the same tenant in capitals
            spelled = chance.choice([tenant, tenant.upper()])
            for row in _sweep(chance, run):
                yield row | {"stream": stream, "tenant_id": spelled}


def _sweep(chance: random.Random, run: int) -> Iterator[Row]:
    """Cut a span into windows; a few are left out, a few fail, a few begin before the last one."""
    start = chance.randint(0, SPAN - 5)
    while start < SPAN:
        end = start + chance.randint(1, 9)
        status = "complete" if chance.random() < 0.7 else chance.choice(FAILED)
        late = chance.choice([None, 0, chance.randint(1, 50)])
        # a run may have a window twice: an attempt that failed, and one behind it
        for attempt in range(chance.choice([0, *[1] * 8, 2])):
            yield window(
                start,
                end,
                chance.choice([status, "complete"]) if attempt else status,
                run_id=f"run {run}",
                rows=chance.randint(0, 1000),
                late_rows=late,
                calls=chance.randint(1, 9),
                retries=chance.randint(0, 2),
                wait_seconds=chance.randint(0, 5000) / 1000,
                # runs come one after the other
                finished_at=at(1000 * (run + 1) + end + attempt),
            )
        overlap = end - 1 if end - start > 1 else end
        start = chance.choice([end, end, end, end + 1, overlap])


def plain(rows: Sequence[Row]) -> bytes:
    """Return records as target-jsonl writes them."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def singer(rows: Sequence[Row]) -> bytes:
    """Return the tap's own lines, with messages of other kinds between them."""
    lines: list[Row] = [
        {"type": "SCHEMA", "stream": "hunting_windows", "schema": {"window_start": {}}},
        {"type": "RECORD", "stream": "alerts", "record": {"window_start": 5, "type": "x"}},
        {"type": "STATE", "value": {"bookmarks": {"window_start": {}}}},
    ]
    lines += [{"type": "RECORD", "stream": "hunting_windows", "record": row} for row in rows]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
