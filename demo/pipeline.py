"""One run of the tap into the loader, as a shell would run it: tap | loader, last state kept."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    @property
    def catalog(self) -> Path:
        """The streams, and which of them are wanted."""
        return self.folder / "catalog.json"

    def discovery_command(self, *, from_environment: bool) -> Sequence[str]:
        """Return the command that finds the streams."""
        environment = ("--config", "ENV") if from_environment else ()
        return (str(self.tap), "--config", str(self.config), *environment, "--discover")

    def tap_command(self, *, from_environment: bool) -> Sequence[str]:
        """Return the command that reads, with the state once there is one."""
        *command, _ = self.discovery_command(from_environment=from_environment)
        state = ("--state", str(self.state)) if self.state.exists() else ()
        return (*command, "--catalog", str(self.catalog), *state)

    @property
    def loader_command(self) -> Sequence[str]:
        """Return the loader's command."""
        return (str(self.loader), "--config", str(self.loader_config))

    def discover(self, environment: dict[str, str]) -> None:
        """Write the catalog, with the stream `hunting_windows` selected too.

        Raises:
            DemoError: the tap failed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.discovery_command(from_environment=len(environment) > 1)
        with (self.folder / "tap.log").open("wb") as log:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | environment,
                check=False,
            )
        _check({"tap": done.returncode}, self.folder)
        catalog = json.loads(done.stdout)
        for stream in catalog["streams"]:
            if stream["tap_stream_id"] == "hunting_windows":
                _select(stream)
        self.catalog.write_text(json.dumps(catalog), "utf-8")

    def run(self, environment: dict[str, str]) -> None:
        """Read what is new, write it to tables, then keep the state.

        Raises:
            DemoError: the tap or the loader failed; the state is still that of all rows written.
        """
        command = self.tap_command(from_environment=len(environment) > 1)
        with (self.folder / "tap.log").open("wb") as log, self._loader() as loader:
            tap = subprocess.Popen(
                command, stdout=loader.stdin, stderr=log, env=os.environ | environment
            )
            if loader.stdin is not None:
                loader.stdin.close()  # the tap holds the other end
                loader.stdin = None
            states, _ = loader.communicate()
            status = tap.wait()
        self._keep(states)
        _check({"tap": status, "loader": loader.returncode}, self.folder)

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


def _select(stream: Mapping[str, Any]) -> None:
    for entry in stream["metadata"]:
        if not entry["breadcrumb"]:
            entry["metadata"]["selected"] = True


def _check(statuses: Mapping[str, int], folder: Path) -> None:
    said = [
        f"The {name} ended with status {status}; its last lines, from {folder / name}.log:\n"
        + _last_lines(folder / f"{name}.log")
        for name, status in statuses.items()
        if status
    ]
    if said:
        raise DemoError("\n".join(said))


def _last_lines(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-5:])
