"""A group's state on a shared backend: another machine goes on where the first one stopped.

Run by `make state-backends`.
"""

import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hunting_emulator import Emulator
from orchestrate.fleet import Fleet
from orchestrate.group_run import attempt
from tests.orchestrate import backends
from tests.orchestrate.backends import Backend
from tests.tap.fleet import Fleet as Tenants

BACKENDS = os.environ.get("STATE_BACKENDS")
ROOT = Path(__file__).parents[2]
READ = re.compile(r"Read \d streams? in \d tenants?: (\d+) rows?")

pytestmark = pytest.mark.skipif(BACKENDS is None, reason="`make state-backends` runs it")


@pytest.fixture
def fleet(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Three tenants with rows that have settled, and a project that reads one stream."""
    tenants = Tenants(emulator, 3, now=datetime.now(UTC))
    tenants.load(5, hours_back=3)
    project = tmp_path / "project"
    shutil.copytree(ROOT / "orchestrate", project)
    text = (project / "meltano.yml").read_text("utf-8")
    before, _, rest = text.partition("        queries:\n")
    kept = rest[rest.index("  loaders:") :]
    one = "        queries:\n          - { table: AlertInfo }\n"
    (project / "meltano.yml").write_text(before + one + kept, "utf-8")
    (tmp_path / "tenants.json").write_text(json.dumps(tenants.entries()), "utf-8")
    for name, value in {
        "API_URL": emulator.url,
        "AUTHORITY_URL": emulator.authority_url,
        "CLIENT_ID": emulator.client_id,
        "CLIENT_SECRET": emulator.client_secret,
    }.items():
        monkeypatch.setenv(f"TAP_M365HUNTING_{name}", value)
    commands = (Path(sys.executable).parent, Path(str(BACKENDS)) / "bin")
    return Fleet(tmp_path / "tenants.json", tmp_path / "fleet", project, commands)


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param(backends.systemdb, id="postgresql"),
        pytest.param(backends.s3, id="s3"),
        pytest.param(backends.azure, id="azure"),
    ],
)
def test_second_run_on_another_machine_reads_nothing_anew(
    fleet: Fleet, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group's own directory is gone, as on a fresh pod; only the backend knows the state."""
    fleet.assign()
    with backend(Path(str(BACKENDS)) / "bin", tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        first = attempt(fleet, "g0001", "first")
        read = [rows(fleet)]
        shutil.rmtree(fleet.home("g0001"))
        second = attempt(fleet, "g0001", "second")
        read.append(rows(fleet))

    assert (first.failed, second.failed) == ({}, {})
    assert read == [15, 0]


def rows(fleet: Fleet) -> int:
    """Return how many rows the last run has read."""
    return int(READ.findall((fleet.home("g0001") / "meltano.log").read_text("utf-8"))[-1])
