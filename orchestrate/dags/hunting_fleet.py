"""A fleet of tenants on Airflow 3: a mapped task a group, and a last one that names who is behind.

Settings are those of the file in HUNTING_FLEET. More variables, each with its default:
HUNTING_SCHEDULE (@hourly; `none` for runs by hand), HUNTING_POOL (hunting), HUNTING_RETRIES (3),
HUNTING_RETRY_SECONDS (60), HUNTING_GROUP_MINUTES (45), HUNTING_DEADLINE_MINUTES (90).
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Final

from airflow.sdk import (
    DeadlineAlert,
    DeadlineReference,
    Param,
    SyncCallback,
    dag,
    get_current_context,
    task,
)

from orchestrate import deadlines
from orchestrate.fleet import VARIABLE, Fleet
from orchestrate.group_run import attempt
from orchestrate.report import report


class TenantsBehindError(Exception):
    """Tenants of a fleet were not read whole."""


def _number(name: str, usual: float) -> float:
    return float(os.environ.get(f"HUNTING_{name}", usual))


SCHEDULE: Final = os.environ.get("HUNTING_SCHEDULE", "@hourly")
DEADLINE: Final = timedelta(minutes=_number("DEADLINE_MINUTES", 90))


@dag(
    schedule=None if SCHEDULE == "none" else SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # two runs would wait for each other's groups; what a late run misses, the next one reads
    max_active_runs=1,
    deadline=DeadlineAlert(
        # not by the time of queueing: Airflow 3.3.2 cannot clear the tasks of a run with that
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=DEADLINE,
        callback=SyncCallback(
            deadlines.warn,
            kwargs={
                "fleet": os.environ.get(VARIABLE, ""),
                "minutes": DEADLINE / timedelta(minutes=1),
            },
        ),
    ),
    params={"groups": Param([], type="array", description="groups to read; none for all")},
    tags=["hunting"],
)
def hunting_fleet() -> None:
    """Read what is new in all tenants of a fleet."""

    @task(retries=2, retry_delay=timedelta(seconds=30))
    def groups() -> list[str]:
        """Give new tenants a group; return the groups that the run is for."""
        there, wanted = Fleet.of_environment().assign(), get_current_context()["params"]["groups"]
        return [group for group in there if not wanted or group in wanted]

    @task(
        pool=os.environ.get("HUNTING_POOL", "hunting"),
        map_index_template="{{ group }}",
        retries=int(_number("RETRIES", 3)),
        retry_delay=timedelta(seconds=_number("RETRY_SECONDS", 60)),
        retry_exponential_backoff=2.0,
        max_retry_delay=timedelta(minutes=15),
        execution_timeout=timedelta(minutes=_number("GROUP_MINUTES", 45)),
    )
    def read(group: str) -> None:
        """Read those tenants of a group that are not done in this run."""
        fleet, context = Fleet.of_environment(), get_current_context()
        context["group"] = group
        outcome = attempt(fleet, group, context["run_id"])
        if left := outcome.left(fleet.members(group)):
            msg = f"{len(left)} tenants of {group} are behind: {', '.join(left)}"
            raise TenantsBehindError(msg)

    @task(trigger_rule="all_done")
    def behind() -> None:
        """Name the tenants behind, and fail if there is one."""
        context = get_current_context()
        wanted = context["params"]["groups"] or None
        told = report(Fleet.of_environment(), context["run_id"], wanted)
        print(told)
        if told.behind:
            raise TenantsBehindError(str(told))

    read.expand(group=groups()) >> behind()


hunting_fleet()
