"""The clients as they are installed: how to run each, and what it is asked to do."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hunting_emulator import Emulator

JsonObject = dict[str, Any]
INSTALLED: Final = os.environ.get("CLIENTS")
PROGRAMS: Final = Path(__file__).parent / "programs"
QUERIES: Final[Mapping[str, str]] = {
    "typed": "print Moment = datetime(2026-03-01T08:00:00.1234567Z), Flag = true, Count = long(5),"
    " Text = 'Größe', Nothing = int(null), Bag = dynamic({'a': 1, 'inner': {'b': true}})",
    "refused": "DeviceInfo | project Nope",
    "throttled": "print n = 1 // throttled",
    "revoked": "print n = 2 // revoked",
}


@dataclass(frozen=True)
class Client:
    """A client from its registry: its environment, its program, and the provider if it has many."""

    environment: str
    program: str
    provider: str = ""

    def command(self) -> Sequence[str]:
        """Return the command that runs the program."""
        folder = Path(INSTALLED or "") / self.environment
        program = str(PROGRAMS / self.program)
        if self.environment == "node":
            return [shutil.which("node") or "node", program]
        return [str(folder / "bin" / "python"), program]

    def is_there(self) -> bool:
        """Say whether the client is installed; Node may not be there."""
        return INSTALLED is not None and (Path(INSTALLED) / self.environment / "installed").exists()


def trusting(emulator: Emulator) -> dict[str, str]:
    """Return an environment in which clients of all kinds trust the emulator's certificate."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CA_FILE")
    modules = {"CLIENT_MODULES": str(Path(INSTALLED or "") / "node")}
    return {**os.environ, **dict.fromkeys(names, emulator.ca_file), **modules}


def run(
    client: Client, emulator: Emulator, *, certificate: Path | None = None, version: str = "v1.0"
) -> Mapping[str, JsonObject]:
    """Let a client sign in and run every query; return its answers by query."""
    job = {
        "url": emulator.url,
        "version": version,
        "tenant_id": emulator.tenant_id,
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "certificate": certificate and str(certificate),
        "provider": client.provider,
        "queries": QUERIES,
    }
    done = subprocess.run(
        client.command(),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        env=trusting(emulator),
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, JsonObject] = json.loads(done.stdout)
    return answers


def statuses(emulator: Emulator, name: str) -> list[int]:
    """Return the statuses of the calls that a query took."""
    return [call.status for call in emulator.calls if call.query == QUERIES[name]]
