"""The parts of `make fleet-demo` that count and clean up; the demo itself is a run of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from demo.errors import DemoError
from demo.fleet.processes import Programs, having, kill_worker
from demo.fleet.readback import Loaded
from demo.fleet.tenants import ALERTS, BROKEN, DEVICES, entries, tenant_id
from demo.fleet.waiting import Patience

SLEEP = "import time; time.sleep(600)"


def load(folder: Path, group: str, *numbers: int, alerts: int = ALERTS) -> None:
    """Put the rows of tenants into the tables of a group."""
    output = folder / "groups" / group / "output"
    output.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(output / "hunting.duckdb")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alert_info (AlertId VARCHAR)")
        connection.execute("CREATE TABLE IF NOT EXISTS device_info (DeviceId VARCHAR)")
        for number in numbers:
            for table, count in (("alert_info", alerts), ("device_info", DEVICES)):
                rows = [(f"{tenant_id(number)}/{row}",) for row in range(count)]
                connection.executemany(f"INSERT INTO {table} VALUES (?)", rows)  # noqa: S608 - ours


def test_tenants_are_done_if_every_row_is_in_some_groups_tables(tmp_path: Path) -> None:
    """The last line of the demo is counted, not believed."""
    load(tmp_path, "g0001", 0, 1)
    load(tmp_path, "g0002", 2, alerts=ALERTS - 3)

    loaded = Loaded.of(tmp_path)

    assert loaded.done(range(4)) == [0, 1]
    assert loaded.lost(range(4)) == 3 + ALERTS + DEVICES
    assert loaded.twice == 0


def test_row_in_two_groups_is_there_twice(tmp_path: Path) -> None:
    """A tenant that had changed its group would show here."""
    load(tmp_path, "g0001", 0)
    load(tmp_path, "g0002", 0)

    assert Loaded.of(tmp_path).twice == ALERTS + DEVICES


def test_four_tenants_are_broken_in_ways_of_their_own() -> None:
    """At the service, as tenants are."""
    known = {entry["tenant_id"]: entry for entry in entries(40, BROKEN)}

    changed = [known.get(tenant_id(number)) for number in BROKEN]
    assert [set(entry) - {"tenant_id", "name"} if entry else None for entry in changed] == [
        {"client_secret"},
        {"granted"},
        None,
        {"without"},
    ]
    assert len(known) == 39
    assert len(entries(40, {})) == 40


def test_worker_is_killed_with_all_that_is_between_scheduler_and_run(tmp_path: Path) -> None:
    """As when a machine loses its power; the scheduler lives on."""
    worker = (
        "import os, subprocess, sys; "
        f"subprocess.run([sys.executable, '-c', {SLEEP!r}], "
        "env={**os.environ, 'HUNTING_GROUP': 'g0042'})"
    )
    scheduler = (
        "import subprocess, sys; "
        f"subprocess.Popen([sys.executable, '-c', {worker!r}]).wait(); {SLEEP}"
    )
    mark = str(tmp_path)
    started = subprocess.Popen(
        [sys.executable, "-c", scheduler], env={**os.environ, "HUNTING_FLEET": mark}
    )
    try:
        while not having("HUNTING_GROUP", "g0042"):
            time.sleep(0.02)
        assert len(having("HUNTING_FLEET", mark)) == 3

        killed = kill_worker("g0042", started.pid)

        assert len(killed) == 2
        while list(having("HUNTING_FLEET", mark)) != [started.pid]:
            time.sleep(0.02)
        assert started.poll() is None
    finally:
        started.kill()
        started.wait()


def test_process_is_found_by_its_session_where_it_hides_its_variables(tmp_path: Path) -> None:
    """Airflow's processes write a title over their environment."""
    programs = Programs("HUNTING_FLEET", str(tmp_path))
    hidden = f"import os, sys; os.execve(sys.executable, ['idle', '-c', {SLEEP!r}], {{}})"
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {hidden!r}])"
    programs.start([sys.executable, "-c", child], os.environ, tmp_path / "log").wait()
    while not any(command.startswith("idle") for command in programs.left().values()):
        time.sleep(0.02)

    ended = programs.end()

    assert len(ended) == 1
    while programs.left():
        time.sleep(0.02)


def test_waiting_ends_with_the_program_that_is_waited_for() -> None:
    """A demo that waits for a dead server would wait for ever."""
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as ended:
        ended.wait()

        with pytest.raises(DemoError, match="ended with status 3"):
            Patience("an answer", 60).until(lambda: False, alive=[ended])
