"""The command `m365hunting`: for people, before the tap runs."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import resources
from io import TextIOWrapper
from typing import Any, Final, TextIO, TypeVar

import click
from msgspec import Struct
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib import Catalog
from typing_extensions import override

from tap_m365hunting.commands.display import (
    check_lines,
    plan_lines,
    tenant_lines,
    tenant_plan_lines,
)
from tap_m365hunting.commands.forecasts import selected
from tap_m365hunting.commands.plans import Plan, with_probes
from tap_m365hunting.commands.report import Report, report
from tap_m365hunting.commands.tenants import (
    asked,
    map_tenants,
    planned,
)
from tap_m365hunting.configuration.config import QuotaSettings, RawSettings, Settings, Tenant
from tap_m365hunting.coverage_report.command import coverage
from tap_m365hunting.errors import UnusableInputError
from tap_m365hunting.inputs import (
    ENV,
    InputFile,
    settings_of,
    settings_of_variables,
    state_and_catalog,
)
from tap_m365hunting.instants import Instant
from tap_m365hunting.log_records import guard_logs
from tap_m365hunting.output import OutputLostError
from tap_m365hunting.printable import printable
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.resolved_query import check_bounds
from tap_m365hunting.tap import TapM365Hunting

_T = TypeVar("_T")

# The plugins whose definitions are shipped
_TAP: Final = "tap-m365hunting"
_UTILITY: Final = "m365hunting"

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


class Effects(Struct, frozen=True):
    """Effects of the commands: seconds since the epoch, waits, and seconds that no step changes."""

    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    timer: Callable[[], float] = time.monotonic


class _Commands(click.Group):
    """Reports an unusable input like click's own errors about options."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnusableInputError as error:
            raise _failed(*error.errors) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tap-m365hunting", prog_name="m365hunting")
@click.pass_context
def main(context: click.Context) -> None:
    """Look at hunting queries before tap-m365hunting runs them."""
    guard_logs()
    context.ensure_object(Effects)
    if os.environ.get("NO_COLOR"):
        context.color = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # of a machine whose encoding lacks some characters
            stream.reconfigure(errors="replace")


main.add_command(coverage)


@main.command()
@_CONFIG
@click.option("--offline", is_flag=True, help="Make no call; credentials may be missing.")
@click.option("--kql", "show_kql", is_flag=True, help="Show the KQL that would be sent.")
@_FORMAT
@click.pass_obj
def check(
    effects: Effects, *, sources: Sequence[str], offline: bool, show_kql: bool, form: str
) -> None:
    """Say whether the queries will work; exit with status 1 if one will not."""
    schema = _schema()
    given = _settings(sources, schema)
    raw = RawSettings.read(given, schema=schema, online=not offline)
    found = report(raw, now=Instant.of_seconds(effects.clock()))
    if not offline and not found.errors:
        settings = Settings.from_valid(raw, found.fit)
        connect = partial(_service, effects, settings.quotas)
        found = asked(found, settings, connect=connect, progress=_progress)
    if form == "json":
        _print_json(found.to_json())
    else:
        _print_lines(check_lines(found, show_kql=show_kql))
        _print_lines(tenant_lines(found))
        _print_around(found)
    sys.exit(0 if found.ok else 1)


@main.command()
@_CONFIG
@click.option("--state", type=InputFile(), help="The state that the run would start from.")
@click.option("--catalog", type=InputFile(), help="The catalog that says what the run would read.")
@_FORMAT
@click.pass_obj
def plan(
    effects: Effects,
    *,
    sources: Sequence[str],
    state: TextIO | None,
    catalog: TextIO | None,
    form: str,
) -> None:
    """Show the plan of the next run; counts rows and fetches none."""
    schema = _schema()
    settings = _parsed(_settings(sources, schema), schema, effects)
    saved, known = state_and_catalog(state, catalog, wrapped=True)
    _print_warnings(settings.cautions)
    found = _plan(settings, saved or {}, known, effects)
    _print_errors(settings.refused_rules.values())
    if form == "json":
        _print_json(found.to_json())
    elif settings.partitioned:
        _print_lines(tenant_plan_lines(found))
    else:
        _print_lines(plan_lines(found))
    sys.exit(0 if found.ok and not settings.refused_rules else 1)


@main.command()
@click.argument("plugin", type=click.Choice([_TAP, _UTILITY]), default=_TAP)
def definition(plugin: str) -> None:
    """Print the Meltano plugin definition, for `meltano add --from-ref`."""
    file = resources.files("tap_m365hunting") / "plugin_definitions" / f"{plugin}.yml"
    _print_lines(file.read_text("utf-8").splitlines())


def _plan(
    settings: Settings, state: Mapping[str, Any], catalog: Catalog | None, effects: Effects
) -> Plan:
    queries = settings.queries if catalog is None else selected(settings.queries, catalog)
    work = partial(
        planned, settings=settings, connect=partial(_service, effects, settings.quotas), state=state
    )
    tenants, parallel = settings.tenants, settings.parallel_tenants
    if settings.partitioned:
        plans = map_tenants(tenants, partial(work, queries=queries), parallel=parallel)
        found = list(_progress(plans, length=len(tenants)))
    else:
        found = [work(tenants[0], _progress(queries))]
        if found[0].error:
            raise _failed(found[0].error)
    if catalog is None:
        found = with_probes(found, settings.quotas)
    return Plan.of(found, parallel=parallel, partitioned=settings.partitioned)


def _service(effects: Effects, quotas: QuotaSettings, tenant: Tenant) -> TenantService:
    return TenantService.connect(
        tenant, quotas, clock=effects.clock, timer=effects.timer, sleep=effects.sleep
    )


def _parsed(given: Mapping[str, Any], schema: dict[str, Any], effects: Effects) -> Settings:
    try:
        settings = Settings.parse(given, schema=schema)
        check_bounds(settings, now=effects.clock())
    except ConfigValidationError as error:
        raise _failed(str(error), *error.errors) from error
    return settings


def _progress(items: Iterable[_T], *, length: int | None = None) -> Iterator[_T]:
    """Go through the items, and show the progress on a terminal: quotas may make the way long."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(items, length, label="Asking", file=sys.stderr, hidden=hidden) as bar:
        yield from bar


def _print_json(found: dict[str, object]) -> None:
    _print_lines([json.dumps(found, indent=2)])


def _print_lines(lines: Iterable[str]) -> None:
    try:
        for line in lines:
            click.echo(line)
    except BrokenPipeError:
        raise  # a reader like `head` has enough, of which click says nothing
    except OSError as error:
        raise OutputLostError(error) from error


def _print_around(found: Report) -> None:
    _print_warnings(found.warnings)
    _print_errors(found.errors)


def _print_warnings(warnings: Iterable[str]) -> None:
    for warning in warnings:
        click.echo(f"{click.style('Warning', fg='yellow')}: {printable(warning)}", err=True)


def _print_errors(errors: Iterable[str]) -> None:
    for error in errors:
        click.echo(f"{click.style('Error', fg='red')}: {printable(error)}", err=True)


def _failed(*lines: str) -> click.ClickException:
    return click.ClickException("\n".join(map(printable, lines)))


def _schema() -> dict[str, Any]:
    """Return the schema of the settings, the SDK's settings included."""
    TapM365Hunting.append_builtin_config(TapM365Hunting.config_jsonschema)
    return dict(TapM365Hunting.config_jsonschema)


def _settings(sources: Sequence[str], schema: dict[str, Any]) -> dict[str, Any]:
    """Merge the sources as the SDK does: later files win, the environment wins over all."""
    given = settings_of(sources)
    return given | settings_of_variables(schema) if ENV in sources else given
