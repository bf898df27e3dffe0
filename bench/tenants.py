"""How long a run takes for many tenants, by how many of them are read at the same time.

python -m bench.tenants [--tenants 24] [--latency 0.3] [--rounds 3]
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

_PARALLEL: Final = (1, 2, 4, 8)
_QUERIES: Final = tuple(
    {"name": f"stream_{number}", "query": "AlertInfo | project Timestamp, AlertId"}
    for number in range(3)
)


@contextmanager
def emulator(folder: Path, tenants: int, latency: float) -> Iterator[str]:
    """Run the emulator in a process of its own; yield its URL."""
    ready = folder / "ready"
    options = {"port": 0, "rows": 0, "tenants": tenants, "latency": latency}
    command = [sys.executable, "-m", "hunting_emulator", "--ready-file", str(ready)]
    command += ["--ca-file", str(folder / "ca.pem")]
    command += [f"--{name}={value}" for name, value in options.items()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as emulator:
        try:
            while not ready.exists() or not ready.read_text("utf-8"):
                time.sleep(0.05)
            yield ready.read_text("utf-8")
        finally:
            emulator.terminate()


def settings_for(folder: Path, url: str) -> dict[str, Any]:
    """Return settings for the tenants listed in the folder."""
    return {
        "client_id": "00001111-aaaa-2222-bbbb-3333cccc4444",
        "client_secret": "hunting-emulator-secret",
        "tenants_file": str(folder / "tenants.json"),
        "api_url": url,
        "authority_url": url,
        "max_parallel_calls": 1,
        "queries": _QUERIES,
    }


def _tap(folder: Path, settings: Mapping[str, Any], *options: str) -> tuple[float, bytes]:
    """Run the tap; return the seconds that it took, and what it wrote."""
    config = folder / "config.json"
    config.write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(config), *options]
    trusting = {**os.environ, "REQUESTS_CA_BUNDLE": str(folder / "ca.pem")}
    started = time.perf_counter()
    done = subprocess.run(
        command, env=trusting, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - started, done.stdout


def measured(tenants: int, latency: float, rounds: int) -> dict[int, list[float]]:
    """Return the seconds of each round, by the tenants at the same time; rounds take turns."""
    seconds: dict[int, list[float]] = {parallel: [] for parallel in _PARALLEL}
    with TemporaryDirectory() as name, emulator(Path(name), tenants, latency) as url:
        folder = Path(name)
        settings = settings_for(folder, url)
        catalog = folder / "catalog.json"
        catalog.write_bytes(_tap(folder, settings, "--discover")[1])
        for _ in range(rounds):
            for parallel in _PARALLEL:
                chosen = {**settings, "max_parallel_tenants": parallel}
                took, _ = _tap(folder, chosen, "--catalog", str(catalog))
                seconds[parallel].append(took)
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=24)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    seconds = measured(given.tenants, given.latency, given.rounds)
    waits = given.tenants * len(_QUERIES) * given.latency
    print(f"{given.tenants} tenants, {len(_QUERIES)} calls each, {given.latency} s a call")
    print("| at the same time | seconds | of one at a time | calls alone |")
    print("| --- | --- | --- | --- |")
    alone = median(seconds[1])
    for parallel, took in seconds.items():
        share = median(took) / alone
        print(f"| {parallel} | {median(took):.1f} | {share:.2f} | {waits / parallel:.1f} |")


if __name__ == "__main__":
    main()
