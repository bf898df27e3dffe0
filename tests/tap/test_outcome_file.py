"""A file tells a scheduler which tenants a run read whole; no service's words have its form."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator import Emulator
from tests.tap.fleet import OTHER_SECRET, QUERY, Fleet
from tests.tap.harness import at

ABSENT: dict[str, Any] = {"name": "absent", "query": "Nowhere | project Timestamp"}


class Runs:
    """Three tenants by the wall's clock, and a command that leaves its outcome in a file."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.fleet = Fleet(emulator, 3, now=emulator.clock.now())
        self.fleet.load(2)
        self.folder = folder
        self.file = folder / "outcome.json"

    def run(self, *queries: dict[str, Any], **settings: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 - JSON
        """Run the command to its end."""
        config = self.folder / "config.json"
        given = {"outcome_file": str(self.file), **settings}
        config.write_text(json.dumps(self.fleet.config(*queries, **given)), "utf-8")
        command = [sys.executable, "-m", "tap_m365hunting", "--config", str(config)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @property
    def told(self) -> Any:  # noqa: ANN401 - JSON
        """The content of the file."""
        return json.loads(self.file.read_text("utf-8"))


@pytest.fixture
def runs(emulator: Emulator, tmp_path: Path) -> Runs:
    """Three tenants with two alerts each."""
    return Runs(emulator, tmp_path)


def test_tenants_read_whole_are_done_and_others_have_their_cause(runs: Runs) -> None:
    """The cause may say what it likes: it is the value of its tenant."""
    one, two, three = runs.fleet.ids
    runs.fleet.know(runs.fleet.ids, {two: OTHER_SECRET})

    status = runs.run().returncode

    assert (status, runs.told["done"], [*runs.told["failed"]]) == (1, [one, three], [two])
    assert "AADSTS7000215" in runs.told["failed"][two]
    runs.fleet.know(runs.fleet.ids)
    assert runs.run().returncode == 0
    assert runs.told == {"done": runs.fleet.ids, "failed": {}}


def test_stream_that_no_tenant_has_leaves_no_tenant_done(runs: Runs) -> None:
    """Each was to be read for it."""
    runs.run(QUERY, ABSENT)

    assert runs.told["done"] == []
    assert [*runs.told["failed"]] == runs.fleet.ids
    assert all(cause.startswith("stream absent: ") for cause in runs.told["failed"].values())


def test_run_without_an_end_names_no_tenant(runs: Runs) -> None:
    """What an earlier run left does not stand any more."""
    runs.run()
    runs.fleet.know([])

    assert runs.run(QUERY, on_stream_error="stop").returncode == 1

    assert runs.told == {"done": [], "failed": {}}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("absent/outcome.json", "No such file or directory", id="no-folder"),
        pytest.param("", "it is no regular file", id="folder"),
        pytest.param("/dev/null", "it is no regular file", id="device"),
    ],
)
def test_file_that_cannot_be_written_is_named_before_a_row_is_read(
    runs: Runs, name: str, why: str
) -> None:
    """A run whose end nobody hears of would be made in vain."""
    ran = runs.run(outcome_file=str(runs.folder / name), start_date=at(hours=2))

    assert ran.returncode == 1
    assert "RECORD" not in ran.stdout
    assert f"cannot be written: {why}" in ran.stderr
