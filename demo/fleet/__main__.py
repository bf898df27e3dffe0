"""`make fleet-demo`: forty tenants on a real Airflow, four of them broken, one worker killed."""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from demo.errors import DemoError
from demo.fleet.airflow import Airflow, running
from demo.fleet.processes import Programs, having, kill_worker
from demo.fleet.readback import Loaded
from demo.fleet.scaling import LONGEST, ended, scaled
from demo.fleet.stage import MARK, ROOT, TENANTS, Stage
from demo.fleet.tenants import BROKEN, Service, entries, serving, tenant_id
from demo.fleet.waiting import Patience

RUN: Final = "demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the demo; the exit status is 0 only if no part failed and no process is left."""
    given = _options().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = Path(tempfile.mkdtemp(prefix="fleet-demo-"))
    stage = Stage(folder, given.group_size, given.latency, tuple(given.commands), given.database)
    programs, told = Programs(MARK, str(stage.settings)), ""
    try:
        told = play(stage, programs, given.airflow, given.slots, given.scale)
    except DemoError as error:
        print(f"\nThe demo stopped. {error}", file=sys.stderr)
    finally:
        left = programs.end()
    if left:
        print(f"Processes were left behind: {left}", file=sys.stderr)
    if left or not told:
        print(f"Its logs are in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print(told)
    return 0


def play(stage: Stage, programs: Programs, airflow_command: Path, slots: int, scale: float) -> str:
    """Start service and Airflow; return the last line of the demo, or the times by the slots.

    Raises:
        DemoError: a part did not do its work.
    """
    stage.prepare()
    started, count = monotonic(), len(TENANTS)
    emulator, latency = stage.commands[0] / "hunting-emulator", scale or stage.latency
    with serving(programs, emulator, stage.folder, count, latency) as service:
        home, variables = stage.folder / "airflow", stage.variables(service)
        with running(programs, airflow_command, home, ROOT, variables) as airflow:
            _say(f"{count} tenants; Airflow is up after {monotonic() - started:.0f} s")
            if scale:
                return scaled(stage, airflow, service, slots=slots, call_seconds=scale)
            airflow.slots(slots)
            return _mending(stage, airflow, service)


def _mending(stage: Stage, airflow: Airflow, service: Service) -> str:
    """Run the fleet broken, mend it, run what failed; return the last line, from the tables."""
    count = len(TENANTS)
    service.order("tenants", {"tenants": entries(count, BROKEN)})
    _say(f"{len(BROKEN)} tenants are broken, each in a way of its own")
    first = _first_run(stage, airflow, service)
    last = _mended(stage, airflow, service)
    done, mended = first.done(TENANTS), last.done(TENANTS)
    return (
        f"tenants {count}, first run {len(done)} done {count - len(done)} failed, after mending "
        f"{len(mended)} done, rows lost {last.lost(TENANTS)}, rows twice {last.twice}"
    )


def _first_run(stage: Stage, airflow: Airflow, service: Service) -> Loaded:
    """Run the fleet with its broken tenants, and kill a worker in the middle of its work."""
    airflow.trigger(RUN)
    started = monotonic()
    Patience("a group that has read a window", LONGEST, every=0.1).until(
        lambda: any(having("HUNTING_GROUP", group) for group in stage.begun()),
        alive=[*airflow.processes, service.process],
    )
    group = next(group for group in stage.begun() if having("HUNTING_GROUP", group))
    killed = kill_worker(group, airflow.scheduler)
    _say(f"Killed with -9, amid {group}: its worker, its task and the run below, {killed}")
    ended(RUN, airflow, service)
    loaded = Loaded.of(stage.fleet)
    _say(f"First run: {len(loaded.done(TENANTS))} tenants done, {monotonic() - started:.0f} s")
    _say(f"Attempts by group: {airflow.tries(RUN)}")
    return loaded


def _mended(stage: Stage, airflow: Airflow, service: Service) -> Loaded:
    """Mend the tenants, and let Airflow try again what failed.

    Raises:
        DemoError: a tenant was asked that was done already.
    """
    before = len(service.asked())
    service.order("tenants", {"tenants": entries(len(TENANTS), {})})
    airflow.clear_failed(RUN)
    ended(RUN, airflow, service)
    asked = set(service.asked()[before:])
    _say(f"Mended, and what failed was tried again: {len(asked)} tenants were asked")
    if asked != {tenant_id(number) for number in BROKEN}:
        msg = f"After mending were asked {sorted(asked)}"
        raise DemoError(msg)
    return Loaded.of(stage.fleet)


def _say(text: str) -> None:
    print(text, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.fleet", description=__doc__)
    parser.add_argument(
        "--airflow", type=Path, default=Path(".venv-airflow/bin/airflow"), help="the command"
    )
    parser.add_argument(
        "--commands",
        type=Path,
        nargs="+",
        default=[Path(".venv/bin"), Path(".venv/meltano/bin")],
        help="folders of the project's commands, and of Meltano's",
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        default="",
        help="Airflow's database; a file of SQLite if none is given",
    )
    parser.add_argument("--group-size", type=int, default=8, help="tenants of a group")
    parser.add_argument("--slots", type=int, default=2, help="groups at once")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds of each answer")
    parser.add_argument(
        "--scale",
        type=float,
        default=0.0,
        help="measure runs by the groups at once instead; answers take so many seconds",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
