"""Writes docs/settings.md from what the tap says of itself; run by `make docs`."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "settings.md"
_HEAD: Final = """\
# Settings

The page is made by `make docs` from the tap's own declaration, so the page holds for its version.

A setting stands in a JSON file (`--config FILE`; several files are merged, the later one wins)
or, with `--config ENV`, in an environment variable: `TAP_M365HUNTING_` and the setting's name in
capitals, such as `TAP_M365HUNTING_CLIENT_SECRET`. A list or an object in a variable is JSON, and a
boolean is `true` or `false`. The environment beats the files. In a file an unknown name is an error
with the nearest known name; a variable of an unknown name is a warning if a known name is near.

Times are ISO 8601 in UTC, as `2026-03-01T00:00:00Z` or `2026-03-01`; another zone is refused.

## The tap

"""
_QUERY_HEAD: Final = """
## A query

Each member of `queries`. One of `query`, `query_file`, `table` and `sigma_rule` says what to read.
Column names are the query's own, before any renaming. How a query is read, and why a query may
be refused: [queries.md](queries.md).

"""
_TENANT_HEAD: Final = """
## A tenant

Each member of `tenants`, or of the list in the file named by `tenants_file`. A tenant's setting
beats the setting for all tenants. A way to sign in is taken as a whole: a tenant with a way of
its own shares no setting of the common way but the `client_id`, and may replace the
`client_id`, too. How to run the tap for many tenants: [tenants.md](tenants.md).

"""
_SDK_HEAD: Final = """
## From the Singer SDK

Stream maps rename, drop, filter and mask records; see the SDK's page on
[stream maps](https://sdk.meltano.com/en/latest/stream_maps.html).

"""
_ROW: Final = "| `{name}` | {kind} | {default} | {meaning} |\n"
_TABLE: Final = "| setting | type | default | meaning |\n| --- | --- | --- | --- |\n"


def page(about: Mapping[str, Any]) -> str:
    """Return the page from the answer of `--about --format=json`."""
    settings = about["settings"]
    required = set(settings.get("required", ()))
    of_sdk = {name: value for name, value in settings["properties"].items() if _is_sdk(name)}
    own = {name: value for name, value in settings["properties"].items() if name not in of_sdk}
    query, tenant = (own[name]["items"] for name in ("queries", "tenants"))
    return "".join(
        (
            *(_HEAD, _TABLE, *_rows(own, required)),
            *(_QUERY_HEAD, _TABLE, *_rows(query["properties"], set())),
            *(_TENANT_HEAD, _TABLE, *_rows(tenant["properties"], set(tenant["required"]))),
            *(_SDK_HEAD, _TABLE, *_rows(of_sdk, set())),
        )
    )


def _is_sdk(name: str) -> bool:
    return name.startswith(("stream_map", "faker_", "flattening_"))


def _rows(settings: Mapping[str, Any], required: set[str]) -> Iterator[str]:
    for name, about in settings.items():
        default = json.dumps(about.get("default")).strip('"').replace("null", "")
        yield _ROW.format(
            name=name,
            kind=_kind(about),
            default="required" if name in required else default and f"`{default}`",
            meaning=about.get("description", "").replace("|", r"\|").replace("\n", " "),
        )


def _kind(about: Mapping[str, Any]) -> str:
    if "enum" in about:
        return " or ".join(f"`{value}`" for value in about["enum"])
    kinds = about["type"] if isinstance(about["type"], list) else [about["type"]]
    kind = " or ".join(kind for kind in kinds if kind != "null")
    least = f", at least {about['minimum']}" if "minimum" in about else ""
    most = f", at most {about['maximum']}" if "maximum" in about else ""
    return {"date-time": "time"}.get(about.get("format", ""), kind) + least + most


def current() -> str:
    """Return the page as it has to be now."""
    command = [sys.executable, "-m", "tap_m365hunting", "--about", "--format=json"]
    said = subprocess.run(command, capture_output=True, check=True, text=True)
    return page(json.loads(said.stdout))


if __name__ == "__main__":
    PAGE.write_text(current(), "utf-8")
