"""meltano.yml as a file: what can be told without Meltano."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tap_m365hunting.tap import TapM365Hunting

ROOT = Path(__file__).parents[2]
PROJECT = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
PLUGINS = [
    pytest.param(plugin, id=plugin["name"])
    for kind in PROJECT["plugins"].values()
    for plugin in kind
]
TAP = PROJECT["plugins"]["extractors"][0]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_needs_no_hub(plugin: dict[str, Any]) -> None:
    """A plugin with a namespace is known; of another one Meltano would ask a service."""
    assert plugin["namespace"]
    assert plugin["pip_url"]


def test_every_setting_of_the_tap_is_declared() -> None:
    """Meltano hands on an environment variable, and hides a secret, only if it is declared."""
    declared = {setting["name"]: setting for setting in TAP["settings"]}
    schema = deepcopy(TapM365Hunting.config_jsonschema)
    TapM365Hunting.append_builtin_config(schema)

    assert set(declared) == set(schema["properties"])
    secrets = {name for name, about in schema["properties"].items() if about.get("secret")}
    assert secrets == {name for name, about in declared.items() if about.get("sensitive")}


def test_meltano_and_sample_config_hunt_for_the_same() -> None:
    """Both ways to run the tap bring the same tables."""
    sample = json.loads((ROOT / "sample_config.json").read_text("utf-8"))

    assert TAP["config"]["queries"] == sample["queries"]


def test_no_query_stands_where_meltano_would_change_it() -> None:
    """Meltano expands `$NAME` and `${name}` in this file; queries stand in files of their own."""
    queries = TAP["config"]["queries"]

    assert all({"query_file", "table"} & set(query) for query in queries)
    assert not any(re.search(r"\$", json.dumps(query)) for query in queries)


def test_catalog_is_kept_so_that_a_run_spends_a_call_a_stream() -> None:
    """Meltano asks for the catalog before each run of an editable plugin, and if it is told to.

    A column that is new at the source is read whatever the catalog has (`schema_drift`).
    """
    assert not TAP["pip_url"].startswith("-e")
    assert TAP.get("use_cached_catalog", True)


def test_meltano_has_no_reason_to_write_the_file() -> None:
    """It writes an id into a project that has none, and the whole file anew, without comments."""
    assert PROJECT["project_id"]


def test_errors_of_the_tap_keep_their_level() -> None:
    """Without the capability Meltano takes each line of the tap for information."""
    assert "structured-logging" in TAP["capabilities"]
