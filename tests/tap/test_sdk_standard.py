"""The SDK's own tests of a tap, against the emulator, over both APIs.

The SDK discovers streams when tests are collected, so the emulator runs from then on.
"""

import atexit
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from singer_sdk.testing import SuiteConfig, get_tap_test_class

from hunting_emulator import Emulator
from tap_m365hunting.tap import TapM365Hunting

NOW = datetime.now(UTC)


def _emulator() -> Emulator:
    """Start an emulator with a few rows, trusted by this process until a test says otherwise."""
    emulator = Emulator().start()
    emulator.configure(calls_per_minute=None, calls_per_hour=None)
    atexit.register(emulator.stop)
    os.environ["REQUESTS_CA_BUNDLE"] = emulator.ca_file
    emulator.engine.load(
        "AlertInfo",
        [
            {
                "Timestamp": f"{NOW - timedelta(hours=n):%Y-%m-%dT%H:%M:%S.%f}7Z",
                "AlertId": f"da{n}",
                "Title": "Suspicious logon",
                "Severity": "High",
            }
            for n in range(1, 4)
        ],
    )
    emulator.engine.load(
        "DeviceTvmSoftwareVulnerabilities", [{"DeviceId": "d1", "CveId": "CVE-2026-1"}]
    )
    return emulator


EMULATOR = _emulator()
# coverage is off unless selected, and a dry run has none
SUITE = SuiteConfig(max_records_limit=10, ignore_no_records_for_streams=["hunting_windows"])


def config(api: str) -> dict[str, Any]:
    """Return settings with one stream of each mode."""
    return {
        "tenant_id": EMULATOR.tenant_id,
        "client_id": EMULATOR.client_id,
        "client_secret": EMULATOR.client_secret,
        "api": api,
        "api_url": EMULATOR.url,
        "authority_url": EMULATOR.authority_url,
        # a query that is asked hour by hour spends a call for each, and the clock is the real one
        "max_calls_per_minute": 100_000,
        "max_calls_per_hour": 1_000_000,
        "start_date": f"{NOW - timedelta(hours=6):%Y-%m-%dT%H:00:00Z}",
        "queries": [
            {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId, Title"},
            {
                "name": "alert_counts",
                "query": "AlertInfo | where Timestamp >= window_start and Timestamp < window_end"
                " | summarize Alerts = count() by Title",
            },
            {"table": "DeviceTvmSoftwareVulnerabilities", "name": "vulnerabilities"},
        ],
    }


TestGraph = get_tap_test_class(TapM365Hunting, config=config("graph"), suite_config=SUITE)
TestDefender = get_tap_test_class(TapM365Hunting, config=config("defender"), suite_config=SUITE)
