"""Processes of the demo: started, found again, ended."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_GRACE_SECONDS: Final = 30.0


class Programs:
    """Programs that are started for a demo, and all processes that come of them.

    A process is known by the session of a program, or by an environment variable that all inherit:
    Airflow's processes write their titles over their environment, and runs have their own sessions.
    """

    def __init__(self, name: str, value: str) -> None:
        self.mark = {name: value}
        self._sessions = set[int]()

    def start(
        self, command: Sequence[str | Path], variables: Mapping[str, str], log: Path
    ) -> "subprocess.Popen[bytes]":
        """Start a program in a session of its own, with its output in a file."""
        with log.open("ab") as output:
            program = subprocess.Popen(
                [*map(str, command)],
                env={**variables, **self.mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._sessions.add(program.pid)
        return program

    def left(self) -> dict[int, str]:
        """Return ids and commands of all that is alive."""
        ((name, value),) = self.mark.items()
        of_sessions = {p: _command(p) for p in _all() if _stat(p)[3:4] in self._ids}
        return {p: command for p, command in of_sessions.items() if command} | having(name, value)

    @property
    def _ids(self) -> list[list[str]]:
        return [[str(session)] for session in self._sessions]

    def end(self) -> dict[int, str]:
        """Kill all that is alive, and return it."""
        left = self.left()
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return left


def stop(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ask programs to end, the last started first; those that do not are killed."""
    for process in reversed(processes):
        process.terminate()
    for process in reversed(processes):
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def having(name: str, value: str) -> dict[int, str]:
    """Return ids and commands of the live processes that have a variable of this value."""
    wanted = f"{name}={value}".encode()
    return {
        process: command
        for process in _all()
        if process != os.getpid() and wanted in _read(process, "environ").split(b"\0")
        if (command := _command(process))
    }


def kill_worker(group: str, below: int) -> list[int]:
    """Kill the run of a group, its task and the worker, all at once; return their ids.

    `below` is the scheduler, whose children the workers are.
    """
    runs = set(having("HUNTING_GROUP", group))
    doomed = runs.union(*(_ancestors(process, below) for process in runs))
    for process in doomed:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return sorted(doomed)


def _ancestors(process: int, below: int) -> set[int]:
    """Return the processes between one and an ancestor, or none if that is no ancestor."""
    found = set[int]()
    while process not in {0, 1, below}:
        found.add(process)
        fields = _stat(process)
        process = int(fields[1]) if fields else 0
    return found if process == below else set()


def _stat(process: int) -> list[str]:
    """Return state, parent, group, session and so on, as proc(5) has them."""
    return _read(process, "stat").rpartition(b")")[2].decode().split()


def _command(process: int) -> str:
    """Return a command line; one of a process that has ended is empty."""
    return _read(process, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace")


def _all() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _read(process: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{file}").read_bytes()
    except OSError:  # the process has ended
        return b""
