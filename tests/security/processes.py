"""Runs the commands, each in a process of its own that is forked from one that has loaded them.

Time alone is faked: a wait ends at once, and the clocks move on by it.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from tests.security import earlier
from tests.security.fake_time import FakeTime

TAP: Final = "tap-m365hunting"
COMMANDS: Final = "m365hunting"
#: The variable with the processor time after which a run is killed, however busy the machine is.
CPU_SECONDS: Final = "CPU_SECONDS"


@dataclass(frozen=True)
class Ran:
    """One run: what it wrote, how it ended, and what it took."""

    status: int | None
    output: bytes = field(repr=False)
    errors: bytes = field(repr=False)
    seconds: float
    peak_mib: float
    level: str

    @property
    def text(self) -> bytes:
        """All that was written."""
        return self.output + self.errors

    @property
    def last(self) -> str:
        """The last line of the log."""
        return (self.errors.strip().splitlines() or [b""])[-1].decode("utf-8", "backslashreplace")

    def holds(self, *values: str) -> list[str]:
        """Return the values that stand in it, as they are or as a URL has them, cut ones too."""
        forms = {
            value: {value, quote(value), value[: max(12, len(value) // 2)]} for value in values
        }
        return [
            value
            for value, all_forms in forms.items()
            if any(form.encode("utf-8", "surrogateescape") in self.text for form in all_forms)
        ]


class Processes:
    """The process that has loaded the commands, and forks for each run."""

    def __init__(self, folder: Path) -> None:
        self.ran: list[Ran] = []
        self._folder = folder
        self._number = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.security.processes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("", timeout=30)

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        level: str = "info",
        seconds: float = 60.0,
    ) -> Ran:
        """Run a command with a log of that level, and kill it after so many seconds."""
        self._number += 1
        files = [str(self._folder / f"{name}-{self._number}") for name in ("out", "err")]
        known = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        variables = {**known, "LOGLEVEL": level, **(environment or {})}
        job = {"command": command, "env": variables, "files": files, "seconds": seconds}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        output, errors = (Path(name).read_bytes() for name in files)
        for name in files:
            Path(name).unlink()
        ran = Ran(told["status"], output, errors, told["seconds"], told["peak_mib"], level)
        self.ran.append(ran)
        return ran


def serve() -> None:
    """Fork for each job that is read from standard input."""
    earlier.prepare()
    from tap_m365hunting import cli, tap  # noqa: F401, PLC0415 - loaded once, for all forks

    for line in sys.stdin:
        job = json.loads(line)
        begun = time.monotonic()
        child = os.fork()
        if child == 0:
            _become(job)
        status, usage = _wait(child, begun + job["seconds"])
        told = {
            "status": status,
            "seconds": time.monotonic() - begun,
            "peak_mib": usage.ru_maxrss / 1024,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _wait(child: int, until: float) -> tuple[int | None, Any]:
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), usage
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            _, _, usage = os.wait4(child, 0)
            return None, usage
        time.sleep(0.005)


def _become(job: Mapping[str, Any]) -> None:
    """Be a command, to its end."""
    os.environ.clear()
    os.environ.update(job["env"])
    time.tzset()
    if CPU_SECONDS in job["env"]:
        most = int(job["env"][CPU_SECONDS])
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    for number, name in enumerate(job["files"], 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = job["command"]
    status: object = 70
    try:
        _main(job["command"][0])
        status = 0
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 1 if status else 0)


def _main(name: str) -> None:
    if earlier.ASKED:
        earlier.main(name)
    from tap_m365hunting import cli, tap, tap_command  # noqa: PLC0415 - loaded already

    fake = FakeTime()
    if name == COMMANDS:
        cli.main(obj=cli.Effects(clock=fake.clock, sleep=fake.sleep, timer=fake.timer))

    class Impatient(tap.TapM365Hunting):
        def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (of the SDK)
            effects = {"clock": fake.clock, "sleep": fake.sleep, "timer": fake.timer}
            super().__init__(*args, **{**options, **effects})

    tap_command.main(Impatient)


if __name__ == "__main__":
    serve()
