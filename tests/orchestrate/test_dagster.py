"""The job for Dagster, loaded and run by it. Run with DAGSTER naming a Python that has Dagster."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.orchestrate.conftest import IDS, Stage

DAGSTER = os.environ.get("DAGSTER")
ROOT = Path(__file__).parents[2]
RUN = """
import runpy
defs = runpy.run_path({file!r})["defs"]
job = defs.get_job_def("hunting_fleet")
print(defs.get_schedule_def("hunting_fleet_schedule").cron_schedule)
print("SUCCESS", job.execute_in_process(raise_on_error=False).success)
"""

pytestmark = pytest.mark.skipif(DAGSTER is None, reason="`make fleet-test` runs it")


def test_job_reads_all_groups_of_a_fleet(stage: Stage, tmp_path: Path) -> None:
    """Each group once, on the hour's seventh minute."""
    home = tmp_path / "dagster"
    home.mkdir()
    settings = {
        "HUNTING_FLEET": str(stage.folder / "fleet.json"),
        "PYTHONPATH": str(ROOT),
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    program = RUN.format(file=str(ROOT / "orchestrate/dagster/hunting_fleet.py"))

    done = subprocess.run(
        [str(DAGSTER), "-c", program],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-2:] == ["7 * * * *", "SUCCESS True"], done.stderr[-3000:]
    assert sorted(stage.asked) == [IDS[:3], IDS[3:6], IDS[6:]]
