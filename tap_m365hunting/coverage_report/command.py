"""The command `coverage`: options, sources and exit status."""

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Final, Protocol

import click

from tap_m365hunting.configuration.queries import COVERAGE_STREAM
from tap_m365hunting.coverage_report.page import page_lines
from tap_m365hunting.coverage_report.prometheus import prometheus_lines
from tap_m365hunting.coverage_report.report import CoverageReport
from tap_m365hunting.coverage_report.source_names import shown_source
from tap_m365hunting.coverage_report.sources import read
from tap_m365hunting.coverage_report.text import text_lines
from tap_m365hunting.errors import UnusableInputError
from tap_m365hunting.instants import Instant
from tap_m365hunting.output import OutputLostError

_DAY: Final = 1440
#: Sources where the command line names none, parted by spaces; Meltano sets it.
SOURCES_VARIABLE: Final = "M365HUNTING_COVERAGE_SOURCE"


class Clock(Protocol):
    """Effects with a clock in seconds since 1970."""

    @property
    def clock(self) -> Callable[[], float]:
        """Return the time."""


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", envvar=SOURCES_VARIABLE)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "prometheus", "html"]),
    default="text",
    show_default=True,
    help="For people, for programs, for a textfile collector, or as one page.",
)
@click.option(
    "--fail-on",
    "faults",
    type=click.Choice(["gap", "stale"]),
    multiple=True,
    help="End with status 1 if there is one; may be given twice.",
)
@click.option(
    "--stale-after",
    type=click.FloatRange(min=0),
    default=_DAY,
    show_default=True,
    metavar="MINUTES",
    help="How far behind now a stream's complete time may end.",
)
@click.option(
    "--table",
    default=COVERAGE_STREAM,
    show_default=True,
    metavar="[SCHEMA.]NAME",
    help="The table in a database.",
)
@click.option("--since", metavar="TIME", help="Leave out time before, and the gaps in it.")
@click.pass_obj
def coverage(
    effects: Clock,
    *,
    sources: Sequence[str],
    form: str,
    faults: Sequence[str],
    stale_after: float,
    table: str,
    since: str | None,
) -> None:
    """Say what hunting_windows proves: complete from, complete to, and the gaps.

    SOURCE is a file of JSON lines (plain or gzip; - is standard input), a Parquet file, folder or
    pattern, a DuckDB file, or the URL of a database such as postgresql://user@host/name. The
    variable M365HUNTING_COVERAGE_SOURCE holds what is read where none is given.
    """
    if isnan(stale_after):
        msg = "nan is no number of minutes"
        raise click.BadParameter(msg, param_hint="--stale-after")
    now = Instant.of_seconds(effects.clock())
    start = _instant(since).ticks if since else 0
    report = CoverageReport.of(
        read(sources, table=table), now=now, stale_after_minutes=stale_after, since=start
    )
    if not report.streams:
        named = ", ".join(map(shown_source, sources))
        raise UnusableInputError([f"No record of hunting_windows in {named}"])
    _print(_FORMATS[form](report))
    found = {"gap": report.gaps, "stale": report.stale}
    sys.exit(1 if any(found[fault] for fault in faults) else 0)


def _json_lines(report: CoverageReport) -> Iterable[str]:
    return [json.dumps(report.to_json(), indent=2)]


_FORMATS: Final[Mapping[str, Callable[[CoverageReport], Iterable[str]]]] = {
    "text": text_lines,
    "json": _json_lines,
    "prometheus": prometheus_lines,
    "html": page_lines,
}


def _instant(text: str) -> Instant:
    try:
        return Instant.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from error


def _print(lines: Iterable[str]) -> None:
    if sys.stdout is None:  # closed by who started the command
        raise OutputLostError(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    try:
        for line in lines:
            click.echo(line)
    except OSError as error:
        raise OutputLostError(error) from error
