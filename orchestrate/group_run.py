"""One attempt at a group of tenants: a Meltano run over those that are not done yet."""

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from orchestrate import outcomes
from orchestrate.fleet import Fleet
from orchestrate.last_words import TapOutcome, failures
from orchestrate.outcomes import Outcome

_SHARED: Final = ("extractors", "loaders", "mappers", "utilities")
#: Time for a loader to write what it holds, after it was asked to end.
_GRACE_SECONDS: Final = 60.0


class GroupBusyError(Exception):
    """Another run of the group is alive."""


def attempt(fleet: Fleet, group: str, run: str, *, log: Callable[[str], None] = print) -> Outcome:
    """Read the tenants of a group that are not done in this run; return how far the group is.

    A tenant that is done is not read again, so a second attempt is for the first one's failures.

    Raises:
        GroupBusyError: another attempt at the group is alive.
    """
    file = fleet.outcome_file(run, group)
    before = outcomes.read(file)
    asked = before.left(fleet.members(group))
    if not asked:
        return before
    home = fleet.home(group)
    with _locked(home) as lock, _tenants_file(fleet, home, asked) as tenants:
        started = time.monotonic()
        status, lines = _meltano(fleet, group, tenants, lock, log)
        failed = failures(_tap_outcome(fleet.tap_outcome_file(group)), lines, status, asked)
        after = before.after(asked, failed, time.monotonic() - started)
        outcomes.write(file, after)
    return after


def command(fleet: Fleet, group: str) -> list[str]:
    """Return the command of a group's run.

    After a kill Meltano holds a run for alive until five minutes without its heartbeat are over.
    `--force` is safe here: the lock of the group is held by Meltano itself as long as it lives, so
    whoever has the lock knows that no other run of this state is alive.
    """
    return ["meltano", "run", f"--state-id-suffix={group}", "--force", *fleet.pipeline]


def environment(
    fleet: Fleet, group: str, tenants: Path, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables of a group's run, the secrets among them."""
    home = fleet.home(group)
    path = os.pathsep.join([*map(str, fleet.commands), given.get("PATH", os.defpath)])
    return {
        # Airflow's own settings and its interpreter are none of Meltano's
        **{name: value for name, value in given.items() if not name.startswith(_FOREIGN)},
        **dict(_secrets(fleet)),
        "PATH": path,
        "HUNTING_GROUP": group,
        "HUNTING_TENANTS_FILE": str(tenants),
        "HUNTING_OUTPUT": str(home / "output"),
        "HUNTING_OUTCOME_FILE": str(fleet.tap_outcome_file(group)),
        "MELTANO_PROJECT_ROOT": str(fleet.project),
        "MELTANO_SYS_DIR_ROOT": str(home / "system"),
    }


_FOREIGN: Final = ("AIRFLOW__", "_AIRFLOW", "PYTHON", "VIRTUAL_ENV")


def _secrets(fleet: Fleet) -> Iterator[tuple[str, str]]:
    for file in sorted(fleet.secrets.iterdir()) if fleet.secrets else ():
        if file.is_file() and not file.name.startswith("."):
            yield file.name, file.read_text("utf-8").rstrip("\n")


@contextmanager
def _locked(home: Path) -> Iterator[int]:
    """Hold the group; the kernel frees the lock when the last process that holds it has ended."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"Another run of {home.name} is alive; it holds {home / 'lock'}"
            raise GroupBusyError(msg) from error
        yield lock.fileno()


@contextmanager
def _tenants_file(fleet: Fleet, home: Path, asked: Sequence[str]) -> Iterator[Path]:
    """List the tenants of one attempt, with their secrets, in a file for this user's eyes alone."""
    entries, file = fleet.tenants(), home / "tenants.json"
    outcomes.whole(file, json.dumps([entries[tenant] for tenant in asked]), mode=0o600)
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _tap_outcome(file: Path) -> TapOutcome:
    try:
        return TapOutcome.of(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return TapOutcome()  # the tap never began, or the project does not tell it of the file


def _meltano(
    fleet: Fleet, group: str, tenants: Path, lock: int, log: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Run Meltano to its end; return the exit status, and the lines that matter afterwards."""
    home = fleet.home(group)
    for name in ("system", "output"):
        (home / name).mkdir(exist_ok=True)
    fleet.tap_outcome_file(group).unlink(missing_ok=True)
    _share_plugins(fleet.project / ".meltano", home / "system")
    kept = list[str]()
    with (home / "meltano.log").open("w", buffering=1, encoding="utf-8") as file:
        process = subprocess.Popen(
            command(fleet, group),
            cwd=fleet.project,
            env=environment(fleet, group, tenants),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            start_new_session=True,
            # Meltano writes the settings, secrets among them, into a file for the tap
            umask=0o077,
        )
        try:
            kept += _followed(process, file, log)
            return process.wait(), kept
        finally:
            _end(process)


def _share_plugins(installed: Path, system: Path) -> None:
    """Let a group's own system directory find the plugins that the project has installed."""
    for name in _SHARED:
        if (installed / name).is_dir() and not (system / name).exists():
            (system / name).symlink_to(installed / name)


def _followed(
    process: "subprocess.Popen[bytes]", file: TextIO, log: Callable[[str], None]
) -> Iterator[str]:
    """Write a run's lines into its log; yield those that tell how the run ended.

    A line ends at a line feed alone: text of Python's would end it at a carriage return, too, which
    a plugin may write, and what follows would look like a line of Meltano's.
    """
    for raw in process.stdout or ():
        line = raw.decode(errors="replace").replace("\r", "\\r")
        file.write(line)
        if "Failed: " in line or "] meltano " in line:
            log(line.rstrip("\n"))
            yield line


def _end(process: "subprocess.Popen[bytes]") -> None:
    """See a run to its end, and all its processes, whatever ends the attempt."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout:
        process.stdout.close()
