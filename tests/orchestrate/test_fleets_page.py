"""docs/fleets.md: the line for cron runs, and the table is the simulation's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.__main__ import main
from tests.orchestrate.conftest import IDS, Stage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/fleets.md").read_text("utf-8")
BASH = shutil.which("bash") or "/bin/bash"


def test_cron_line_runs_all_groups_and_names_who_is_behind(stage: Stage) -> None:
    """As cron hands it to a shell, with its escaped percent signs."""
    (line,) = re.findall(r"^7 \* \* \* \* (.*)", PAGE, re.MULTILINE)
    (stage.folder / ".venv").symlink_to(sys.prefix)
    (stage.folder / "orchestrate").symlink_to(ROOT / "orchestrate")
    places = {"/opt/hunting": stage.folder, "/etc/hunting/fleet.json": stage.folder / "fleet.json"}
    command = line.replace(r"\%", "%")
    for place, here in places.items():
        command = command.replace(place, str(here))
    stage.fails(IDS[4])

    done = subprocess.run(
        [BASH, "-c", command], capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "7 tenants: 6 done, 1 behind",
        f"Behind: {IDS[4]}: Expired",
    ]


def test_table_is_the_simulations(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure that changed in the code changes on the page."""
    main(["simulate"])

    shown = PAGE.partition("<!-- simulation -->\n")[2].partition("<!-- end of simulation -->")[0]
    assert shown == capsys.readouterr().out
