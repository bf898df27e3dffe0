"""Coverage for people: a line for each stream and tenant, its gaps below it.

Pure. Colours are in the text; the printer takes colours out where there is no terminal.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import click

from tap_m365hunting.coverage_report.report import CoverageReport, StreamCoverage
from tap_m365hunting.coverage_report.segments import Segment
from tap_m365hunting.instants import TICKS_PER_SECOND, Instant
from tap_m365hunting.printable import printable
from tap_m365hunting.wording import plural

_HEAD: Final[Sequence[str]] = (
    "stream", "tenant", "complete from", "complete to", "behind", "gaps", "rows", "late", "calls"
)  # fmt: skip
_NUMBERS: Final = 4
_NONE: Final = "-"
# Of the gaps of one stream, this many are listed.
_GAPS: Final = 20
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def text_lines(report: CoverageReport) -> Iterator[str]:
    """Yield a table, below each line the gaps of its stream, and the sum."""
    table = [_HEAD, *map(cells, report.streams)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    yield click.style(_aligned(_HEAD, widths), bold=True)
    for stream, shown in zip(report.streams, table[1:], strict=True):
        line = _aligned(shown, widths)
        yield click.style(line, fg=_colour(stream)) if _colour(stream) else line
        yield from map(_gap, stream.gaps[:_GAPS])
        if len(stream.gaps) > _GAPS:
            yield f"    … and {plural(len(stream.gaps) - _GAPS, 'gap')} more"
    yield _sum(report)


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units.

    >>> duration(90_000), duration(59.5), duration(0.25)
    ('1 d 1 h', '59 s', '0.25 s')
    """
    if seconds < 1:
        return f"{seconds:.7g} s"
    rest, parts = int(seconds), list[str]()
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def moment(ticks: int | None) -> str:
    """Return an instant to the second, with a fraction only where not 0."""
    if ticks is None:
        return _NONE
    text = str(Instant(ticks)).replace("T", " ").removesuffix("Z")
    return text.rstrip("0").removesuffix(".") if int(text[20:]) else text[:19]


def head() -> Sequence[str]:
    """Return the names of the columns of `cells`."""
    return _HEAD


def cells(stream: StreamCoverage) -> Sequence[str]:
    """Return names and figures of a stream, as people read them."""
    sums, behind = stream.sums, stream.behind_seconds
    return (
        printable(stream.stream),
        printable(stream.tenant_id),
        "whole table" if stream.whole_table else moment(stream.complete_from),
        moment(stream.complete_to),
        _NONE if behind is None else duration(max(behind, 0)),
        str(len(stream.gaps)),
        f"{sums.rows:,}",
        _NONE if sums.late_rows is None else f"{sums.late_rows:,}",
        f"{sums.calls:,}",
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    left = len(row) - _NUMBERS
    shown = [cell.ljust(width) for cell, width in zip(row[:left], widths, strict=False)]
    shown += [c.rjust(w) for c, w in zip(row[left:], widths[left:], strict=True)]
    return "  ".join(shown)


def _colour(stream: StreamCoverage) -> str | None:
    if stream.gaps:
        return "red"
    return "yellow" if stream.stale else None


def _gap(gap: Segment) -> str:
    length = duration((gap.end - gap.start) / TICKS_PER_SECOND)
    why = f": {printable(gap.message)}" if gap.message else ""
    reason = printable(gap.status)
    return f"    {reason}  {moment(gap.start)} to {moment(gap.end)} ({length}){why}"


def _sum(report: CoverageReport) -> str:
    streams = plural(len(report.streams), "stream")
    return (
        f"{streams}: {plural(report.gaps, 'gap')}, {report.stale} stale, "
        f"as of {moment(report.as_of)} UTC"
    )
