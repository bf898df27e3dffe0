"""The shipped Meltano plugin definitions: made from the code, and as MeltanoHub wants them."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from referencing import Registry, Resource

from tap_m365hunting.cli import main
from tap_m365hunting.coverage_report.command import SOURCES_VARIABLE
from tests.docs import plugin_definitions as made

#: A folder with MeltanoHub's own schemas, where there is one.
HUB = os.environ.get("HUB_SCHEMAS")
KINDS = {
    "array",
    "boolean",
    "date_iso8601",
    "file",
    "integer",
    "object",
    "options",
    "password",
    "string",
}
PLUGINS = ("tap-m365hunting", "m365hunting")


def definition(plugin: str) -> dict[str, Any]:
    """Return a shipped definition as the command prints it."""
    printed = CliRunner().invoke(main, ["definition", plugin])
    assert printed.exit_code == 0
    found: dict[str, Any] = yaml.safe_load(printed.output)
    return found


def test_files_are_as_made_from_the_code() -> None:
    """`make docs` writes them."""
    for path, text in made.texts().items():
        assert path.read_text("utf-8") == text, path


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_setting_can_be_understood(plugin: str) -> None:
    """Title, description, kind and, where there is no default and no secret, an example."""
    for setting in definition(plugin)["settings"]:
        name = setting["name"]
        assert setting["label"], name
        assert setting["description"].strip()[0] not in "`*&!%@{[", name
        assert setting["kind"] in KINDS, name
        example = "placeholder" in setting or "value" in setting or setting.get("sensitive")
        assert example or name.startswith(("stream_map", "faker", "flattening")), name
        assert (setting["kind"] == "options") == ("options" in setting), name


def test_secrets_are_those_and_no_others() -> None:
    """A tenant's id is none, though its name ends like that of a key."""
    settings = {each["name"]: each for each in definition("tap-m365hunting")["settings"]}

    passwords = {name for name, each in settings.items() if each["kind"] == "password"}
    sensitive = {name for name, each in settings.items() if each.get("sensitive")}
    assert passwords == {"client_secret", "certificate_password"}
    assert sensitive == {*passwords, "tenants"}
    assert settings["start_date"]["kind"] == "date_iso8601"
    assert settings["certificate_path"]["kind"] == "file"


def test_groups_name_settings_and_cover_every_way_to_sign_in() -> None:
    """Meltano warns of settings that are missing by these groups."""
    plugin = definition("tap-m365hunting")
    names = {each["name"] for each in plugin["settings"]}

    assert all(set(group) <= names for group in plugin["settings_group_validation"])
    ways = {"client_secret", "certificate_path", "federated_token_file", "managed_identity"}
    assert {*ways, "auth_method"} <= {n for g in plugin["settings_group_validation"] for n in g}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_commands_are_there(plugin: str) -> None:
    """Each is one of `m365hunting`, with options that it has."""
    found = definition(plugin)
    assert set(found["commands"]) == {"check", "plan", "coverage"}
    for name, command in found["commands"].items():
        assert command.get("executable", found["executable"]) == "m365hunting"
        asked = CliRunner().invoke(main, [*command["args"].split(), "--help"])
        assert asked.exit_code == 0, asked.output
        assert f" {name} [OPTIONS]" in asked.output


def test_setting_of_the_utility_is_the_taps_variable() -> None:
    """So one `.env` is for both; where the windows were loaded is no setting of the tap."""
    (source, *_), settings = _parted("coverage_source")

    for setting in settings:
        assert setting["env"] == f"TAP_M365HUNTING_{setting['name'].upper()}"
    assert source["env"] == SOURCES_VARIABLE
    assert source["sensitive"]


def _parted(name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found = definition("m365hunting")["settings"]
    return [s for s in found if s["name"] == name], [s for s in found if s["name"] != name]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_definition_is_as_a_hub_wants_it(plugin: str) -> None:
    """The rules that every listed plugin keeps, in our words."""
    found = definition(plugin)

    assert re.fullmatch(r"[a-z][a-z0-9-]*", found["name"])
    assert {"name", "namespace", "variant", "pip_url", "executable", "quality"} <= set(found)
    assert found["quality"] in {"gold", "silver", "bronze", "unknown"}
    allowed = {"description", "env", "kind", "label", "name", "options", "placeholder"}
    for setting in found["settings"]:
        assert set(setting) <= {*allowed, "sensitive", "value"}
        assert all(isinstance(o["value"], str) for o in setting.get("options", []))
    assert len({each["name"] for each in found["settings"]}) == len(found["settings"])


@pytest.mark.skipif(HUB is None, reason="HUB_SCHEMAS names no folder with the hub's schemas")
@pytest.mark.parametrize(
    ("plugin", "kind"), [(PLUGINS[0], "extractors"), (PLUGINS[1], "utilities")]
)
def test_definition_is_valid_by_the_hubs_own_schemas(plugin: str, kind: str) -> None:
    """No error at all."""
    folder = Path(HUB or "")
    files = {path: json.loads(path.read_text("utf-8")) for path in folder.rglob("*.json")}
    base = "https://hub.example/"
    registry = Registry().with_resources(
        (
            f"{base}{path.relative_to(folder)}",
            Resource.from_contents({**schema, "$id": f"{base}{path.relative_to(folder)}"}),
        )
        for path, schema in files.items()
    )
    schema = registry.contents(f"{base}plugin_definitions/{kind}.schema.json")

    errors = list(
        jsonschema.Draft7Validator(schema, registry=registry).iter_errors(definition(plugin))
    )

    assert errors == []
