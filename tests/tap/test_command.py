"""The command as a user runs it: what it says when something is wrong, and how it ends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tap.harness import Tenant

ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}


def run(tmp_path: Path, settings: dict[str, Any], *more: str) -> subprocess.CompletedProcess[str]:
    """Run the tap with these settings to its end."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(file), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("more", [(), ("--discover",)], ids=["sync", "discover"])
def test_wrong_secret_is_a_line_and_no_traceback(
    tenant: Tenant, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """An operator reads what to do, not where in the code it was noticed."""
    settings = tenant.config(ALERTS) | {"client_secret": "wrong"}

    ended = run(tmp_path, settings, *more)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "AADSTS7000215" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_wrong_settings_end_before_any_call(tenant: Tenant, tmp_path: Path) -> None:
    """Status 1, every mistake by its key, and nothing spent."""
    settings = tenant.config(ALERTS, {"name": "x"}) | {"lookback": 5}

    ended = run(tmp_path, settings)

    assert ended.returncode == 1
    assert "lookback: is no setting (did you mean 'lookback_minutes'?)" in ended.stderr
    assert "queries[1].query: give one of" in ended.stderr
    assert tenant.emulator.calls == ()


def test_failed_stream_gives_status_1_after_the_others_are_done(
    tenant: Tenant, tmp_path: Path
) -> None:
    """The exit status tells a scheduler that something is missing."""
    tenant.emulator.clock.reset()
    settings = tenant.config({"name": "absent", "query": "NoSuchTable"}, ALERTS)

    ended = run(tmp_path, settings)

    assert ended.returncode == 1
    assert '"stream":"alerts"' in ended.stdout
    assert "Failed: stream absent" in ended.stderr.splitlines()[-1]


def test_discovery_that_lacks_a_stream_ends_with_status_1(tenant: Tenant, tmp_path: Path) -> None:
    """A run with that catalog would not read the stream; that must not look like a success."""
    tenant.emulator.clock.reset()
    settings = tenant.config({"name": "absent", "query": "NoSuchTable"}, ALERTS)

    ended = run(tmp_path, settings, "--discover")

    found = [entry["tap_stream_id"] for entry in json.loads(ended.stdout)["streams"]]
    assert ended.returncode == 1
    assert found == ["alerts", "hunting_windows"]
    assert "Stream absent fails: " in ended.stderr


def test_discovery_of_all_streams_ends_with_status_0(tenant: Tenant, tmp_path: Path) -> None:
    """Nothing is missing."""
    tenant.emulator.clock.reset()
    assert run(tmp_path, tenant.config(ALERTS), "--discover").returncode == 0


@pytest.mark.parametrize("mode", ["all", "schema"])
def test_test_of_a_stream_that_fails_ends_with_status_1(
    tenant: Tenant, tmp_path: Path, mode: str
) -> None:
    """It is asked for to hear of that."""
    tenant.emulator.clock.reset()
    settings = tenant.config({"name": "absent", "query": "NoSuchTable"}, ALERTS)

    failed = run(tmp_path, settings, f"--test={mode}")
    passed = run(tmp_path, tenant.config(ALERTS), f"--test={mode}")

    assert (failed.returncode, passed.returncode) == (1, 0)
    assert "Failed: stream absent" in failed.stderr.splitlines()[-1]
    assert '"stream":"alerts"' in failed.stdout


@pytest.mark.parametrize("more", [(), ("--discover",), ("--test",), ("--test=schema",)], ids=str)
def test_wrong_settings_are_all_named_in_every_mode(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Whatever the tap was asked to do."""
    ended = run(tmp_path, {"tenant_id": "t", "queries": [ALERTS], "lookback": 5}, *more)

    assert ended.returncode == 1
    assert "lookback: is no setting (did you mean 'lookback_minutes'?)" in ended.stderr
    assert "auth_method: nothing says how to sign in" in ended.stderr
    assert "Traceback" not in ended.stderr
