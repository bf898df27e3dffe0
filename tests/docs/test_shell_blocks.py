"""The shell on the pages runs: against the emulator, with stand-ins for the clouds' own programs.

A block that needs more, such as a package registry, stands in ELSEWHERE with the test that has it.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from hunting_emulator import Emulator
from tests.tap.harness import Tenant

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or "/bin/bash"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCED = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = {
    f"{page.relative_to(ROOT)} {number}": text
    for page in PAGES
    for number, text in enumerate(FENCED.findall(page.read_text("utf-8")), 1)
}
ELSEWHERE = {
    "README.md 1": "make demo, by tests/pipeline",
    "README.md 2": "make test, by CI",
    "README.md 3": "a server; tests/docs/test_tenants_page.py starts one",
    "README.md 4": "make meltano-test",
    "README.md 5": "make meltano-test",
    "docs/auth/client-secret.md 3": "as docs/tenant.md 1",
    "docs/auth/device-code.md 2": "a part of docs/tenant.md 2",
    "docs/coverage.md 1": "tests/coverage_report/test_docs_page.py",
    "docs/coverage.md 2": "tests/coverage_report/test_docs_page.py",
    "docs/coverage.md 3": "tests/coverage_report/test_docs_page.py",
    "docs/coverage.md 4": "tests/coverage_report/test_docs_page.py",
    "docs/coverage.md 5": "tests/coverage_report/test_docs_page.py",
    "docs/dbt.md 1": "make dbt-demo",
    "docs/dbt.md 2": "make dbt-demo",
    "docs/files.md 2": "tests/loaders/test_files_script.py",
    "docs/fleets.md 1": "make fleet-demo",
    "docs/install.md 1": "make installs",
    "docs/install.md 2": "make installs",
    "docs/install.md 3": "make meltano-test",
    "docs/operations.md 1": "tests/operator/test_schedules.py",
    "docs/operations.md 2": "tests/operator/test_schedules.py",
    "docs/operations.md 3": "writes to /etc; systemd-analyze reads the units in test_schedules.py",
    "docs/sigma.md 1": "make installs",
    "docs/tenants.md 1": "tests/docs/test_tenants_page.py",
    "docs/tenants.md 2": "tests/docs/test_tenants_page.py",
    "docs/tenants.md 3": "as docs/tenant.md 2",
}
# The arguments are written down, and an id is the answer.
STAND_IN = """\
#!/bin/sh
{{ printf '%s\\0' "$@"; printf '\\n\\0'; }} >> {calls}
echo 00001111-aaaa-2222-bbbb-3333cccc4444
"""
CLOUD = re.compile(r"^(?:\w+=\$\()?(?:az|kubectl) ", re.MULTILINE)
# pip has nothing to install here
_PIP = re.compile(r"^pip install .*\n", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, emulator: Emulator) -> Path:
    """A reader's folder: the clone's commands, settings, and a state of an earlier run."""
    tenant = Tenant(emulator)
    emulator.clock.set(datetime.now(UTC))
    moment = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    emulator.engine.load("AlertInfo", [{"Timestamp": moment, "AlertId": "alert-5"}])
    (tmp_path / ".venv").symlink_to(sys.prefix)
    for name in ("bin", "output", "demo"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "demo/target-bulk-duckdb.json", tmp_path / "demo")
    for program in ("az", "kubectl"):
        stand_in = tmp_path / "bin" / program
        stand_in.write_text(STAND_IN.format(calls=tmp_path / "calls"), "utf-8")
        stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    query = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId"}
    (tmp_path / "config.json").write_text(json.dumps(tenant.config(query)), "utf-8")
    state = {"bookmarks": {"alerts": {"query": "a hash", "replication_key": "Timestamp"}}}
    (tmp_path / "state.json").write_text(json.dumps(state), "utf-8")
    return tmp_path


def ran(block: str, folder: Path, emulator: Emulator) -> str:
    """Run a block as a reader pastes it, with the reader's secret; return the output."""
    text = _PIP.sub("", block).replace("SECRET=...", f"SECRET={emulator.client_secret}")
    places = (folder / "bin", Path(sys.executable).parent, os.environ["PATH"])
    done = subprocess.run(
        [BASH, "-e", "-u", "-o", "pipefail", "-c", text],
        cwd=folder,
        env={
            "PATH": os.pathsep.join(map(str, places)),
            "REQUESTS_CA_BUNDLE": os.environ["REQUESTS_CA_BUNDLE"],
            "HOME": str(folder),
            "app": "00001111-aaaa-2222-bbbb-3333cccc4444",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def calls(folder: Path) -> list[list[str]]:
    """Return the arguments of each call of a cloud's own program."""
    *written, rest = (folder / "calls").read_text("utf-8").split("\n\0")
    assert rest == ""
    return [call.split("\0")[:-1] for call in written]


def test_blocks_that_run_elsewhere_are_on_the_pages() -> None:
    """A list of blocks that are gone would excuse new ones."""
    assert set(ELSEWHERE) - set(BLOCKS) == set()


def test_commands_for_a_cloud_are_whole(folder: Path, emulator: Emulator) -> None:
    """Quotes and variables come out as meant: no argument is empty, and JSON is JSON."""
    for text in BLOCKS.values():
        if CLOUD.search(text):
            ran(text, folder, emulator)

    called = calls(folder)
    assert len(called) > 20
    assert [call for call in called if not all(call)] == []
    given = [
        value
        for call in called
        for option, value in pairwise(call)
        if option in ("--parameters", "--body")
    ]
    assert len(given) == 4
    assert all(isinstance(json.loads(value), dict) for value in given)


@pytest.mark.parametrize(
    "name",
    [name for name, text in BLOCKS.items() if name not in ELSEWHERE and not CLOUD.search(text)],
)
def test_commands_of_a_page_run(name: str, folder: Path, emulator: Emulator) -> None:
    """In a folder with the reader's settings, nothing is missing and nothing is refused."""
    ran(BLOCKS[name], folder, emulator)

    written = {path.name for path in folder.iterdir() if path.is_file()}
    promised = set(re.findall(r"> (\S+)$", BLOCKS[name], re.MULTILINE))
    assert promised <= written
    assert all((folder / file).stat().st_size for file in promised)
