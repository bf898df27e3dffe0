"""Runs the tap in processes of its own, which may be killed, and reads what they left."""

import json
import multiprocessing
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

from tap_m365hunting.tap import TapM365Hunting

_FORKS: Final = multiprocessing.get_context("forkserver")


def start(config: Path, output: Path, state: Path | None = None) -> ForkServerProcess:
    """Start a run of the tap that writes to a file or a named pipe, and its log beside it."""
    _FORKS.set_forkserver_preload(["tests.soak.processes"])
    process = _FORKS.Process(
        target=_run, args=(config, output, state, dict(os.environ)), daemon=True
    )
    process.start()
    return process


def _run(config: Path, output: Path, state: Path | None, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the fork server's may be older than the emulator
    log = output.with_suffix(".log")
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    command = ["--config", str(config), *(["--state", str(state)] if state else [])]
    try:
        TapM365Hunting.cli(command, prog_name="tap-m365hunting")
    finally:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        output.with_suffix(".peak").write_text(str(peak), "utf-8")
        sys.stdout.flush()


@dataclass
class Written:
    """What a run wrote, as far as its lines are whole; rows are `(number, id)`."""

    rows: list[tuple[int, str]] = field(default_factory=list)
    saved_rows: int = 0
    state: dict[str, Any] | None = None
    cut_lines: int = 0

    @classmethod
    def read(cls, output: Path) -> "Written":
        """Read the file of a run; a cut line can only be its last."""
        written = cls()
        for line in _whole_lines(output, written):
            if line["type"] == "RECORD":
                written.rows.append((line["record"]["Number"], line["record"]["_row_id"]))
            elif line["type"] == "STATE" and line["value"].get("bookmarks"):
                written.state, written.saved_rows = line["value"], len(written.rows)
        return written


def _whole_lines(output: Path, written: Written) -> Iterator[dict[str, Any]]:
    with output.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield json.loads(line)
            else:
                written.cut_lines += 1


def peak_megabytes(output: Path) -> int:
    """Return the most memory that a run had, once it has ended."""
    return int(output.with_suffix(".peak").read_text("utf-8")) // 1024


def tell(figures: str) -> None:
    """Say what was measured; pytest lets it through with `-s`."""
    sys.stdout.write(f"\n{figures}\n")
