"""The loaders of `bench.load`: how each is run, and where its rows are."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tests.loaders.postgres import serving

BULK: Final = "target-bulk-duckdb"
PLAIN: Final = "plain way, files.md"
#: In the name of a loader that takes rows in files.
BATCHED: Final = "BATCH"


@dataclass(frozen=True, slots=True)
class Loading:
    """A command that takes lines on standard input, and the database that it fills, if any."""

    command: list[str]
    folder: Path
    place: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    tap_settings: Mapping[str, Any] = field(default_factory=dict)


Make = Callable[[Path, Path | None], AbstractContextManager[Loading]]


@contextmanager
def _bulk(folder: Path, _: Path | None) -> Iterator[Loading]:
    folder.mkdir()
    place = folder / "rows.duckdb"
    command = [sys.executable, "-m", "bulk_loader"]
    yield Loading(command, folder, place, {"TARGET_BULK_DUCKDB_DATABASE": str(place)})


@contextmanager
def _plain(folder: Path, _: Path | None) -> Iterator[Loading]:
    folder.mkdir()
    command = [sys.executable, "-m", "bench.rivals.plain_way", str(folder)]
    # where gzip is
    yield Loading(command, folder, folder / "hunting.duckdb", {"PATH": os.environ["PATH"]})


def _installed(name: str, settings: Callable[[Path], dict[str, Any]]) -> Make:
    @contextmanager
    def make(folder: Path, loaders: Path | None) -> Iterator[Loading]:
        folder.mkdir()
        yield _configured(name, folder, loaders, settings(folder))

    return make


def _configured(
    name: str, folder: Path, loaders: Path | None, settings: Mapping[str, Any]
) -> Loading:
    config = folder / "config.json"
    config.write_text(json.dumps(settings))
    program = Path(str(loaders)).absolute() / name / "bin" / name
    return Loading([str(program), "--config", str(config)], folder, folder)


def _postgres(*, batches: bool) -> Make:
    @contextmanager
    def make(folder: Path, loaders: Path | None) -> Iterator[Loading]:
        folder.mkdir()
        storage = {"root": str(folder / "batches")}
        batch_config = {"batch_config": {"storage": storage, "batch_size": 20_000}}
        with serving() as server:
            settings = {**server.settings, "default_target_schema": "hunting", "use_copy": batches}
            loading = _configured("target-postgres", folder, loaders, settings)
            yield replace(loading, tap_settings=batch_config if batches else {})

    return make


def _of_jsonl(folder: Path) -> dict[str, Any]:
    return {"destination_path": str(folder), "do_timestamp_file": False}


def _of_duckdb(folder: Path) -> dict[str, Any]:
    place = {"filepath": str(folder / "m365.duckdb"), "default_target_schema": "hunting"}
    return {**place, "add_metadata_columns": True}


LOADERS: Final[Mapping[str, Make]] = {
    BULK: _bulk,
    PLAIN: _plain,
    "target-jsonl": _installed("target-jsonl", _of_jsonl),
    "target-duckdb": _installed("target-duckdb", _of_duckdb),
    "target-postgres": _postgres(batches=False),
    f"target-postgres, {BATCHED} and COPY": _postgres(batches=True),
}
