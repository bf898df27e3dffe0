"""Writes the Meltano plugin definitions, and the settings in meltano.yml, from what the tap says.

Run by `make docs`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tap_m365hunting.coverage_report.command import SOURCES_VARIABLE

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "tap_m365hunting" / "plugin_definitions"
PROJECT: Final = ROOT / "meltano.yml"
#: Around the settings in meltano.yml.
FIRST: Final = "      # settings of the tap, made by `make docs`\n"
LAST: Final = "      # end of the settings\n"

_FILES: Final = frozenset(
    {"certificate_path", "federated_token_file", "tenants_file", "token_cache_path"}
)
_KINDS: Final = {"integer": "integer", "boolean": "boolean", "array": "array", "object": "object"}
_LABELS: Final = {
    "graph": "Microsoft Graph",
    "defender": "Defender API",
    "gcc": "GCC",
    "gcc_high": "GCC High",
    "dod": "DoD",
    "global": "Worldwide",
}
_GROUPS: Final = [
    ["tenant_id", "client_id", "client_secret", "queries"],
    ["tenant_id", "client_id", "certificate_path", "queries"],
    ["tenant_id", "client_id", "federated_token_file", "queries"],
    ["tenant_id", "managed_identity", "queries"],
    ["tenant_id", "client_id", "auth_method", "queries"],
    ["tenants", "queries"],
    ["tenants_file", "queries"],
]
_COMMANDS: Final = {
    "check": ("check --config ENV", "Will the queries work?"),
    "plan": ("plan --config ENV", "How many calls, rows and minutes will the next run need?"),
    "coverage": (
        "coverage",
        f"Do we have everything? Reads {SOURCES_VARIABLE}, or the source behind it",
    ),
}
_COVERAGE_SOURCE: Final = {
    "name": "coverage_source",
    "env": SOURCES_VARIABLE,
    "label": "Coverage source",
    "kind": "password",
    "description": "Where a loader has put hunting_windows, for the command coverage: a file of "
    "JSON lines, a Parquet or DuckDB file, or the URL of a database",
    "sensitive": True,
    "placeholder": "Ex. postgresql://reader@warehouse.example/hunting",
}
_PREAMBLE: Final = """\
One way to sign in is needed: a client secret, a certificate, a federated token, a managed
identity, or `auth_method: device_code`. Keep queries in files (`query_file`): Meltano expands
`$NAME` inside `meltano.yml`, and so would change a query's text. Paths are taken from the project's
folder.
"""
_USAGE: Final = """\
Each entry of `queries` is a stream, and one more stream, `hunting_windows`, has a record for each
window of time that was read. A query that is new since Meltano kept the catalog is read after
`meltano run --refresh-catalog tap-m365hunting target-…`. The last state, for `plan --state`, is
written by `meltano state get STATE_ID > state.json`.
"""
_NEXT: Final = """\
1. Give the application `ThreatHunting.Read.All` of Microsoft Graph, with the consent of an
   administrator.
2. `meltano invoke m365hunting:check` (the utility) says if the queries will work.
3. `meltano run tap-m365hunting target-…` reads them, the next run what is new.
4. `meltano invoke m365hunting:coverage` says from when to when the data is complete.
"""


def about() -> dict[str, Any]:
    """Return what the tap says of itself."""
    command = [sys.executable, "-m", "tap_m365hunting", "--about", "--format=json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def setting(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setting as Meltano declares it."""
    kind = _kind(name, declared)
    written: dict[str, Any] = {
        "name": name,
        "label": declared.get("title") or name.replace("_", " ").capitalize(),
        "kind": kind,
        "description": declared["description"],
    }
    if kind == "options":
        written["options"] = [
            {"label": _LABELS.get(value, value.replace("_", " ").capitalize()), "value": value}
            for value in declared["enum"]
            if value is not None
        ]
    if declared.get("secret"):
        written["sensitive"] = True
    if declared.get("default") is not None:
        written["value"] = declared["default"]
    for example in declared.get("examples", [])[:1]:
        text = example if isinstance(example, str) else json.dumps(example)
        written["placeholder"] = f"Ex. {text}"
    return written


def _kind(name: str, declared: Mapping[str, Any]) -> str:
    types = declared.get("type", "string")
    first = types if isinstance(types, str) else next(t for t in types if t != "null")
    if declared.get("secret") and first == "string":
        return "password"
    if "enum" in declared:
        return "options"
    if name in _FILES:
        return "file"
    if declared.get("format") == "date-time":
        return "date_iso8601"
    return _KINDS.get(first, "string")


def settings(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every setting."""
    return [setting(name, about) for name, about in said["settings"]["properties"].items()]


def extractor(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of the tap."""
    return {
        "name": said["name"],
        "namespace": "tap_m365hunting",
        "variant": "tap-m365hunting",
        "label": "Microsoft 365 Defender advanced hunting",
        "description": said["description"],
        "domain_url": "https://learn.microsoft.com/en-us/defender-xdr/advanced-hunting-overview",
        "keywords": ["api", "meltano_sdk", "security"],
        "maintenance_status": "active",
        "quality": "unknown",
        "logo_url": None,
        "pip_url": "${M365HUNTING_PIP_URL}",
        "executable": "tap-m365hunting",
        "supported_python_versions": said["supported_python_versions"],
        "capabilities": said["capabilities"],
        "settings_group_validation": _GROUPS,
        "settings_preamble": _PREAMBLE,
        "settings": settings(said),
        "commands": {
            name: {"executable": "m365hunting", "args": args, "description": text}
            for name, (args, text) in _COMMANDS.items()
        },
        "next_steps": _NEXT,
        "usage": _USAGE,
    }


def utility(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of the commands for people: they need no discovery first."""
    declared = [
        {**each, "env": f"TAP_M365HUNTING_{str(each['name']).upper()}"} for each in settings(said)
    ]
    return {
        "name": "m365hunting",
        "namespace": "m365hunting",
        "variant": "tap-m365hunting",
        "label": "Microsoft 365 Defender advanced hunting, before and after a run",
        "description": "Says whether hunting queries will work, what the next run will cost, and "
        "what of the data has been read.",
        "maintenance_status": "active",
        "quality": "unknown",
        "pip_url": "${M365HUNTING_PIP_URL}",
        "executable": "m365hunting",
        "settings_preamble": "The settings are those of the extractor tap-m365hunting, and one for "
        "the command coverage.\n",
        "settings": [*declared, _COVERAGE_SOURCE],
        "commands": {
            name: {"args": args, "description": text} for name, (args, text) in _COMMANDS.items()
        },
    }


def texts() -> dict[Path, str]:
    """Return each file that is made, with its content."""
    said = about()
    project = PROJECT.read_text("utf-8")
    head, rest = project.split(FIRST)
    made = _yaml({"settings": settings(said)})
    inside = "".join(f"      {line}\n" for line in made.splitlines())
    return {
        FOLDER / "tap-m365hunting.yml": _yaml(extractor(said)),
        FOLDER / "m365hunting.yml": _yaml(utility(said)),
        PROJECT: f"{head}{FIRST}{inside}{LAST}{rest.split(LAST)[1]}",
    }


def _yaml(content: object) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, width=100, allow_unicode=True))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in texts().items():
        path.write_text(text, "utf-8")
