"""Batches of rows into real loaders, read back by query. Run by `make loaders`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from hunting_emulator import Emulator
from hunting_emulator.engine import Engine
from hunting_emulator.tables import Table
from tests.loaders.cases import NOW, Case
from tests.loaders.comparison import differences
from tests.loaders.conftest import MakeLoader
from tests.loaders.limits import ROUNDED, changed
from tests.loaders.loaders import INSTALLED, Csv, DuckDB, Jsonl, Loader, Postgres
from tests.loaders.truth import Stream, filled

pytestmark = pytest.mark.skipif(INSTALLED is None, reason="`make loaders` runs it")

TYPES: Final = {
    "Timestamp": "datetime",
    "DeviceName": "string",
    "Secret": "string",
    "ReportId": "long",
    "Score": "real",
    "IsLocal": "bool",
    "Device": "guid",
    "AdditionalFields": "dynamic",
}
TABLE: Final = Table.of("Batched", TYPES)
ROWS: Final = [filled(TABLE, number, NOW) for number in range(1, 41)]
#: One column is hidden, and half of the rows are left out.
MAPS: Final = {"batched": {"__filter__": "ReportId % 2 == 0", "DeviceName": "md5(DeviceName)"}}
LEFT_OUT: Final = "Secret"


class Inserted(Postgres):
    """A PostgreSQL server, which reads the times of a batch itself, and rounds them."""

    limits = (ROUNDED,)


class Copied(Inserted):
    """A PostgreSQL server that takes rows by COPY."""

    def settings(self) -> Mapping[str, Any]:
        """Have rows copied."""
        return {**super().settings(), "use_copy": True}


class Texts(Csv):
    """CSV files, whose loader reads no time of a batch, and so keeps all of its digits."""

    limits = ()


class Runs:
    """Runs of the tap over one table, by lines or by batches, with a column left out."""

    def __init__(self, emulator: Emulator, folder: Path, **settings: Any) -> None:  # noqa: ANN401 - JSON
        self._emulator = emulator
        self._folder = folder
        self._settings = settings
        self.hold(ROWS)

    def hold(self, rows: list[Mapping[str, Any]]) -> None:
        """Have the service hold these rows, and no others."""
        self._emulator.use_engine(Engine(tables=[TABLE]))
        self._emulator.engine.load(TABLE.name, rows)

    def lines(self, **settings: Any) -> Path:  # noqa: ANN401 - JSON
        """Run the tap; return what it wrote."""
        config = self._file("config.json", self._config(settings))
        catalog = json.loads(self._tap("--config", str(config), "--discover"))
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if entry["breadcrumb"] == ["properties", LEFT_OUT]:
                    entry["metadata"]["selected"] = False
        known = self._file("catalog.json", catalog)
        path = self._folder / f"{len(list(self._folder.iterdir()))}.singer"
        path.write_bytes(self._tap("--config", str(config), "--catalog", str(known)))
        return path

    def _config(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        emulator = self._emulator
        return {
            "tenant_id": emulator.tenant_id,
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
            "api_url": emulator.url,
            "authority_url": emulator.authority_url,
            "queries": [{"name": "batched", "query": TABLE.name, **self._settings}],
            **settings,
        }

    def _file(self, name: str, content: object) -> Path:
        path = self._folder / name
        path.write_text(json.dumps(content), "utf-8")
        return path

    def _tap(self, *arguments: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "tap_m365hunting", *arguments],
            env=os.environ | {"REQUESTS_CA_BUNDLE": self._emulator.ca_file},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done.stdout


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Return a service of its own."""
    with Emulator() as running:
        yield running


def batches(folder: Path, compression: Literal["gzip", "none"] = "gzip") -> dict[str, Any]:
    """Return the setting for batches of some of the rows."""
    encoding = {"format": "jsonl", "compression": compression}
    storage = {"root": str(folder / "of batches, é")}
    return {"batch_config": {"encoding": encoding, "storage": storage, "batch_size": 7}}


def messages(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the messages of a kind."""
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [line for line in lines if line["type"] == kind]


def case(name: str) -> tuple[Case, Stream]:
    """Return a case of the table, and its stream."""
    stream = Stream("batched", TABLE, ROWS)
    return Case(name, "rows in batches", (stream,)), stream


def stored(loader: Loader, stream: Stream, lines: Path) -> list[dict[str, Any]]:
    """Return what a loader has to hold of the records that lines have."""
    records = [line["record"] for line in messages(lines, "RECORD")]
    kinds = {**stream.kinds, "_row_id": "string"}
    return [changed(record, kinds, loader.limits)[0] for record in records]


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("kind", [Copied, Inserted, Texts], ids=["copy", "insert", "csv"])
def test_a_loader_holds_of_batches_what_lines_say(
    kind: type[Loader],
    compression: Literal["gzip", "none"],
    make_loader: MakeLoader,
    emulator: Emulator,
    tmp_path: Path,
) -> None:
    """Without the column that is left out, with the map's; rows that come again are there once."""
    made, stream = case("batches")
    loader = make_loader(kind, made)
    taps = Runs(emulator, tmp_path)
    setting = batches(tmp_path, compression)
    wanted = taps.lines(stream_maps=MAPS)

    for _ in range(2 if loader.keeps == "each row once" else 1):
        lines = taps.lines(stream_maps=MAPS, **setting)
        done = loader.load(lines)
        assert done.returncode == 0, done.stderr.decode()[-3000:]

    held = loader.held(stream)
    assert held is not None
    assert messages(lines, "RECORD") == []
    assert len(messages(lines, "BATCH")) == 3
    assert LEFT_OUT not in held.columns
    assert differences(held.rows, stored(loader, stream, wanted)) == []
    assert len(held.rows) == 20
    assert json.loads(done.stdout.splitlines()[-1]) == messages(lines, "STATE")[-1]["value"]


@pytest.mark.parametrize("kind", [Copied, Inserted], ids=["copy", "insert"])
def test_rows_that_are_gone_are_dropped_by_their_version(
    kind: type[Loader], make_loader: MakeLoader, emulator: Emulator, tmp_path: Path
) -> None:
    """What came in batches has its version, so those of this run stay and no others."""
    made, stream = case("versions")
    loader = make_loader(kind, made)
    taps = Runs(emulator, tmp_path, replication_method="FULL_TABLE")
    versions = {"emit_activate_version_messages": True}

    for rows in (ROWS, ROWS[10:]):
        taps.hold(rows)
        done = loader.load(taps.lines(**versions, **batches(tmp_path)))
        assert done.returncode == 0, done.stderr.decode()[-3000:]

    held = loader.held(stream)
    assert held is not None
    assert differences(held.rows, stored(loader, stream, taps.lines())) == []
    assert len(held.rows) == 30


@pytest.mark.parametrize("kind", [Jsonl, DuckDB])
def test_a_loader_that_takes_no_batch_fails(
    kind: type[Loader], make_loader: MakeLoader, emulator: Emulator, tmp_path: Path
) -> None:
    """Nothing is lost without a word."""
    made, _ = case("refused")
    lines = Runs(emulator, tmp_path).lines(**batches(tmp_path))

    assert make_loader(kind, made).load(lines).returncode != 0
