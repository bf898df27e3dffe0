"""Meltano for real: plugins installed and run twice, with no hub. Run by `make meltano-test`."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from demo.service import Tenant, serving
from tests.pipeline.demonstration import COMMANDS, ROOT, free_port

MELTANO = os.environ.get("MELTANO")
LEFT_OUT = shutil.ignore_patterns(".*", "output", "__pycache__")
SNAPSHOT = "device_tvm_software_vulnerabilities"
NOWHERE = "http://127.0.0.1:9"  # nothing answers: a look-up at the hub would fail the test

pytestmark = pytest.mark.skipif(MELTANO is None, reason="`make meltano-test` runs it")


@dataclass(frozen=True)
class Project:
    """A copy of this project, as a user would clone it."""

    folder: Path
    environment: dict[str, str]

    def meltano(self, *arguments: str) -> str:
        """Run Meltano to its end; return what it printed."""
        done = subprocess.run(
            [str(MELTANO), *arguments],
            cwd=self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def bookmarks(self) -> dict[str, str]:
        """Return how far each stream has been read, by the state that Meltano keeps."""
        state = json.loads(
            self.meltano("state", "get", "demo:tap-m365hunting-to-target-bulk-duckdb")
        )
        bookmarks = state["singer_state"]["bookmarks"]
        return {name: mark.get("replication_key_value", "") for name, mark in bookmarks.items()}

    def rows(self, stream: str) -> Counter[str]:
        """Count how often each row is there."""
        database = self.folder / "output" / "hunting.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.execute(f"SELECT _row_id FROM {stream}").fetchall()  # noqa: S608 - ours
        return Counter(row_id for (row_id,) in found)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """The project with its plugins installed, and a tenant to read."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    tenant = Tenant(free_port(), 20_000, datetime.now(UTC), folder / ".hunting-emulator")
    urls = {"TAP_M365HUNTING_API_URL": tenant.url, "TAP_M365HUNTING_AUTHORITY_URL": tenant.url}
    there = Project(folder, {"MELTANO_HUB_URL": NOWHERE, **urls})
    there.meltano("install", "extractor", "tap-m365hunting")
    there.meltano("install", "loader", "target-bulk-duckdb")
    with serving(COMMANDS / "hunting-emulator", tenant):
        yield there


def test_second_run_reads_on_from_the_first(project: Project) -> None:
    """State is kept between runs, so a quiet stream costs no row, and its bookmark moves on."""
    project.meltano("run", "tap-m365hunting", "target-bulk-duckdb")
    first, clicks = project.bookmarks(), project.rows("phished_clicks")

    project.meltano("run", "tap-m365hunting", "target-bulk-duckdb")

    second = project.bookmarks()
    assert second["device_info"] > first["device_info"]
    assert all(second[stream] >= reached for stream, reached in first.items())
    assert clicks
    assert project.rows("phished_clicks") == clicks
    assert set(project.rows(SNAPSHOT).values()) == {1}
