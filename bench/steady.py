"""Output, CPU and memory of a run over many tenants with nothing new, by the number of tenants.

python -m bench.steady [--tenants 200 1000] [--write]

A first run over a few tenants makes the state; that of all others is theirs with another id.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from bench.page import put
from bench.tenants import settings_for
from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from hunting_emulator.settings import Settings, made_up
from hunting_emulator.tables import CATALOG

_MIB: Final = 1 << 20
#: Tenants of the first run.
_FEW: Final = 4


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

    @property
    def size(self) -> int:
        """Bytes of all lines."""
        return self.state_bytes + self.other_bytes


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


def measured(tenants: int) -> Steady:
    """Return the figures of a run that finds nothing new in any tenant."""
    with TemporaryDirectory() as name, service(Path(name), tenants) as url:
        folder = Path(name)
        settings = settings_for(folder, url)
        few = folder / "few.json"
        listed = json.loads((folder / "tenants.json").read_text("utf-8"))
        few.write_text(json.dumps(listed[:_FEW]), "utf-8")
        of_few = {**settings, "tenants_file": str(few)}
        _, found = _run(folder, of_few, "--discover")
        catalog = found.rename(folder / "catalog.json")
        _, output = _run(folder, of_few, "--catalog", str(catalog))
        last = [line for line in output.open("rb") if line.startswith(b'{"type":"STATE"')][-1]
        state = folder / "state.json"
        ids = [tenant["tenant_id"] for tenant in listed]
        state.write_text(json.dumps(state_of_all(json.loads(last)["value"], ids)), "utf-8")
        steady, _ = _run(folder, settings, "--catalog", str(catalog), "--state", str(state))
    return steady


def state_of_all(state: dict[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """Return a state with a part for each tenant, made from the first part of each stream.

    >>> few = {"bookmarks": {"s": {"partitions": [{"context": {"tenant_id": "a"}, "x": 1}]}}}
    >>> [part["context"] for part in state_of_all(few, ["a", "b"])["bookmarks"]["s"]["partitions"]]
    [{'tenant_id': 'a'}, {'tenant_id': 'b'}]
    """
    bookmarks = {
        stream: {
            **mark,
            "partitions": [{**mark["partitions"][0], "context": {"tenant_id": i}} for i in ids],
        }
        for stream, mark in state["bookmarks"].items()
        if mark.get("partitions")
    }
    return {**state, "bookmarks": bookmarks}


def section(runs: Mapping[int, Steady]) -> str:
    """Return a table, with each run beside the first."""
    first, *_ = runs.values()
    lines = ["| tenants | STATE lines | output | of the first | CPU s | of the first | peak MiB |"]
    lines.append("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for tenants, run in runs.items():
        bytes_, cpu = run.size / first.size, run.cpu_seconds / first.cpu_seconds
        lines.append(
            f"| {tenants:,} | {run.states} | {run.size / 1e6:.2f} MB | {bytes_:.2f}x "
            f"| {run.cpu_seconds:.1f} | {cpu:.2f}x | {run.peak / _MIB:.0f} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and put the table on the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--write", action="store_true", help="write to docs/performance.md")
    given = parser.parse_args(arguments)
    found = section({tenants: measured(tenants) for tenants in given.tenants})
    print(found)
    if given.write:
        put("steady", found, Path("docs"))


if __name__ == "__main__":
    main()
