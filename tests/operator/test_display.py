"""Commands for people, on the terminals and in the pipes that people have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hunting_emulator import Emulator
from tests.tap.commands import PLAN, Commands
from tests.tap.harness import HOUR, Tenant, at

M365HUNTING = [sys.executable, "-c", "from tap_m365hunting.cli import main; main()"]
ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId, Category"}


@pytest.fixture
def commands(emulator: Emulator, tmp_path: Path) -> Commands:
    """The commands, by the emulator's clock."""
    return Commands(tmp_path, emulator)


def load(tenant: Tenant) -> None:
    """Put five alerts of one category into the last hours."""
    tenant.emulator.engine.load(
        "AlertInfo",
        [
            {"Timestamp": at(hours=n + 1), "AlertId": f"a{n}", "Category": "Malware"}
            for n in range(5)
        ],
    )


def test_text_that_the_terminal_cannot_show_is_replaced(tmp_path: Path) -> None:
    """Redirected output on Windows is cp1252, which has neither Japanese nor bars."""
    commands = Commands(tmp_path)
    query = {"name": "u", "query": "AlertInfo | extend x = '\u65e5\u672c' | top 3 by Timestamp"}

    ran = subprocess.run(
        [*M365HUNTING, "check", "--offline", "--config", commands.file({"queries": [query]})],
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )

    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr
    assert b"x = '??'" in ran.stdout


def test_lines_are_no_wider_than_the_terminal(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eighty columns are the usual ones."""
    monkeypatch.setenv("COLUMNS", "80")

    ran = commands.check({"name": "ports", "query": "DeviceNetworkEvents\n| top 10 by RemotePort"})

    assert max(map(len, ran.output.splitlines())) <= 80


def test_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    """As `check | head` reads."""
    queries = [{"name": f"q{n}", "query": "AlertInfo"} for n in range(300)]
    config = Commands(tmp_path).file({"queries": queries})
    command = [*M365HUNTING, "check", "--offline", "--kql", "--config", config]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()

    assert errors == b""


def test_plan_takes_the_state_that_meltano_prints(commands: Commands, emulator: Emulator) -> None:
    """`meltano state get` puts the state into an object of its own."""
    tenant = Tenant(emulator)
    load(tenant)
    state = tenant.sync(ALERTS).state
    emulator.clock.advance(HOUR)
    config = commands.file(tenant.config(ALERTS))
    printed = commands.file({"completed": {}, "singer_state": state}, "printed.json")
    bare = commands.file(state, "bare.json")

    plans = [
        commands.run("plan", "--format", "json", "--config", config, "--state", file).json(PLAN)
        for file in (printed, bare)
    ]

    assert plans[0] == plans[1]
    assert plans[0]["streams"][0]["windows"][0]["start"] == at(minutes=65)
