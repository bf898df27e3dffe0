"""The DAG as a real Airflow reads it. Run by `make fleet-test`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

AIRFLOW = os.environ.get("AIRFLOW")
ROOT = Path(__file__).parents[2]
READ = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({folder!r})
dag = bag.dags["hunting_fleet"]
read = dag.task_dict["read"]
kept = read.partial_kwargs
print("DAG " + json.dumps({{
    "errors": bag.import_errors,
    "max_active_runs": dag.max_active_runs,
    "catchup": dag.catchup,
    "deadline": dag.deadline[0].interval.total_seconds(),
    "downstream": sorted(read.downstream_task_ids),
    "trigger_rule": dag.task_dict["behind"].trigger_rule,
    "mapped": type(read).__name__,
    "pool": kept["pool"],
    "retries": kept["retries"],
    "backoff": kept["retry_exponential_backoff"],
    "timeout": kept["execution_timeout"].total_seconds(),
}}))
"""

pytestmark = pytest.mark.skipif(AIRFLOW is None, reason="`make fleet-test` runs it")


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow makes of the file, with the secret in no variable that it is told."""
    python, home = Path(str(AIRFLOW)).with_name("python"), tmp_path_factory.mktemp("airflow")
    (home / "fleet.json").write_text("{}", "utf-8")
    variables = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "HUNTING_FLEET": str(home / "fleet.json"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [python, "-c", READ.format(folder=str(ROOT / "orchestrate" / "dags"))],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = (text for text in done.stdout.splitlines() if text.startswith("DAG "))
    read: dict[str, Any] = json.loads(line[4:])
    return read


def test_airflow_reads_the_file_without_an_error(dag: dict[str, Any]) -> None:
    """A DAG that cannot be imported vanishes from the schedule."""
    assert dag["errors"] == {}


def test_two_runs_are_never_at_once(dag: dict[str, Any]) -> None:
    """They would wait for each other's groups; what a late run missed, the next one reads."""
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)


def test_groups_are_mapped_tasks_that_are_bounded_and_tried_again(dag: dict[str, Any]) -> None:
    """A pool bounds how many run, a time-out how long, and retries wait ever longer."""
    assert dag["mapped"] == "DecoratedMappedOperator"
    assert (dag["pool"], dag["retries"], dag["backoff"]) == ("hunting", 3, 2.0)
    assert dag["timeout"] == 2700


def test_last_task_runs_whatever_became_of_the_groups(dag: dict[str, Any]) -> None:
    """Somebody has to say who is behind, and a run that is late is told, too."""
    assert dag["downstream"] == ["behind"]
    assert dag["trigger_rule"] == "all_done"
    assert dag["deadline"] == 5400
