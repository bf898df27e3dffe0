"""A workplace for trials: installed commands, run as a person runs them, before an emulator."""

import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hunting_emulator import Emulator

PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
ALERTS: Final = {"name": "alerts", "query": "AlertInfo | project Timestamp, AlertId, Title"}
#: The longest that a trial waits for a command.
PATIENCE: Final = 60.0


@dataclass(frozen=True)
class Ran:
    """What a command did; a command that was ended has the status `None`."""

    status: int | None
    output: str
    errors: str
    seconds: float

    @property
    def all(self) -> str:
        """Both outputs, with single spaces."""
        return " ".join(f"{self.output}\n{self.errors}".split())

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The Singer messages of the output."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def of(self, kind: str, stream: str = "alerts") -> list[dict[str, Any]]:
        """Return the messages of a kind about a stream."""
        found = self.messages
        return [m for m in found if m["type"] == kind and m.get("stream") == stream]

    def lines(self, *words: str) -> list[str]:
        """Return the lines that hold one of the words."""
        both = [*self.output.splitlines(), *self.errors.splitlines()]
        return [line for line in both if any(word in line for word in words)]


@dataclass
class Bench:
    """The commands of a folder, an emulator with rows of the last hours, and a folder to write to.

    `checkout` is the tree whose files the commands were made from.
    """

    commands: Path
    checkout: Path
    emulator: Emulator
    folder: Path
    #: The first day whose rows the service has is 30 days before this.
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def load(self, rows: int = 3, **cells: object) -> None:
        """Put alerts into the last hours, one an hour."""
        made = [
            {"Timestamp": self.ago(hours=n + 1), "AlertId": f"a{n}", "Title": "t", **cells}
            for n in range(rows)
        ]
        self.emulator.engine.load("AlertInfo", made)

    def ago(self, **span: float) -> str:
        """Return a time before now, as the service writes it."""
        return f"{self.now - timedelta(**span):%Y-%m-%dT%H:%M:%S.%f}0Z"

    def settings(self, *queries: Mapping[str, Any], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return settings that reach the emulator; a setting that is `None` is left out."""
        found = {
            "tenant_id": self.emulator.tenant_id,
            "client_id": self.emulator.client_id,
            "client_secret": self.emulator.client_secret,
            "api_url": self.emulator.url,
            "authority_url": self.emulator.url,
            "queries": list(queries) or [ALERTS],
            **settings,
        }
        return {name: value for name, value in found.items() if value is not None}

    def file(self, name: str, content: object) -> str:
        """Write a file: a text or bytes as they are, anything else as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        path.chmod(0o600)
        return str(path)

    def config(self, *queries: Mapping[str, Any], **settings: Any) -> list[str]:  # noqa: ANN401 - JSON
        """Write settings; return the options of a command that name them."""
        return ["--config", self.file("config.json", self.settings(*queries, **settings))]

    def tap(self, *arguments: str, **variables: str) -> Ran:
        """Run the tap."""
        return self.run(["tap-m365hunting", *arguments], variables)

    def people(self, *arguments: str, **variables: str) -> Ran:
        """Run `m365hunting`."""
        return self.run(["m365hunting", *arguments], variables)

    def catalog(self, options: Sequence[str], *, selected: Sequence[str] = ()) -> str:
        """Discover, select streams, and write the catalog."""
        found = json.loads(self.tap(*options, "--discover").output)
        for stream in found["streams"]:
            if stream["tap_stream_id"] in selected:
                for entry in stream["metadata"]:
                    entry["metadata"].update({"selected": True} if not entry["breadcrumb"] else {})
        return self.file("catalog.json", found)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a command, without proxies of the machine."""
        kept = {name: value for name, value in os.environ.items() if name not in PROXIES}
        trusted = {"REQUESTS_CA_BUNDLE": self.emulator.ca_file, "COLUMNS": "100"}
        return {**kept, **trusted, **variables}

    def run(self, command: Sequence[str], variables: Mapping[str, str]) -> Ran:
        """Run a command of the folder to its end, or for a minute."""
        begun = time.monotonic()
        process = subprocess.Popen(
            [str(self.commands / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        status: int | None = None
        try:
            output, errors = process.communicate(timeout=PATIENCE)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
        return Ran(status, output, errors, time.monotonic() - begun)

    def interrupted(self, *arguments: str, number: int, after: Callable[[str], bool]) -> Ran:
        """Run the tap, and send a signal once its log is as wanted."""
        begun, log = time.monotonic(), self.folder / "log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [str(self.commands / "tap-m365hunting"), *arguments],
                cwd=self.folder,
                env=self.environment({}),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        while not after(log.read_text()) and time.monotonic() < begun + PATIENCE:
            time.sleep(0.1)
        process.send_signal(number)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
        return Ran(process.returncode, "", log.read_text(), time.monotonic() - begun)

    def on_terminal(self, *arguments: str, **variables: str) -> str:
        """Return what `m365hunting` shows on a terminal."""
        inner, outer = pty.openpty()
        process = subprocess.Popen(
            [str(self.commands / "m365hunting"), *arguments],
            cwd=self.folder,
            env=self.environment({"TERM": "xterm-256color", **variables}),
            stdin=outer,
            stdout=outer,
            stderr=outer,
        )
        os.close(outer)
        shown = b"".join(_read(inner, process))
        os.close(inner)
        process.wait()
        return shown.decode("utf-8", "replace")


def _read(terminal: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Read a terminal until the process has left it."""
    while True:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if not ready:
            if process.poll() is not None:
                return
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            return
        if not piece:
            return
        yield piece
