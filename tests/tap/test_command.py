"""The command as a user runs it: what it says when something is wrong, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tap.harness import Tenant

ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}
ABSENT = {"name": "absent", "query": "NoSuchTable"}


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
    settings = tenant.config(ABSENT, ALERTS)

    ended = run(tmp_path, settings)

    assert ended.returncode == 1
    assert '"stream":"alerts"' in ended.stdout
    assert "Failed: stream absent" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("queries", "settings", "status"),
    [
        pytest.param([ABSENT, ALERTS], {}, 0, id="others-go-on"),
        pytest.param([ABSENT, ALERTS], {"on_stream_error": "stop"}, 1, id="or-stop"),
        pytest.param([ABSENT], {}, 1, id="nothing-found"),
    ],
)
def test_discovery_that_lacks_a_stream_ends_as_the_settings_say(
    tenant: Tenant,
    tmp_path: Path,
    queries: list[dict[str, str]],
    settings: dict[str, str],
    status: int,
) -> None:
    """Meltano gives up where discovery fails; where others should go on, the run tells of it."""
    tenant.emulator.clock.reset()
    config = tenant.config(*queries, **settings)

    ended = run(tmp_path, config, "--discover")
    (tmp_path / "catalog.json").write_text(ended.stdout)
    after = run(tmp_path, config, "--catalog", str(tmp_path / "catalog.json"))

    found = [entry["tap_stream_id"] for entry in json.loads(ended.stdout)["streams"]]
    assert found == [*["alerts"] * (ALERTS in queries), "hunting_windows"]
    assert "Stream absent fails: " in ended.stderr
    assert ended.returncode == status
    assert after.returncode == 1
    # the run's last words name the cause, not that the catalog lacks the stream
    assert "Failed: stream absent: Microsoft Graph answered 400: " in after.stderr


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
    settings = tenant.config(ABSENT, ALERTS)

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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("more", [(), ("--discover",), ("--test",)], ids=str)
def test_output_that_takes_no_more_is_a_line_and_no_traceback(
    tenant: Tenant, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """A disk that is full, or a loader that has ended, is not where the tap went wrong."""
    tenant.emulator.clock.reset()
    file = tmp_path / "config.json"
    file.write_text(json.dumps(tenant.config(ALERTS)), "utf-8")
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(file), *more]

    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )

    assert ended.returncode == 1
    assert "Standard output takes no more (No space left on device)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", ["check", "plan"])
def test_commands_for_people_end_with_their_reader(
    tenant: Tenant, tmp_path: Path, command: str
) -> None:
    """As `check | head` does: the reader has seen enough, which is no error to tell."""
    tenant.emulator.clock.reset()
    file = tmp_path / "config.json"
    file.write_text(json.dumps(tenant.config(ALERTS)), "utf-8")
    file.chmod(0o600)
    code = "from tap_m365hunting.cli import main; main()"
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "-c", code, command, "--config", str(file)],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(writing)

    assert ended.returncode == 1
    assert ended.stderr == ""


def test_output_that_is_closed_is_a_line_and_no_traceback(tenant: Tenant, tmp_path: Path) -> None:
    """As a shell's `>&-` leaves it."""
    tenant.emulator.clock.reset()
    file = tmp_path / "config.json"
    file.write_text(json.dumps(tenant.config(ALERTS)), "utf-8")
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(file)]

    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command],
        stderr=subprocess.PIPE, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert ended.returncode == 1
    assert "Standard output takes no more (Bad file descriptor)" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_interrupt_while_the_tap_loads_is_no_traceback() -> None:
    """It takes most of a second, in which somebody may think better of it."""
    code = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tap_m365hunting.tap': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from tap_m365hunting.__main__ import main\n"
        "main()\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert (ended.returncode, ended.stderr) == (130, "")
