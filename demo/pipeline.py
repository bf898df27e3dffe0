"""One run of the tap into the loader, as a shell would run it: tap | loader, last state kept."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.errors import DemoError


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A tap and a loader with their settings, and where the state is kept between runs."""

    tap: Path
    loader: Path
    config: Path
    loader_config: Path
    folder: Path

    @property
    def state(self) -> Path:
        """The last state that the loader passed on."""
        return self.folder / "state.json"

    def tap_command(self, *, from_environment: bool) -> Sequence[str]:
        """Return the tap's command, with the state once there is one."""
        state = ("--state", str(self.state)) if self.state.exists() else ()
        environment = ("--config", "ENV") if from_environment else ()
        return (str(self.tap), "--config", str(self.config), *environment, *state)

    @property
    def loader_command(self) -> Sequence[str]:
        """Return the loader's command."""
        return (str(self.loader), "--config", str(self.loader_config))

    def run(self, environment: Mapping[str, str]) -> None:
        """Read what is new, write it to files, then keep the state.

        Raises:
            DemoError: the tap or the loader failed; the state is still that of all rows written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.tap_command(from_environment=bool(environment))
        with (self.folder / "tap.log").open("wb") as log, self._loader() as loader:
            tap = subprocess.Popen(
                command, stdout=loader.stdin, stderr=log, env={**os.environ, **environment}
            )
            if loader.stdin is not None:
                loader.stdin.close()  # the tap holds the other end
                loader.stdin = None
            states, _ = loader.communicate()
            status = tap.wait()
        self._keep(states)
        _check(status, loader.returncode, self.folder)

    def _loader(self) -> subprocess.Popen[bytes]:
        with (self.folder / "loader.log").open("wb") as log:
            return subprocess.Popen(
                self.loader_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )

    def _keep(self, states: bytes) -> None:
        """Keep the last complete line; what came before it is older."""
        lines = states.split(b"\n")[:-1]
        if lines:
            new = self.state.with_suffix(".new")
            new.write_bytes(lines[-1] + b"\n")
            new.replace(self.state)


def _check(tap: int, loader: int, folder: Path) -> None:
    failed = {"tap": tap, "loader": loader}
    said = [
        f"The {name} ended with status {status}; its last lines, from {folder / name}.log:\n"
        + _last_lines(folder / f"{name}.log")
        for name, status in failed.items()
        if status
    ]
    if said:
        raise DemoError("\n".join(said))


def _last_lines(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-5:])
