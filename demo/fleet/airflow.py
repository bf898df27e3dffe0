"""A real Airflow on this machine: api-server, scheduler and dag-processor, all on loopback."""

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

from demo.errors import DemoError
from demo.fleet.processes import Programs, stop
from demo.fleet.waiting import Patience

DAG: Final = "hunting_fleet"
POOL: Final = "hunting"
_API: Final = "/api/v2"
_ENDED: Final = ("success", "failed")


@dataclass(frozen=True, slots=True)
class Airflow:
    """A running Airflow, spoken to over its REST API."""

    port: int
    processes: "tuple[subprocess.Popen[bytes], ...]"

    @property
    def scheduler(self) -> int:
        """The process id of the scheduler, the parent of the workers."""
        return self.processes[1].pid

    def ask(self, method: str, path: str, members: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return the answer of the REST API; `None` if there is no such thing.

        Raises:
            DemoError: the API refuses.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        if path.startswith(_API):
            headers["Authorization"] = f"Bearer {self._token()}"
        try:
            body = None if members is None else json.dumps(members)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError:
            return None
        finally:
            connection.close()
        if answer.status == 404:  # noqa: PLR2004 - Not Found
            return None
        if answer.status >= 400:  # noqa: PLR2004 - errors
            msg = f"Airflow answered {answer.status} to {method} {path}: {text[:300]!r}"
            raise DemoError(msg)
        return json.loads(text)

    def _token(self) -> str:
        return str((self.ask("GET", "/auth/token") or {}).get("access_token"))

    def slots(self, count: int) -> None:
        """Let so many groups be read at the same time."""
        members = {
            "name": POOL,
            "slots": count,
            "description": "groups at once",
            "include_deferred": False,
        }
        if self.ask("GET", f"{_API}/pools/{POOL}") is None:
            self.ask("POST", f"{_API}/pools", members)
        else:
            self.ask("PATCH", f"{_API}/pools/{POOL}?update_mask=slots", members)

    def trigger(self, run: str, *groups: str) -> None:
        """Start a run, of some groups or of all.

        As a scheduled one, the run has a date, from which the deadline counts.
        """
        now, conf = datetime.now(UTC).isoformat(), {"groups": list(groups)}
        order = {"dag_run_id": run, "logical_date": now, "conf": conf}
        self.ask("POST", f"{_API}/dags/{DAG}/dagRuns", order)

    def clear_failed(self, run: str) -> None:
        """Let the tasks of a run that failed be tried again, and no others."""
        order = {"dry_run": False, "dag_run_id": run, "only_failed": True, "reset_dag_runs": True}
        self.ask("POST", f"{_API}/dags/{DAG}/clearTaskInstances", order)

    def seconds(self, run: str) -> float:
        """Return how long a run took, by Airflow's own clock."""
        there = self.ask("GET", f"{_API}/dags/{DAG}/dagRuns/{run}")
        begun, end = (datetime.fromisoformat(there[f"{name}_date"]) for name in ("start", "end"))
        return (end - begun).total_seconds()

    def ended(self, run: str) -> bool:
        """Say whether a run is over."""
        return (
            str((self.ask("GET", f"{_API}/dags/{DAG}/dagRuns/{run}") or {}).get("state")) in _ENDED
        )

    def tries(self, run: str) -> dict[str, tuple[int, str]]:
        """Return attempts and state of each group's task."""
        path = f"{_API}/dags/{DAG}/dagRuns/{run}/taskInstances/read/listMapped?limit=1000"
        listed = (self.ask("GET", path) or {}).get("task_instances", [])
        return {
            str(task.get("rendered_map_index") or task["map_index"]): (
                task["try_number"],
                task["state"],
            )
            for task in listed
        }


def settings(home: Path, root: Path, port: int) -> dict[str, str]:
    """Return the variables of an Airflow that keeps to its folder and to loopback."""
    at = f"http://127.0.0.1:{port}"
    given = {
        "CORE__DAGS_FOLDER": str(root / "orchestrate" / "dags"),
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__EXECUTION_API_SERVER_URL": f"{at}/execution/",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__PARALLELISM": "8",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": at,
        "API__SECRET_KEY": secrets.token_hex(16),
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
        # a killed worker is missed after half a minute, not after five
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    named = {f"AIRFLOW__{name}": value for name, value in given.items()}
    return {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(root), **named}


@contextmanager
def running(
    programs: Programs, command: Path, home: Path, root: Path, variables: Mapping[str, str]
) -> Iterator[Airflow]:
    """Run Airflow until the block ends.

    Raises:
        DemoError: a part of it does not start.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    there = {**os.environ, **settings(home, root, port), **variables}
    _migrate(programs.start([command, "db", "migrate"], there, home / "migrate.log"), home)
    parts = {
        "api-server": ("api-server", "--host", "127.0.0.1", "--port", str(port)),
        # the server of task logs would listen on all addresses
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag-processor": ("dag-processor",),
    }
    processes = list["subprocess.Popen[bytes]"]()
    try:
        for name, arguments in parts.items():
            processes.append(programs.start([command, *arguments], there, home / f"{name}.log"))
        airflow = Airflow(port, tuple(processes))
        Patience("Airflow's DAG", 300).until(
            lambda: airflow.ask("GET", f"{_API}/dags/{DAG}") is not None, alive=processes
        )
        yield airflow
    finally:
        stop(processes)


def _migrate(process: "subprocess.Popen[bytes]", home: Path) -> None:
    if process.wait(300):
        msg = f"Airflow cannot make its database; see {home / 'migrate.log'}"
        raise DemoError(msg)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
