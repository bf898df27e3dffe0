"""`python -m orchestrate`: the groups of a fleet for schedulers that run commands."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestrate.fleet import VARIABLE, Fleet
from orchestrate.group_run import GroupBusyError, attempt
from orchestrate.report import report
from orchestrate.simulation import Costs, Shape, table


def main(arguments: Sequence[str] | None = None) -> int:
    """List groups, run one, report, or simulate; the exit status is 0 only if all is done."""
    given = _options().parse_args(arguments)
    status: int = given.does(given)
    return status


def _groups(given: argparse.Namespace) -> int:
    print("\n".join(Fleet.read(given.fleet).assign()))
    return 0


def _run(given: argparse.Namespace) -> int:
    fleet = Fleet.read(given.fleet)
    group = [*fleet.assign()][given.index] if given.index is not None else given.group
    try:
        outcome = attempt(fleet, group, given.run)
    except GroupBusyError as error:
        print(error, file=sys.stderr)
        return 75  # EX_TEMPFAIL of sysexits.h: try again later
    return 1 if outcome.left(fleet.members(group)) else 0


def _report(given: argparse.Namespace) -> int:
    told = report(Fleet.read(given.fleet), given.run)
    print(told)
    return 1 if told.behind else 0


def _simulate(given: argparse.Namespace) -> int:
    shape = Shape(1, given.streams, given.rows_a_day, group_size=given.group_size)
    costs = Costs(call_seconds=given.call_seconds)
    print("\n".join(table(given.tenants, shape, costs, cores=given.cores)))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestrate", description=__doc__)
    parser.add_argument(
        "--fleet",
        type=Path,
        default=os.environ.get(VARIABLE, "fleet.json"),
        help=f"the settings of the fleet; default: {VARIABLE}, or fleet.json",
    )
    kinds = parser.add_subparsers(required=True)
    groups = kinds.add_parser("groups", help="give new tenants their groups, and list all groups")
    groups.set_defaults(does=_groups)
    run = kinds.add_parser("run", help="read the tenants of a group that are not done")
    which = run.add_mutually_exclusive_group(required=True)
    which.add_argument("group", nargs="?", help="name of the group")
    which.add_argument("--index", type=int, help="number of the group, from 0")
    run.set_defaults(does=_run)
    told = kinds.add_parser("report", help="tell which tenants are behind")
    told.set_defaults(does=_report)
    today = f"{datetime.now(UTC):%Y-%m-%dT%H}"
    for kind in (run, told):
        kind.add_argument(
            "--run", default=today, help="name of the scheduled run; default: the hour, UTC"
        )
    _add_simulation(kinds.add_parser("simulate", help="a fleet on paper, by its tenants"))
    return parser


def _add_simulation(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(does=_simulate)
    parser.add_argument("--tenants", type=int, nargs="+", default=[10, 1_000, 100_000])
    parser.add_argument("--rows-a-day", type=float, default=1_000_000, help="of a tenant")
    parser.add_argument("--streams", type=int, default=3)
    parser.add_argument("--group-size", type=int, default=25)
    parser.add_argument("--call-seconds", type=float, default=1.0)
    parser.add_argument("--cores", type=int, default=16, help="of all machines together")


if __name__ == "__main__":
    sys.exit(main())
