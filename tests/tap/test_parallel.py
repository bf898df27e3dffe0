"""Calls in parallel: as many as the settings say, with the same rows in the same order."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tap.harness import NOW, Tenant

ROWS = 16_000
CAP = 400
QUERY = {"name": "processes", "query": "DeviceProcessEvents | project Timestamp, ReportId"}


def fill(tenant: Tenant, rows: int = ROWS) -> None:
    """Spread rows over 20 days."""
    step = timedelta(days=20) / rows
    tenant.emulator.engine.load(
        "DeviceProcessEvents",
        [
            {
                "Timestamp": f"{NOW - timedelta(days=1) - n * step:%Y-%m-%dT%H:%M:%S.%fZ}",
                "ReportId": n,
            }
            for n in range(rows)
        ],
    )
    tenant.emulator.configure(row_cap=CAP, latency_seconds=0.02, calls_per_minute=None)


def options(calls: int) -> dict[str, Any]:
    """Return settings for a small row cap and so many calls."""
    return {
        "max_rows_per_call": CAP,
        "max_calls_per_minute": 10_000,
        "max_calls_per_hour": 10_000,
        "max_parallel_calls": calls,
    }


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_rows_of_a_backfill_come_once_and_in_order(tenant: Tenant, calls: int) -> None:
    """However many answers are awaited, records and states are those of one after another."""
    fill(tenant)

    run = tenant.sync(QUERY, **options(calls))

    times = run.values("processes", "Timestamp")
    marks = [
        state["bookmarks"]["processes"].get("replication_key_value", "") for state in run.states
    ]
    assert sorted(run.values("processes", "ReportId")) == list(range(ROWS))
    assert times == sorted(times)
    assert marks == sorted(marks)
    assert tenant.emulator.traffic.most_calls(tenant.emulator.tenant_id) == calls
    assert len(tenant.emulator.calls) <= 2 + 1.1 * ROWS / CAP  # a probe, too


def test_streams_that_need_one_call_are_asked_side_by_side(tenant: Tenant) -> None:
    """A steady-state run of many streams waits for a few answers at a time."""
    fill(tenant, rows=CAP - 1)
    queries = [QUERY | {"name": f"stream_{n}"} for n in range(6)]

    run = tenant.sync(*queries, **options(3))

    assert [len(run.records(f"stream_{n}")) for n in range(6)] == [CAP - 1] * 6
    assert tenant.emulator.traffic.most_calls(tenant.emulator.tenant_id) == 3
    assert len(tenant.emulator.calls) == 12


def test_calls_ahead_are_those_of_the_streams_that_come_next(tenant: Tenant) -> None:
    """The SDK reads streams by name, whatever their order in the settings."""
    fill(tenant, rows=CAP - 1)
    names = ["bravo", "delta", "alpha", "charlie"]
    queries = [{"name": n, "query": f"{QUERY['query']} | extend Name = '{n}'"} for n in names]
    catalog = tenant.tap(tenant.config(*queries)).catalog_dict
    tenant.emulator.clear()
    tenant.emulator.clock.set(NOW)
    tenant.emulator.configure(row_cap=CAP, latency_seconds=0.02, calls_per_minute=None)

    tenant.sync(*queries, catalog=catalog, **options(2))

    asked = [next(n for n in names if n in call.query) for call in tenant.emulator.calls]
    assert set(asked[:2]) == {"alpha", "bravo"}
    assert set(asked[2:]) == {"charlie", "delta"}
    assert tenant.emulator.traffic.most_calls(tenant.emulator.tenant_id) == 2


def test_stream_that_fails_calls_off_what_was_asked_for_it(tenant: Tenant) -> None:
    """Its answers on the way are dropped; the streams behind it are whole."""
    fill(tenant)
    tenant.emulator.fail_next(403, times=1, when="datetime(2026-02-1")

    run = tenant.sync(QUERY, QUERY | {"name": "second"}, **options(4))

    assert list(run.failed) == ["processes"]
    assert sorted(run.values("second", "ReportId")) == list(range(ROWS))
    again = tenant.sync(QUERY, state=run.state, **options(4))
    numbers = run.values("processes", "ReportId") + again.values("processes", "ReportId")
    assert set(numbers) == set(range(ROWS))


def test_process_that_is_asked_to_end_does_not_wait_for_answers(
    tenant: Tenant, tmp_path: Path
) -> None:
    """A scheduler that stops a run kills it when it does not end soon."""
    tenant.emulator.clock.set(datetime.now(UTC))
    tenant.emulator.configure(latency_seconds=60)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(tenant.config(QUERY, QUERY | {"name": "more"})), "utf-8")
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tap:
        while tenant.emulator.traffic.most_calls(tenant.emulator.tenant_id) < 2:
            time.sleep(0.05)

        tap.send_signal(signal.SIGTERM)

        assert tap.wait(timeout=20) == 143
