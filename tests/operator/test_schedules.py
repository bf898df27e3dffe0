"""orchestrate/: the run for schedulers keeps its state, and the units of systemd are units."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.tap.harness import Tenant

ROOT = Path(__file__).parents[2]
HUNT = ROOT / "orchestrate/shell/hunt.sh"
UNITS = sorted((ROOT / "orchestrate/systemd").iterdir())
PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
DISCOVER = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]
ANALYZE = shutil.which("systemd-analyze")
BASH = shutil.which("bash") or "/bin/bash"
ALERTS = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}
STATE = json.dumps({"bookmarks": {}})


class Place:
    """A folder with settings, and the secret in the environment, as a scheduler has them."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder = folder
        config = tenant.config(ALERTS)
        secret = config.pop("client_secret")
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "REQUESTS_CA_BUNDLE": os.environ["REQUESTS_CA_BUNDLE"],
            "TAP_M365HUNTING_CLIENT_SECRET": secret,
        }
        self.write("config.json", config)
        self.write("loader.json", {"database": "hunting.duckdb"})

    def write(self, name: str, value: object) -> None:
        """Write a file of JSON."""
        (self.folder / name).write_text(json.dumps(value), "utf-8")

    def bash(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run bash in the folder."""
        return subprocess.run(
            [BASH, *words],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def hunt(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `hunt.sh` as the page has it."""
        words = ("config.json", "catalog.json", "loader.json", "state.json")
        return self.bash(str(HUNT), *words, **variables)

    def state(self) -> Mapping[str, Any]:
        """Return the state that is kept."""
        kept: Mapping[str, Any] = json.loads((self.folder / "state.json").read_text("utf-8"))
        return kept

    def loader(self, script: str) -> str:
        """Make a loader of a few lines of shell, and return its path."""
        path = self.folder / "loader.sh"
        path.write_text(f"#!{BASH}\n{script}\n", "utf-8")
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def place(tmp_path: Path, tenant: Tenant) -> Place:
    """A tenant with two alerts of this day, and its catalog made as the page says."""
    tenant.emulator.clock.set(datetime.now(UTC))
    for hours in (5, 6):
        add(tenant, hours)
    here = Place(tmp_path, tenant)
    # the secret stands in the environment alone
    shown = DISCOVER.replace("--config config.json", "--config config.json --config ENV")
    assert here.bash("-e", "-c", shown).returncode == 0
    return here


def add(tenant: Tenant, hours: float) -> None:
    """Put an alert into the tenant that is some hours old."""
    moment = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    row = {"Timestamp": moment, "AlertId": f"alert-{hours}"}
    tenant.emulator.engine.load("AlertInfo", [row])


def test_runs_read_on_from_each_other(place: Place, tenant: Tenant) -> None:
    """The loader has each row once, and the windows of both runs."""
    assert place.hunt().returncode == 0
    first = place.state()
    add(tenant, 0.5)
    assert place.hunt().returncode == 0

    assert place.state() != first
    with duckdb.connect(str(place.folder / "hunting.duckdb")) as tables:
        ids = tables.execute("SELECT AlertId FROM alerts ORDER BY 1").fetchall()
        (runs,) = tables.execute("SELECT count(DISTINCT run_id) FROM hunting_windows").fetchall()
    assert ids == [("alert-0.5",), ("alert-5",), ("alert-6",)]
    assert runs == (2,)


def test_failing_run_leaves_the_state_as_it_was(place: Place) -> None:
    """The next run reads on from the last good one."""
    place.hunt()
    before = place.state()

    done = place.hunt(TAP_M365HUNTING_CLIENT_SECRET="wrong")

    assert done.returncode == 1
    assert "AADSTS7000215" in done.stderr
    assert place.state()["bookmarks"]["alerts"] == before["bookmarks"]["alerts"]


def test_loader_that_is_killed_leaves_its_last_whole_state(place: Place) -> None:
    """A part of a line is no state."""
    loader = place.loader(f"cat > rows; echo '{STATE}'; printf '{STATE[:9]}'; kill -9 $$")

    assert place.hunt(LOADER=loader).returncode == 137

    assert place.state() == json.loads(STATE)
    assert not (place.folder / "state.json.lines").exists()


def test_second_run_of_one_state_ends_at_once(place: Place) -> None:
    """Two at a time would read the same rows."""
    hunt = f"{HUNT} config.json catalog.json loader.json state.json"

    done = place.bash("-c", f"exec 8>state.json.lock; flock 8; {hunt}")

    assert done.returncode == 75
    assert not (place.folder / "state.json").exists()


def test_wrong_number_of_words_is_told(place: Place) -> None:
    """Nothing is run."""
    done = place.bash(str(HUNT), "config.json")

    assert (done.returncode, done.stderr[:6]) == (64, "usage:")


def test_files_are_private(place: Place) -> None:
    """Rows and state are nobody else's."""
    place.hunt()

    modes = {name: (place.folder / name).stat().st_mode & 0o077 for name in
             ("state.json", "hunting.duckdb")}  # fmt: skip
    assert set(modes.values()) == {0}


@pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not there")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Its own check finds no unknown setting, and each program is there."""
    for unit in UNITS:
        text = re.sub(r"/opt/m365hunting/(?:bin/)?", f"{tmp_path}/bin/", unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text, "utf-8")
    (tmp_path / "bin").mkdir()
    for program in (HUNT, Path(sys.executable).with_name("m365hunting")):
        shutil.copy(program, tmp_path / "bin")

    for unit in UNITS:
        name = unit.name.replace("@.", "@unit.")
        (tmp_path / unit.name).rename(tmp_path / name)
        done = subprocess.run(
            [str(ANALYZE), "verify", "--man=no", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        # other units of the machine may have faults of their own
        said = [line for line in done.stderr.splitlines() if "m365hunting" in line]
        assert said == []


def test_units_name_files_and_folders_of_the_page() -> None:
    """A reader who copies what the page says has what the units ask for."""
    service = configparser.RawConfigParser(strict=False)
    text = (ROOT / "orchestrate/systemd/m365hunting.service").read_text("utf-8")
    service.read_string(text.replace("\\\n", " "))

    named = re.findall(r"/(?:etc|opt)/m365hunting/?[\w./]*", " ".join(service["Service"].values()))

    copied = {"/etc/m365hunting/secret.env", "/opt/m365hunting/hunt.sh"}
    copied |= {f"/etc/m365hunting/{name}.json" for name in ("config", "catalog", "loader")}
    copied |= {"/opt/m365hunting/bin", "/opt/m365hunting/bin/m365hunting"}
    assert set(named) <= copied
    assert all(Path(name).name in PAGE for name in copied)
