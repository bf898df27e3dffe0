"""A fleet of tenants on Dagster: a mapped op a group, and a last one that names who is behind.

`dagster dev -f orchestrate/dagster/hunting_fleet.py`; the settings are those of the file in
HUNTING_FLEET.
"""

from collections.abc import Iterator
from typing import Final

from dagster import (
    Backoff,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Failure,
    OpExecutionContext,
    RetryPolicy,
    RetryRequested,
    ScheduleDefinition,
    job,
    op,
)

from orchestrate.fleet import Fleet
from orchestrate.group_run import GroupBusyError, attempt
from orchestrate.report import report

RETRIES: Final = 3
SECONDS: Final = 60


def _run(context: OpExecutionContext) -> str:
    """Return the id of a run; one that is executed again from its failure keeps the first one's."""
    return str(context.run.root_run_id or context.run_id)


@op(out=DynamicOut(str), retry_policy=RetryPolicy(max_retries=2, delay=30))
def groups() -> Iterator[DynamicOutput[str]]:
    """Give new tenants a group; yield all groups."""
    for group in Fleet.of_environment().assign():
        yield DynamicOutput(group, mapping_key=group)


@op(
    pool="hunting",
    retry_policy=RetryPolicy(max_retries=RETRIES, delay=SECONDS, backoff=Backoff.EXPONENTIAL),
)
def read(context: OpExecutionContext, group: str) -> str:
    """Read those tenants of a group that are not done in this run.

    After the last attempt the op ends well all the same: else `behind` would not run.
    """
    fleet = Fleet.of_environment()
    try:
        left = attempt(fleet, group, _run(context), log=context.log.info).left(fleet.members(group))
    except GroupBusyError as error:
        raise RetryRequested(RETRIES, SECONDS) from error
    if left and context.retry_number < RETRIES:
        raise RetryRequested(RETRIES, SECONDS * 2**context.retry_number)
    return group


@op
def behind(context: OpExecutionContext, read_groups: list[str]) -> None:
    """Name the tenants behind, and fail if there is one."""
    told = report(Fleet.of_environment(), _run(context), read_groups)
    context.log.info(str(told))
    if told.behind:
        raise Failure(str(told))


@job(tags={"dagster/concurrency_key": "hunting"})
def hunting_fleet() -> None:
    """Read what is new in all tenants of a fleet."""
    behind(groups().map(read).collect())


defs = Definitions(
    jobs=[hunting_fleet],
    schedules=[ScheduleDefinition(job=hunting_fleet, cron_schedule="7 * * * *")],
)
