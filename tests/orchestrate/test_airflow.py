"""A real Airflow on PostgreSQL: a group that hangs is ended, and a run that is late is told.

Run by `make fleet-test`, where PostgreSQL's programs are there: apt-get install postgresql.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.fleet.airflow import Airflow, running
from demo.fleet.processes import Programs, having
from demo.fleet.waiting import Patience
from tests.loaders import postgres
from tests.orchestrate.conftest import Stage

AIRFLOW = os.environ.get("AIRFLOW")
ROOT = Path(__file__).parents[2]
RUN = "hung"
GROUP_SECONDS, DEADLINE_SECONDS = 15, 6

pytestmark = pytest.mark.skipif(AIRFLOW is None, reason="`make fleet-test` runs it")


@dataclass(frozen=True)
class Hung:
    """A run in which the first group hung, when all is over."""

    home: Path
    airflow: Airflow
    server: postgres.Server

    def log(self, task: str) -> str:
        """The log of a task's first attempt."""
        (file,) = self.home.glob(f"logs/dag_id=*/run_id=*/task_id={task}/attempt=1.log")
        return file.read_text("utf-8")


@pytest.fixture
def hung(stage: Stage) -> Iterator[Hung]:
    """Three groups on an Airflow whose database is a PostgreSQL; the first one hangs."""
    stage.then(
        "if os.environ['HUNTING_GROUP'] == 'g0001':\n    import time\n    time.sleep(3600)\n"
        "tell(asked)"
    )
    settings = stage.folder / "fleet.json"
    programs, home = Programs("HUNTING_FLEET", str(settings)), stage.folder / "airflow"
    with postgres.serving() as server:
        variables = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
                f"postgresql+psycopg2://postgres@127.0.0.1:{server.port}/postgres"
            ),
            "HUNTING_SCHEDULE": "none",
            "HUNTING_RETRIES": "0",
            "HUNTING_GROUP_MINUTES": str(GROUP_SECONDS / 60),
            "HUNTING_DEADLINE_MINUTES": str(DEADLINE_SECONDS / 60),
        }
        try:
            with running(programs, Path(str(AIRFLOW)), home, ROOT, variables) as airflow:
                airflow.slots(3)
                airflow.trigger(RUN)
                Patience("the run", 240).until(lambda: airflow.ended(RUN), alive=airflow.processes)
                yield Hung(home, airflow, server)
        finally:
            left = programs.end()
    assert left == {}


def test_group_that_hangs_is_ended_and_late_runs_are_told(hung: Hung) -> None:
    """Its processes end with it, the other groups are done, and the last task names who is behind.

    The deadline passes while the group hangs; Airflow's executor calls what tells of it.
    """
    # Airflow names a mapped task by its group where the task came to an end of its own
    tries = hung.airflow.tries(RUN)
    assert tries == {"0": (1, "failed"), "g0002": (1, "success"), "g0003": (1, "success")}
    assert having("HUNTING_GROUP", "g0001") == {}
    assert "AirflowTaskTimeout" in hung.log("read/map_index=0")
    assert "7 tenants: 4 done, 3 behind" in hung.log("behind")

    Patience("the call of the deadline", 60).until(
        lambda: hung.server.ask("SELECT state FROM callback") == [{"state": "success"}]
    )
    (told,) = (hung.home / "logs/executor_callbacks").rglob("*-*")
    assert "is not done after 0 minutes" in told.read_text("utf-8")
