"""Output, CPU and memory of a run over many tenants with nothing new, by the number of tenants.

python -m bench.steady [--tenants 200 1000]
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from bench.tenants import settings_for
from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from hunting_emulator.settings import Settings, made_up
from hunting_emulator.tables import CATALOG

_MIB: Final = 1 << 20


@contextmanager
def service(folder: Path, tenants: int) -> Iterator[str]:
    """Run an emulator of so many tenants in a process of its own; yield its URL."""
    ids = [tenant.tenant_id for tenant in made_up(tenants)]
    (folder / "tenants.json").write_text(json.dumps([{"tenant_id": i} for i in ids]), "utf-8")
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, folder / "ca.pem", tenants)
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def _serve(told: Connection, ca_file: Path, tenants: int) -> None:
    """Serve until told to end.

    All tenants share the tables, as a thousand engines would need more memory than there is.
    """
    settings = Settings(made_up(tenants))
    engine = Engine(tables=[CATALOG["AlertInfo"]])
    with Emulator(port=0, ca_file=ca_file, settings=settings) as emulator:
        for tenant in settings.tenants:
            emulator.use_engine(engine, tenant.tenant_id)
        told.send(emulator.url)
        told.recv()


class Steady(NamedTuple):
    """One run: bytes of STATE lines and of others, CPU seconds, peak memory in bytes."""

    states: int
    state_bytes: int
    other_bytes: int
    cpu_seconds: float
    peak: int


def _run(folder: Path, settings: dict[str, Any], *options: str) -> tuple[Steady, Path]:
    """Run the tap to its end; return its figures, and the file with what it wrote."""
    config, output = folder / "config.json", folder / "output.jsonl"
    config.write_text(json.dumps(settings), "utf-8")
    trusting = {**os.environ, "REQUESTS_CA_BUNDLE": str(folder / "ca.pem")}
    command = [sys.executable, "-m", "tap_m365hunting", "--config", str(config), *options]
    with output.open("wb") as out:
        tap = subprocess.Popen(command, env=trusting, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(tap.pid, 0)
    tap.returncode = os.waitstatus_to_exitcode(status)
    if tap.returncode:
        msg = f"The tap ended with status {tap.returncode}"
        raise SystemExit(msg)
    states = [line for line in output.open("rb") if line.startswith(b'{"type":"STATE"')]
    size = sum(map(len, states))
    cpu = used.ru_utime + used.ru_stime
    rest = output.stat().st_size - size
    return Steady(len(states), size, rest, cpu, used.ru_maxrss << 10), output


def measured(tenants: int) -> tuple[Steady, Steady]:
    """Return the figures of a first run, and of a second one that finds nothing new."""
    with TemporaryDirectory() as name, service(Path(name), tenants) as url:
        folder = Path(name)
        settings = settings_for(folder, url)
        catalog = _catalog(folder, settings)
        first, output = _run(folder, settings, "--catalog", str(catalog))
        last = [line for line in output.open("rb") if line.startswith(b'{"type":"STATE"')][-1]
        state = folder / "state.json"
        state.write_text(json.dumps(json.loads(last)["value"]), "utf-8")
        again, _ = _run(folder, settings, "--catalog", str(catalog), "--state", str(state))
    return first, again


def _catalog(folder: Path, settings: dict[str, Any]) -> Path:
    _, output = _run(folder, settings, "--discover")
    return output.rename(folder / "catalog.json")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, nargs="+", default=[200, 1000])
    given = parser.parse_args(arguments)
    print("| tenants | run | STATE lines | STATE MB | other MB | CPU s | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for tenants in given.tenants:
        for name, run in zip(("first", "steady"), measured(tenants), strict=True):
            print(
                f"| {tenants} | {name} | {run.states} | {run.state_bytes / 1e6:.2f} | "
                f"{run.other_bytes / 1e6:.2f} | {run.cpu_seconds:.1f} | {run.peak / _MIB:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
