"""The command `m365hunting`: for people, before the tap runs."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from singer_sdk.configuration._dict_config import parse_environment_config

from tap_m365hunting.config import READ_UTF8
from tap_m365hunting.display import check_lines
from tap_m365hunting.report import Report, report
from tap_m365hunting.tap import TapM365Hunting

_ENV: Final = "ENV"
_ENV_PREFIX: Final = "TAP_M365HUNTING_"

_CONFIG: Final = click.option(
    "--config",
    "sources",
    multiple=True,
    required=True,
    metavar="FILE",
    help="Settings as the tap takes them; several are merged. ENV: TAP_M365HUNTING_* variables.",
)
_FORMAT: Final = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tap-m365hunting", prog_name="m365hunting")
def main() -> None:
    """Look at hunting queries before tap-m365hunting runs them."""


@main.command()
@_CONFIG
@click.option("--offline", is_flag=True, help="Make no call; credentials may be missing.")
@click.option("--kql", "show_kql", is_flag=True, help="Show the KQL that would be sent.")
@_FORMAT
def check(*, sources: Sequence[str], offline: bool, show_kql: bool, form: str) -> None:
    """Say whether the queries will work; exit with status 1 if one will not."""
    schema = _schema(credentials=not offline)
    given = _settings(sources, schema)
    found = report(given, schema=schema, read=READ_UTF8)
    _print(found, form, show_kql=show_kql)
    sys.exit(0 if found.ok else 1)


def _print(found: Report, form: str, *, show_kql: bool) -> None:
    if form == "json":
        click.echo(json.dumps(found.to_json(), indent=2))
        return
    for line in check_lines(found, show_kql=show_kql):
        click.echo(line)
    for error in found.errors:
        click.echo(f"{click.style('Error', fg='red')}: {error}", err=True)


def _schema(*, credentials: bool) -> dict[str, Any]:
    """Return the schema of the settings, those of the SDK included."""
    TapM365Hunting.append_builtin_config(TapM365Hunting.config_jsonschema)
    schema = dict(TapM365Hunting.config_jsonschema)
    return schema if credentials else {**schema, "required": ["queries"]}


def _settings(sources: Sequence[str], schema: dict[str, Any]) -> dict[str, Any]:
    """Merge the sources as the SDK does: later files win, the environment wins over all."""
    given: dict[str, Any] = {}
    for source in sources:
        if source != _ENV:
            given |= _file(source)
    return given | _environment(schema) if _ENV in sources else given


def _file(name: str) -> Mapping[str, Any]:
    try:
        content = json.loads(READ_UTF8(Path(name)))
    except OSError as error:
        msg = f"{name}: {error.strerror}"
        raise click.ClickException(msg) from error
    except ValueError as error:
        msg = f"{name}: is not JSON: {error}"
        raise click.ClickException(msg) from error
    if not isinstance(content, dict):
        msg = f"{name}: must hold an object of settings"
        raise click.ClickException(msg)
    return content


def _environment(schema: dict[str, Any]) -> dict[str, Any]:
    try:
        return parse_environment_config(schema, _ENV_PREFIX)
    except ValueError as error:
        msg = f"A variable {_ENV_PREFIX}* cannot be read: {error}"
        raise click.ClickException(msg) from error
