"""The emulator as a process of its own: started, asked for its calls, stopped whatever happens."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import Final

from demo.errors import DemoError

_READY_WITHIN: Final = 120.0
_LOOK_EVERY: Final = 0.1


@dataclass(frozen=True, slots=True)
class Tenant:
    """What the emulator is to hold, and where."""

    port: int
    rows: int
    anchor: datetime
    folder: Path

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"https://localhost:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients have to trust."""
        return self.folder / "ca.pem"

    @property
    def arguments(self) -> Sequence[str]:
        """The command's options, as a user would type them."""
        at = f"{self.anchor:%Y-%m-%dT%H:%M:%SZ}"
        return ("--port", str(self.port), "--rows", str(self.rows), "--anchor", at)


@contextmanager
def serving(command: Path, tenant: Tenant) -> Iterator[None]:
    """Run the emulator until the block ends, however it ends.

    Raises:
        DemoError: the port is taken, or the emulator does not start.
    """
    check_free(tenant.port)
    tenant.folder.mkdir(parents=True, exist_ok=True)
    ready, log = tenant.folder / "ready", tenant.folder / "emulator.log"
    ready.unlink(missing_ok=True)
    files = ("--ca-file", str(tenant.ca_file), "--ready-file", str(ready))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [command, *tenant.arguments, *files], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait(process, ready, log)
            yield
        finally:
            _stop(process)


def check_free(port: int) -> None:
    """Find out whether a server may listen on this port.

    Raises:
        DemoError: another program does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            msg = (
                f"Port {port} is taken ({error.strerror}); "
                f"stop what listens there, or use another one: make demo PORT={port + 1000}"
            )
            raise DemoError(msg) from error


def calls(tenant: Tenant) -> list[str]:
    """Return the text of each query that the emulator was asked, oldest first."""
    trusted = ssl.create_default_context(cafile=str(tenant.ca_file))
    connection = HTTPSConnection("localhost", tenant.port, context=trusted, timeout=60)
    connection.request("GET", "/_emulator/calls")
    answer = json.load(connection.getresponse())
    connection.close()
    return [call["query"] for call in answer["calls"]]


def _wait(process: subprocess.Popen[bytes], ready: Path, log: Path) -> None:
    for _ in range(round(_READY_WITHIN / _LOOK_EVERY)):
        if ready.exists():
            return
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(_LOOK_EVERY)
            last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
            msg = f"The emulator ended with status {status}: {' '.join(last)}; see {log}"
            raise DemoError(msg)
    msg = f"The emulator was not ready within {_READY_WITHIN:.0f} s; see {log}"
    raise DemoError(msg)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
