"""Files for other schedulers name what is there, and ask for no more rights than are needed."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_m365hunting.tap import TapM365Hunting

ROOT = Path(__file__).parents[2] / "orchestrate"
MANIFESTS = sorted((ROOT / "kubernetes").glob("*.yaml"))
PROJECT = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the pod of a Job or CronJob."""
    spec = manifest["spec"]
    job = spec["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else spec
    pod: dict[str, Any] = job["template"]["spec"]
    return pod


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_pod_has_no_rights_and_a_file_system_that_cannot_be_written(file: Path) -> None:
    """The user is the image's, and secrets are files that this user alone reads."""
    pod = pod_of(yaml.safe_load(file.read_text("utf-8")))

    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "secretKeyRef" not in file.read_text("utf-8")


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_pod_has_time_to_write_its_state(file: Path) -> None:
    """Told to end, the loader first writes what it holds: up to a minute."""
    pod = pod_of(yaml.safe_load(file.read_text("utf-8")))

    assert pod["terminationGracePeriodSeconds"] > 60


def test_job_tries_again_the_groups_that_failed_alone() -> None:
    """Each index is a group; groups that are done are not run again."""
    job = yaml.safe_load((ROOT / "kubernetes/fleet-job.yaml").read_text("utf-8"))["spec"]

    assert job["completionMode"] == "Indexed"
    assert job["backoffLimitPerIndex"] == 3


def test_unit_runs_the_commands_that_there_are() -> None:
    """The secret is a credential, which no environment of the unit shows."""
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "systemd/hunting-fleet.service", "utf-8")
    service = unit["Service"]

    commands = re.findall(r"-m orchestrate (\w+)", service["ExecStart"] + service["ExecStopPost"])
    assert commands == ["groups", "run", "report"]
    assert service["LoadCredential"].startswith("TAP_M365HUNTING_CLIENT_SECRET:")
    assert "SECRET" not in service["Environment"]


def test_project_declares_settings_that_the_tap_has() -> None:
    """Meltano hands on by environment what is declared; a name that is none would be lost."""
    tap = PROJECT["plugins"]["extractors"][0]
    known = TapM365Hunting.config_jsonschema["properties"]

    declared = {setting["name"]: setting for setting in tap["settings"]}
    assert set(declared) <= set(known)
    secret = {name for name in declared if known[name].get("secret")}
    assert {name for name, about in declared.items() if about.get("sensitive")} == secret


def test_catalog_of_one_attempt_is_not_that_of_the_next() -> None:
    """A retry reads few tenants, whose tables may be fewer."""
    assert PROJECT["plugins"]["extractors"][0]["use_cached_catalog"] is False
