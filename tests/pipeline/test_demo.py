"""The demo as a newcomer sees it: emulator, tap, loader and tables, all for real."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.__main__ import Places, anchor, main, marks
from demo.service import check_free
from tests.pipeline.demonstration import SAMPLE, Demonstration

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_demo_finds_the_attack_and_runs_again_without_doubles(
    demonstration: Demonstration, capsys: pytest.CaptureFixture[str]
) -> None:
    """A first run tells the story; a second one reads on from there, and no row is there twice."""
    first = demonstration.run()
    told = capsys.readouterr().out
    reached = demonstration.bookmark("device_info")
    devices = demonstration.ask("SELECT count(*) FROM device_info")

    second = demonstration.run()

    assert (first, second) == (0, 0)
    assert "grace.okafor@contoso.com opened https://contoso-benefits.example/login" in told
    assert "grace.okafor on lap-4711.contoso.com with comsvcs.dll" in told
    assert "Grace Okafor: 60 files within the hour" in told
    assert f"{len(marks(SAMPLE))} streams are read up to here without a gap" in told
    assert "nobody and nothing" not in told
    assert demonstration.bookmark("device_info") > reached
    assert demonstration.ask("SELECT count(*) FROM phished_clicks WHERE Url LIKE '%okafor'") == [
        (1,)
    ]
    assert demonstration.ask("SELECT count(DISTINCT ReportId) FROM device_info") >= devices
    assert "read again" in capsys.readouterr().out
    check_free(demonstration.port)


def test_failing_loader_is_told_and_the_emulator_stopped(
    demonstration: Demonstration, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What failed, and the last it said, stand on the terminal; the port is free again."""
    loader = tmp_path / "full-disk"
    loader.write_text("#!/bin/sh\ncat > /dev/null\necho 'No space left on device' >&2\nexit 3\n")
    loader.chmod(loader.stat().st_mode | stat.S_IXUSR)

    status = replace(demonstration, loader=loader, config=one_table(tmp_path)).run()

    assert status == 1
    said = capsys.readouterr().err
    assert "The loader ended with status 3" in said
    assert "No space left on device" in said
    assert not (demonstration.output / "state.json").exists()
    check_free(demonstration.port)


def test_failing_tap_is_told(
    demonstration: Demonstration, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The tap's own last words say what to do."""
    config = one_table(tmp_path, client_secret="wrong")

    status = replace(demonstration, config=config).run()

    assert status == 1
    assert "The tap ended with status 1" in capsys.readouterr().err


def test_taken_port_is_told_with_the_way_out(
    taken_port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another program on the port is no riddle."""
    folders = [f"--output={tmp_path / 'output'}", f"--emulator={tmp_path / 'emulator'}"]

    status = main([f"--port={taken_port}", *folders])

    assert status == 1
    assert f"Port {taken_port} is taken" in capsys.readouterr().err


def one_table(folder: Path, **settings: str) -> Path:
    """Return a config like the sample's that reads a single table."""
    config = folder / "config.json"
    sample = json.loads(SAMPLE.read_text("utf-8")) | {"queries": [{"table": "DeviceInfo"}]}
    config.write_text(json.dumps(sample | settings), "utf-8")
    return config


def places(folder: Path) -> Places:
    """Return places of which only two folders matter."""
    return Places(folder, folder, folder, folder, folder / "output", folder / "emulator")


def test_anchor_is_the_first_runs_while_its_days_last(tmp_path: Path) -> None:
    """The same anchor makes the same rows, so that a later run finds what the first one left."""
    first = anchor(places(tmp_path), NOW)

    assert first == NOW
    assert anchor(places(tmp_path), NOW + timedelta(hours=47)) == first


def test_new_tenant_sets_the_last_ones_files_aside(tmp_path: Path) -> None:
    """After two days there is nothing new; rows of another tenant must not be mixed in."""
    anchor(places(tmp_path), NOW)
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "hunting.duckdb").write_text("rows")
    later = NOW + timedelta(days=2)

    assert anchor(places(tmp_path), later) == later
    assert not (tmp_path / "output").exists()
    assert (tmp_path / "emulator" / "output-until-20260303T123000" / "hunting.duckdb").exists()


def test_state_without_its_tables_is_set_aside(tmp_path: Path) -> None:
    """Who removes the tables, or had another loader before, begins anew with all rows."""
    anchor(places(tmp_path), NOW)
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "state.json").write_text("{}")
    later = NOW + timedelta(hours=1)

    assert anchor(places(tmp_path), later) == later
    assert not (tmp_path / "output").exists()


def test_each_query_of_the_sample_has_a_mark_of_its_own() -> None:
    """Calls are counted by a text that stands in one stream's queries alone."""
    found = marks(SAMPLE)

    queries = json.loads(SAMPLE.read_text("utf-8"))["queries"]
    assert len(set(found.values())) == len(found) == len(queries)
    assert found["device_tvm_software_vulnerabilities"] == "DeviceTvmSoftwareVulnerabilities"
