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

    assert set(declared) == set(schema["properties"]) - {
        "stream_maps",
        "stream_map_config",
        "faker_config",
        "flattening_enabled",
        "flattening_max_depth",
        "flattening_max_key_length",
        "flattening_separator",
    }
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


def test_catalog_is_asked_for_anew() -> None:
    """A catalog kept by Meltano would drop a column that is new at the source."""
    assert TAP["use_cached_catalog"] is False
