"""The schemas of OCSF and ECS from their packages.

`make siem-maps` installs them; `SIEM` names the folder.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from siem_maps import ocsf
from tests.siem.events import Event, leaves

FOLDER: Final = Path(os.environ.get("SIEM", ""))
MISSING: Final = "" if os.environ.get("SIEM") else "`make siem-maps` installs the schemas"
# classes of OCSF's extension for Windows, which the package finds by name alone
_WINDOWS: Final = {201001: "win/registry_key_activity", 201002: "win/registry_value_activity"}
TEXTS: Final = ("keyword", "wildcard", "match_only_text", "constant_keyword", "text")
# Elasticsearch's types of a field, by the kind that a map says
TYPES: Final = {
    "text": TEXTS,
    "ip": ("ip",),
    "whole": ("long", "integer"),
    "flag": ("boolean",),
    "moment": ("date",),
}


@cache
def _ocsf() -> Any:  # noqa: ANN401  # the package has no types
    sys.path.append(str(FOLDER / "python"))
    package = importlib.import_module("ocsf_json_schema")
    return package.OcsfJsonSchemaEmbedded(package.get_ocsf_schema(version=ocsf.VERSION))


@cache
def _validator(class_uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    schema = _ocsf()
    name = _WINDOWS.get(class_uid) or schema.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(schema.get_class_schema(name, list(profiles)))


def ocsf_faults(event: Event) -> list[str]:
    """Return what OCSF's schema of the event's class says against it."""
    profiles = tuple(event["metadata"].get("profiles", ()))
    found = _validator(event["class_uid"], profiles).iter_errors(event)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


@cache
def ecs_fields() -> dict[str, Any]:
    """Return all fields of ECS by name, as Elastic's own package has them."""
    code = 'console.log(JSON.stringify(require("@elastic/ecs").EcsFlat))'
    node = shutil.which("node") or "node"
    done = subprocess.run(
        (node, "-e", code), cwd=FOLDER, capture_output=True, text=True, check=True
    )
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields


def ecs_faults(event: Event) -> list[str]:
    """Return the fields of an event that ECS has not, or has of another type."""
    found = [fault for path, value in leaves(event) for fault in _field_faults(path, value)]
    return [*found, *_category_faults(event)]


def _field_faults(path: str, value: object) -> Iterator[str]:
    field = ecs_fields().get(path)
    if field is None:
        yield f"{path}: no field of ECS"
        return
    listed = "array" in field["normalize"]
    if isinstance(value, list) != listed:
        yield f"{path}: {'no list' if listed else 'a list'}"
    for each in value if isinstance(value, list) else [value]:
        if not fits(field["type"], each):
            yield f"{path}: {each!r} is no {field['type']}"
        if "allowed_values" in field and each not in allowed(field):
            yield f"{path}: {each!r} is not allowed"


def fits(kind: str, value: object) -> bool:
    """Say whether Elasticsearch would take a value into a field of a type, and as it is meant."""
    if kind in TEXTS:
        return isinstance(value, str) and bool(value)
    if kind == "date":
        return isinstance(value, str) and value.endswith("Z") and value[10] == "T"
    if kind == "ip":
        return isinstance(value, str) and _is_address(value)
    if kind == "boolean":
        return isinstance(value, bool)
    return kind in ("long", "integer") and isinstance(value, int) and not isinstance(value, bool)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def allowed(field: dict[str, Any]) -> Sequence[str]:
    """Return the values that a field may have."""
    return [value["name"] for value in field["allowed_values"]]


def _category_faults(event: Event) -> Iterator[str]:
    """Yield the types of an event that none of the event's categories expects."""
    expected = {
        name
        for value in ecs_fields()["event.category"]["allowed_values"]
        if value["name"] in event["event"]["category"]
        for name in value["expected_event_types"]
    }
    yield from (f"event.type: {name}" for name in event["event"]["type"] if name not in expected)
