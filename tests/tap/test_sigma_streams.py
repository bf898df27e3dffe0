"""Sigma rules in the settings become streams that run."""

from pathlib import Path

import pytest

from tests.tap.harness import Tenant, at
from tests.tap.test_config import wrong_query

pytest.importorskip("sigma.backends.kusto", reason="the extra sigma is not installed")

FOLDER = Path(__file__).with_name("sigma")


def test_folder_of_rules_becomes_streams_that_run(tenant: Tenant) -> None:
    """Ten rules, ten streams, and the one that has something to find finds it."""
    tenant.emulator.engine.load(
        "DeviceProcessEvents",
        [
            {
                "Timestamp": at(hours=1),
                "FolderPath": r"C:\Windows\System32\rundll32.exe",
                "ProcessCommandLine": r"rundll32.exe comsvcs.dll, MiniDump 624 C:\lsass.dmp full",
            }
        ],
    )

    run = tenant.sync({"sigma_rule": str(FOLDER)})

    names = {line["stream"] for line in run.lines if line["type"] == "SCHEMA"}
    assert run.failed == {}
    assert names == {file.stem for file in FOLDER.glob("*.yml")}
    assert len(run.records("win_lsass_dump")) == 1


def test_single_rule_may_be_named(tenant: Tenant) -> None:
    """A rule is a query like any other, with the other keys of one."""
    rule = {"name": "dumps", "sigma_rule": str(FOLDER / "win_lsass_dump.yml")}

    run = tenant.sync({**rule, "primary_keys": ["DeviceId", "Timestamp", "ReportId"]})

    assert run.schemas("dumps")[0]["key_properties"] == ["DeviceId", "Timestamp", "ReportId"]


def test_rule_that_is_not_there_is_refused_by_its_key() -> None:
    """The mistake names the key and the path."""
    assert "queries[0].sigma_rule: 'gone' is no Sigma rule, nor a folder of them" in wrong_query(
        name="q", sigma_rule="gone"
    )
