"""`make demo`: a tenant without a tenant, from the first call to what a hunter would look at."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from demo.errors import DemoError
from demo.findings import COVERAGE, FINDINGS, found
from demo.pipeline import Pipeline
from demo.report import StreamCount, answer, calls_by_stream, counts, table
from demo.service import Tenant, calls, serving
from demo.tables import Tables

_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
# The emulator makes up two days past the anchor, which become visible as time goes on.
_FRESH_FOR: Final = timedelta(days=2)
_USUAL_PORT: Final = 8443
_NEXT: Final = """
Next:
  make demo                     again: only what is new since arrives, nothing twice
  .venv/bin/python -m demo.ask "SELECT * FROM phished_clicks"
                                your own question, in SQL, to the tables in {database}
  queries/*.kql                 the hunting queries; change one, or add yours to sample_config.json
  docs/tenant.md                the same against your own tenant
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The commands and files that the demo works with."""

    commands: Path
    loader: Path
    config: Path
    loader_config: Path
    output: Path
    emulator: Path

    @property
    def database(self) -> Path:
        """The file of the loader's tables."""
        return self.output / "hunting.duckdb"


def main(arguments: Sequence[str] | None = None, *, now: datetime | None = None) -> int:
    """Run the demo; the exit status is 0 only if all went well."""
    options = _options().parse_args(arguments)
    port, rows = vars(options).pop("port"), vars(options).pop("rows")
    try:
        demo(Places(**vars(options)), port=port, rows=rows, now=now or datetime.now(UTC))
    except DemoError as error:
        print(f"\nThe demo stopped. {error}", file=sys.stderr)
        return 1
    return 0


def demo(places: Places, *, port: int, rows: int, now: datetime) -> None:
    """Start the service, run the pipeline once, show what came of it.

    Raises:
        DemoError: a part did not do its work.
    """
    tenant = Tenant(port, rows, anchor(places, now), places.emulator)
    emulator = places.commands / "hunting-emulator"
    print(f"A made-up tenant with {rows:,} rows in 30 days, and an attack among them:")
    print(f"  $ hunting-emulator {' '.join(tenant.arguments)} &", flush=True)
    with serving(emulator, tenant):
        found = run(places, tenant)
    print(f"\nWhat arrived, in {places.database}:\n\n{table(found)}")
    show(places)


def run(places: Places, tenant: Tenant) -> list[StreamCount]:
    """Run tap and loader once; count what there was before and is now."""
    pipeline = Pipeline(
        places.commands / "tap-m365hunting",
        places.loader,
        places.config,
        places.loader_config,
        places.output,
    )
    environment = _environment(tenant)
    rows, read = _counted(places.database)
    started = monotonic()
    pipeline.discover(environment)
    _show_commands(pipeline, tenant, environment)
    pipeline.run(environment)
    print(f"  done in {monotonic() - started:.0f} s")
    rows_after, read_after = _counted(places.database)
    asked = calls_by_stream(calls(tenant), marks(places.config))
    return counts((rows, rows_after), (read, read_after), asked)


def anchor(places: Places, now: datetime) -> datetime:
    """Return the instant that the tenant is made up around: the first run's, while it lasts.

    The same anchor makes the same rows, so a second run finds what the first one left. When its
    days are over, or what was loaded is gone, a new tenant takes its place, and the old one's files
    are set aside.
    """
    kept = places.emulator / "anchor"
    if kept.exists():
        first = datetime.strptime(kept.read_text("utf-8").strip(), _FORM).replace(tzinfo=UTC)
        whole = places.database.exists() or not places.output.exists()
        if whole and now - first < _FRESH_FOR:
            return first
    places.emulator.mkdir(parents=True, exist_ok=True)
    if places.output.exists():
        aside = places.emulator / f"output-until-{now:%Y%m%dT%H%M%S}"
        places.output.rename(aside)
        print(f"The made-up tenant is a new one; the files of the last one are now in {aside}/")
    kept.write_text(f"{now:{_FORM}}\n", "utf-8")
    return now


def marks(config: Path) -> Mapping[str, str]:
    """Return for each stream the text that tells its queries from others'."""
    queries = json.loads(config.read_text("utf-8"))["queries"]
    return dict(_mark(query, config.parent) for query in queries)


def show(places: Places) -> None:
    """Print what a hunter would look at, and where to go from here."""
    with closing(Tables(places.database)) as tables:
        print(f"\n{answer(COVERAGE.question, found(tables, COVERAGE))}")
        print("\nWhat a hunter would look at:\n")
        for finding in FINDINGS:
            print(answer(finding.question, found(tables, finding)))
    print(_NEXT.format(database=places.database))


def _counted(database: Path) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the rows of each table, and how many were read in all runs."""
    with closing(Tables(database)) as tables:
        return tables.rows(), tables.read()


def _mark(query: Mapping[str, str], folder: Path) -> tuple[str, str]:
    if "table" in query:
        snake = re.sub("(?<!^)(?=[A-Z])", "_", query["table"]).lower()
        return query.get("name", snake), query["table"]
    return query["name"], (folder / query["query_file"]).read_text("utf-8").splitlines()[0]


def _environment(tenant: Tenant) -> dict[str, str]:
    """Return whom the tap has to trust, and where the service is, if not where the config says."""
    trusted = {"REQUESTS_CA_BUNDLE": str(tenant.ca_file.absolute())}
    names = ("TAP_M365HUNTING_API_URL", "TAP_M365HUNTING_AUTHORITY_URL")
    return trusted | (dict.fromkeys(names, tenant.url) if tenant.port != _USUAL_PORT else {})


def _show_commands(pipeline: Pipeline, tenant: Tenant, environment: Mapping[str, str]) -> None:
    new, elsewhere = pipeline.state.with_suffix(".new"), len(environment) > 1
    print(f"  $ export REQUESTS_CA_BUNDLE={tenant.ca_file}")
    for name in sorted(environment.keys() - {"REQUESTS_CA_BUNDLE"}):
        print(f"  $ export {name}={environment[name]}")
    discovery = _typed(pipeline.discovery_command(from_environment=elsewhere))
    print(f"  $ {discovery} > {pipeline.catalog}")
    print(f"  $ {_typed(pipeline.tap_command(from_environment=elsewhere))} \\")
    print(f"      | {_typed(pipeline.loader_command)} > {new}")
    print(f"  $ mv {new} {pipeline.state}", flush=True)


def _typed(command: Sequence[str]) -> str:
    return " ".join((Path(command[0]).name, *command[1:]))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--port", type=int, default=_USUAL_PORT, help="port of the emulator")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the made-up tenant")
    places = {
        "commands": (".venv/bin", "folder of tap-m365hunting and hunting-emulator"),
        "loader": (".venv/bin/target-bulk-duckdb", "the loader"),
        "config": ("sample_config.json", "the tap's settings"),
        "loader-config": ("demo/target-bulk-duckdb.json", "the loader's settings"),
        "output": ("output", "folder of the loader's tables and the state"),
        "emulator": (".hunting-emulator", "folder of the emulator's files"),
    }
    for name, (usual, meaning) in places.items():
        parser.add_argument(f"--{name}", type=Path, default=Path(usual), help=meaning)
    return parser


if __name__ == "__main__":
    sys.exit(main())
