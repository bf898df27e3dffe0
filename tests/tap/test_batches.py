"""Rows in files that BATCH lines name: what the files hold, lines would have held."""

import gzip
import json
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_m365hunting.batches import BatchedLines
from tap_m365hunting.configuration.batch_settings import BatchSettings
from tap_m365hunting.output import Signals, Terminated
from tests.tap.harness import Tenant, at

EVENTS = {
    "name": "events",
    "query": "DeviceProcessEvents | project Timestamp, DeviceName, ReportId",
}
WHOLE = {"name": "events", "query": "DeviceProcessEvents", "replication_method": "FULL_TABLE"}


def event(number: int) -> dict[str, Any]:
    """Return an event; the later, the higher its number."""
    return {
        "Timestamp": at(hours=20 - number),
        "DeviceName": f"pc-{number} {{, \U0001f600",
        "ReportId": 2**60 + number,
    }


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """Return a tenant with eight events."""
    tenant.emulator.engine.load("DeviceProcessEvents", [event(number) for number in range(8)])
    return tenant


def batched(folder: Path, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the setting for files in a folder."""
    return {"batch_config": {"storage": {"root": str(folder)}, **settings}}


def file_of(url: str) -> Path:
    """Return the file of a manifest's entry as the SDK's targets do, `%20` being `%20`."""
    return Path(urlsplit(url).path)


def rows_of(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a BATCH line's files, as a loader reads them."""
    rows = []
    for url in line["manifest"]:
        data = file_of(url).read_bytes()
        data = gzip.decompress(data) if line["encoding"]["compression"] == "gzip" else data
        rows += [json.loads(row) for row in data.splitlines()]
    return rows


def told(lines: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield what lines say, a BATCH line as the records of its files."""
    for line in lines:
        if line["type"] == "BATCH":
            yield from (("RECORD", line["stream"], row) for row in rows_of(line))
        elif line["type"] == "RECORD":
            yield "RECORD", line["stream"], line["record"]
        else:
            yield line["type"], line.get("stream"), line.get("schema"), line.get("value")


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="as-they-are"),
        pytest.param({"dynamic_as": "json", "row_id": False}, id="without-ids"),
        pytest.param(
            {
                "stream_maps": {
                    "events": {
                        "__filter__": "DeviceName != 'pc-3 {, \U0001f600'",
                        "DeviceName": "md5(DeviceName)",
                    }
                }
            },
            id="mapped",
        ),
        pytest.param({"stream_maps": {"events": {"__alias__": "renamed"}}}, id="renamed"),
    ],
)
def test_files_hold_what_lines_would_have_held(
    busy: Tenant, tmp_path: Path, settings: dict[str, Any], compression: str
) -> None:
    """In the same places among schemas and states, with the same columns and values."""
    lines = busy.sync(EVENTS, **settings)

    files = busy.sync(
        EVENTS, **settings, **batched(tmp_path / "a b, é", encoding={"compression": compression})
    )

    assert list(told(files.lines)) == list(told(lines.lines))
    assert {line["type"] for line in files.lines} == {"SCHEMA", "BATCH", "STATE"}


def test_deselected_columns_are_in_no_file(busy: Tenant, tmp_path: Path) -> None:
    """The SDK's own batches hold them."""
    catalog = busy.tap(busy.config(EVENTS)).catalog_dict
    (events,) = (s for s in catalog["streams"] if s["tap_stream_id"] == "events")
    for entry in events["metadata"]:
        if entry["breadcrumb"] == ["properties", "DeviceName"]:
            entry["metadata"]["selected"] = False

    run = busy.sync(EVENTS, catalog=catalog, **batched(tmp_path))

    rows = [row for line in run.lines if line["type"] == "BATCH" for row in rows_of(line)]
    assert len(rows) == 8
    assert {name for row in rows for name in row} == {"Timestamp", "ReportId", "_row_id"}


def test_a_file_has_at_most_so_many_rows(busy: Tenant, tmp_path: Path) -> None:
    """In the order of the rows; each file has its own name."""
    run = busy.sync(EVENTS, **batched(tmp_path, batch_size=3))

    batches = [line for line in run.lines if line["type"] == "BATCH"]
    assert [[row["ReportId"] - 2**60 for row in rows_of(line)] for line in batches] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7],
    ]
    files = [file_of(url) for line in batches for url in line["manifest"]]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_rows_carry_their_version(busy: Tenant, tmp_path: Path) -> None:
    """Loaders know it of a line's message; without it they would drop the rows of a file."""
    run = busy.sync(WHOLE, emit_activate_version_messages=True, **batched(tmp_path))

    kinds = [line["type"] for line in run.lines if line["type"] in {"BATCH", "ACTIVATE_VERSION"}]
    (activated,) = (line for line in run.lines if line["type"] == "ACTIVATE_VERSION")
    rows = [row for line in run.lines if line["type"] == "BATCH" for row in rows_of(line)]
    assert kinds == ["BATCH", "ACTIVATE_VERSION"]
    assert [row["_sdc_table_version"] for row in rows] == [activated["version"]] * 8
    assert rows[0]["DeviceName"] == "pc-0 {, \U0001f600"


def test_rows_of_windows_come_in_files_too(busy: Tenant, tmp_path: Path) -> None:
    """Every stream of the run is written in one way."""
    catalog = busy.tap(busy.config(EVENTS)).catalog_dict
    for stream in catalog["streams"]:
        stream["metadata"][-1]["metadata"]["selected"] = True
        stream["metadata"][0]["metadata"]["selected"] = True

    run = busy.sync(EVENTS, catalog=catalog, **batched(tmp_path))

    streams = [line["stream"] for line in run.lines if line["type"] == "BATCH"]
    assert sorted(set(streams)) == ["events", "hunting_windows"]
    assert "RECORD" not in {line["type"] for line in run.lines}


def test_a_folder_that_takes_no_file_ends_the_run_before_its_state(
    busy: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A state would count on rows that are nowhere."""
    place = tmp_path / "a file"
    place.touch()
    tap = busy.tap(busy.config(EVENTS, **batched(place)))

    with pytest.raises(SystemExit):
        tap.sync_all()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["type"] for line in lines} <= {"SCHEMA", "STATE"}
    assert not any("replication_key_value" in str(line) for line in lines)


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        pytest.param(
            {"storage": {"root": "s3://bucket/x"}},
            "batch_config.storage.root: must be a folder of this machine",
            id="elsewhere",
        ),
        pytest.param(
            {"storage": {"root": "/x", "prefix": "../"}},
            "batch_config.storage.prefix: must hold no /",
            id="prefix",
        ),
        pytest.param({}, "batch_config.storage: is required", id="no-storage"),
        pytest.param({"storage": {}}, "batch_config.storage.root: is required", id="no-root"),
        pytest.param(
            {"storage": {"root": "/x"}, "encoding": {"format": "parquet"}},
            "batch_config.encoding.format: 'parquet' is not one of: jsonl",
            id="format",
        ),
        pytest.param(
            {"storage": {"root": "/x"}, "batch_sice": 3},
            "batch_config.batch_sice: is no setting (did you mean 'batch_size'?)",
            id="key",
        ),
    ],
)
def test_what_cannot_be_written_is_told_before_any_call(
    tenant: Tenant, setting: dict[str, Any], problem: str
) -> None:
    """By the key at fault."""
    with pytest.raises(ConfigValidationError) as refused:
        tenant.tap(tenant.config(EVENTS, batch_config=setting))

    assert any(line.startswith(problem) for line in refused.value.errors), refused.value.errors


def test_a_folder_may_be_a_url(tmp_path: Path) -> None:
    """As other taps write it."""
    root = (tmp_path / "a b").as_uri()

    assert BatchSettings.parse({"storage": {"root": root}}).folder == tmp_path / "a b"


def test_records_of_any_value_are_rows(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """One without a cell too, and one that only the SDK can write; each with its version."""
    writer = BatchedLines(Signals(), BatchSettings(tmp_path))
    for record in ({}, {"a": "\ud800"}, {"a": {"b": [1]}}):
        writer.write_message(RecordMessage("s", record, version=7))

    writer.write_message(StateMessage({"x": 1}))

    batch, state = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert [set(row) - {"a"} for row in rows_of(batch)] == [{"_sdc_table_version"}] * 3
    assert state["value"] == {"x": 1}


@pytest.mark.parametrize("missing", [{}, {"isal": None}], ids=["isal", "zlib"])
def test_files_are_gzip_by_the_extra_and_without_it(
    busy: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: dict[str, None]
) -> None:
    """With `isal` they are other bytes of the same rows."""
    by_zlib = zlib.compressobj(1, wbits=31)
    for name, module in missing.items():
        monkeypatch.setitem(sys.modules, name, module)

    files = busy.sync(EVENTS, **batched(tmp_path))

    [batch] = [line for line in files.lines if line["type"] == "BATCH"]
    data = file_of(*batch["manifest"]).read_bytes()
    as_zlib_does = by_zlib.compress(gzip.decompress(data)) + by_zlib.flush()
    assert len(rows_of(batch)) == 8
    assert (data == as_zlib_does) is bool(missing)


def test_a_signal_leaves_whole_files_before_the_state(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Of all streams: the state is written while the process ends."""
    signals = Signals()
    writer = BatchedLines(signals, BatchSettings(tmp_path))
    for stream in ("s", "t"):
        writer.write_message(RecordMessage(stream, {"a": 1}))
    with pytest.raises(Terminated), signals.held():
        signals.handle(15)

    with pytest.raises(Terminated):
        writer.write_message(StateMessage({"x": 1}))

    lines = list(map(json.loads, capsysbinary.readouterr().out.splitlines()))
    assert [line["type"] for line in lines] == ["BATCH", "BATCH", "STATE"]
    assert [rows_of(line) for line in lines[:2]] == [[{"a": 1}], [{"a": 1}]]
