"""Sigma rules in the settings become streams that run."""

from pathlib import Path

import pytest

from tap_m365hunting.configuration.config import Settings
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


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param(
            "rules/gone", "'rules/gone' is no Sigma rule, nor a folder of them", id="gone"
        ),
        pytest.param("", "is empty", id="empty"),
    ],
)
def test_rule_that_is_not_there_is_refused_by_its_key(rule: str, said: str) -> None:
    """The mistake names the key and the path; a name would come from the rule, if it were there."""
    assert wrong_query(sigma_rule=rule) == [f"queries[0].sigma_rule: {said}"]


def test_rule_beside_another_text_is_refused() -> None:
    """One of the two would be thrown away."""
    said = wrong_query(name="q", query="AlertInfo", sigma_rule=str(FOLDER / "win_lsass_dump.yml"))

    assert said == [
        (
            "queries[0].query: give one of query, query_file, table, sigma_rule; given: query, "
            "sigma_rule"
        )
    ]


def test_all_bad_rules_of_a_folder_are_named_at_once(tmp_path: Path) -> None:
    """Among a thousand rules the file matters most."""
    (tmp_path / "bad.yml").write_text("- a", "utf-8")
    (tmp_path / "good.yml").write_text((FOLDER / "win_lsass_dump.yml").read_text("utf-8"), "utf-8")
    (tmp_path / "no_text.yml").write_bytes(b"\xff")
    (tmp_path / "worse.yaml").write_text("a: b", "utf-8")

    settings = {"tenant_id": "t", "client_id": "c", "client_secret": "s"}
    query = {"sigma_rule": str(tmp_path)}
    parsed = Settings.parse({**settings, "queries": [query]})
    bad, no_text, worse = parsed.refused_rules.values()

    at = f"queries[0].sigma_rule: {tmp_path}"
    assert bad == f"{at}/bad.yml: A Sigma rule is one YAML document of keys and values"
    assert no_text == f"{at}/no_text.yml: cannot be read: it is not UTF-8 text"
    assert worse.startswith(f"{at}/worse.yaml: The rule cannot be turned into KQL")
