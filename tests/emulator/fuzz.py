"""Ten thousand odd texts against the emulator in a process of its own; prints what came of them.

    python -m tests.emulator.fuzz --texts 10000

Each text has an answer of the emulator's, no later than the limit of a query's time and five
seconds more, over one connection that is never closed; the process stays under two gigabytes.
"""

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

import requests

from tests.emulator.texts import odd_texts

_NAMES = {"T": "DeviceInfo", "a": "DeviceName", "n": "ReportId"}
_GRACE = 5.0
_MOST_BYTES = 2_000_000_000
_ANSWERS = frozenset({200, 400, 413, 501, 504})
_WITHIN = 60.0
_START = 300.0


@dataclass(slots=True)
class Figures:
    """What came of the texts: answers by status, the slowest ones, and each fault."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def heard(self, text: str, status: int, seconds: float, limit: float) -> None:
        """Count an answer."""
        self.statuses[status] += 1
        self.slowest = sorted([*self.slowest, (seconds, text)], reverse=True)[:5]
        if status not in _ANSWERS or seconds > limit + _GRACE:
            self.faults.append(f"{status} after {seconds:.1f} s: {text[:300]!r}")

    def lines(self) -> list[str]:
        """Return the figures for a person."""
        told = ", ".join(
            f"{count} times {status}" for status, count in sorted(self.statuses.items())
        )
        slow = [f"slow: {seconds:.1f} s: {text[:100]!r}" for seconds, text in self.slowest]
        return [f"{self.statuses.total()} texts: {told}", *slow, *self.faults]


class Emulator:
    """The emulator as a process, with a session that trusts it."""

    def __init__(self, folder: Path, *, rows: int, query_seconds: float) -> None:
        command = [sys.executable, "-m", "hunting_emulator", "--port", "0", "--rows", str(rows)]
        ready, certificate = folder / "ready", folder / "ca.pem"
        files = ["--ready-file", str(ready), "--ca-file", str(certificate)]
        self.process = Popen([*command, *files], stdout=sys.stderr)
        until = time.monotonic() + _START
        while not ready.exists() or not ready.read_text().strip():
            if time.monotonic() > until or self.process.poll() is not None:
                self.process.kill()
                sys.exit("The emulator did not start")
            time.sleep(0.1)
        self.url = ready.read_text().strip()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(certificate)
        self._set_up(query_seconds)

    def _set_up(self, query_seconds: float) -> None:
        limits = {"calls_per_minute": None, "calls_per_hour": None, "cpu_seconds_per_cycle": None}
        self.session.post(
            f"{self.url}/_emulator/settings", json={**limits, "query_seconds": query_seconds}
        ).raise_for_status()
        tenant = self.session.get(f"{self.url}/_emulator/tenants").json()["tenants"][0]
        form = {
            "grant_type": "client_credentials",
            "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444",
            "client_secret": "hunting-emulator-secret",
            "scope": "https://graph.microsoft.com/.default",
        }
        path = f"/{tenant['tenant_id']}/oauth2/v2.0/token"
        token = self.session.post(self.url + path, data=form).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def hunt(self, text: str, timeout: float) -> int:
        """Ask a query; return the status of the answer."""
        return self.session.post(
            f"{self.url}/v1.0/security/runHuntingQuery", json={"Query": text}, timeout=timeout
        ).status_code

    def peak_bytes(self) -> int:
        """Return the most memory that the process has had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


def told(*lines: str) -> None:
    """Print for a person who waits."""
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--query-seconds", type=float, default=5.0)
    given = parser.parse_args()
    figures, limit = Figures(), given.query_seconds
    with TemporaryDirectory() as folder:
        emulator = Emulator(Path(folder), rows=given.rows, query_seconds=limit)
        try:
            emulator.hunt("DeviceInfo | take 1", _WITHIN)  # loads Microsoft's parser
            for text in odd_texts(random.Random(given.seed), given.texts, _NAMES):
                started = time.monotonic()
                try:
                    status = emulator.hunt(text, limit + _WITHIN)
                except requests.RequestException as error:
                    figures.faults.append(f"{type(error).__name__}: {text[:300]!r}")
                    continue
                figures.heard(text, status, time.monotonic() - started, limit)
                if figures.statuses.total() % 500 == 0:
                    told(*figures.lines(), f"{emulator.peak_bytes() >> 20} MiB")
            peak = emulator.peak_bytes()
        finally:
            emulator.process.terminate()
            emulator.process.wait()
    if peak > _MOST_BYTES:
        figures.faults.append("too much memory")
    told(*figures.lines(), f"at most {peak >> 20} MiB", f"{len(figures.faults)} faults")
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main())
