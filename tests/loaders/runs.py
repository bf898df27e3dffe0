"""Runs the tap's command twice over each case, once for all loaders."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from tests.loaders.cases import Case
from tests.loaders.truth import Stream

# 66 streams take more calls than a tenant has in a minute; quotas are not the matter here.
_UNLIMITED: Final[Mapping[str, Any]] = dict.fromkeys(
    (
        *("calls_per_minute", "calls_per_hour", "cpu_seconds_per_cycle", "cpu_seconds_per_query"),
        *("result_bytes", "query_seconds"),
    )
)
_STATE: Final = b'{"type":"STATE"'
_CALLS: Final = {"max_calls_per_minute": 100_000, "max_calls_per_hour": 1_000_000}


class Runs:
    """The tap's output for each case, made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, tuple[Path, Path]] = {}

    def of(self, case: Case) -> tuple[Path, Path]:
        """Return the Singer lines of the first run and of the second."""
        if case.name not in self._made:
            with Emulator(**_UNLIMITED) as emulator:
                self._made[case.name] = self._run(case, emulator)
        return self._made[case.name]

    def _run(self, case: Case, emulator: Emulator) -> tuple[Path, Path]:
        for stream in case.streams:
            emulator.engine.create(stream.table)
            emulator.engine.load(stream.table.name, stream.rows)
        config = self._file(case, "tap.json", _config(case, emulator))
        first = self._tap(case, emulator, "first", config)
        for stream in case.streams:
            _change(stream, emulator)
        # a run ends at a whole second; in the second of the last run there is nothing to read
        time.sleep(1)
        state = self._file(case, "state.json", states(first)[-1]) if case.resume else None
        return first, self._tap(case, emulator, "second", config, state)

    def _file(self, case: Case, name: str, content: object) -> Path:
        path = self._folder / f"{case.name}.{name}"
        path.write_text(json.dumps(content), "utf-8")
        return path

    def _tap(
        self, case: Case, emulator: Emulator, run: str, config: Path, state: Path | None = None
    ) -> Path:
        path = self._folder / f"{case.name}.{run}.singer"
        command = [sys.executable, "-m", "tap_m365hunting", f"--config={config}"]
        with path.open("wb") as lines:
            done = subprocess.run(
                [*command, f"--state={state}"] if state else command,
                env=os.environ | {"REQUESTS_CA_BUNDLE": emulator.ca_file},
                stdout=lines,
                stderr=subprocess.PIPE,
                check=False,
                text=True,
            )
        assert done.returncode == 0, done.stderr[-3000:]
        return path


def states(lines: Path) -> list[Any]:
    """Return the values of the STATE lines."""
    with lines.open("rb") as messages:
        return [json.loads(line)["value"] for line in messages if line.startswith(_STATE)]


def _change(stream: Stream, emulator: Emulator) -> None:
    """Let happen what happens between two runs."""
    if stream.gone:
        emulator.use_engine(Engine(tables=[stream.table]))
        emulator.engine.load(stream.table.name, stream.rows[stream.gone :])
    if stream.added:
        emulator.engine.alter(stream.table.name, add=stream.added)
    emulator.engine.load(stream.table.name, stream.later)


def _config(case: Case, emulator: Emulator) -> Mapping[str, Any]:
    queries: Sequence[Mapping[str, Any]] = [stream.query for stream in case.streams]
    return {
        "tenant_id": emulator.tenant_id,
        "client_id": emulator.client_id,
        "client_secret": emulator.client_secret,
        "api_url": emulator.url,
        "authority_url": emulator.authority_url,
        "queries": queries,
        **_CALLS,
        **case.settings,
    }
