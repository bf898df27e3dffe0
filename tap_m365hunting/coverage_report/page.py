"""Coverage as a single HTML page without further files: no script, no network."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from tap_m365hunting.coverage_report.report import CoverageReport, StreamCoverage
from tap_m365hunting.coverage_report.segments import UNREAD
from tap_m365hunting.coverage_report.text import cells, duration, head, moment
from tap_m365hunting.coverage_report.timeline import COLUMNS, Axis
from tap_m365hunting.coverage_report.window_records import COMPLETE
from tap_m365hunting.instants import TICKS_PER_SECOND
from tap_m365hunting.printable import printable
from tap_m365hunting.wording import plural

_STYLE: Final = Path(__file__).with_name("page.css")
# Of the gaps of one stream, this many are listed.
_GAPS: Final = 200
#: Each status with the words of the legend; a status of another name is drawn as the last one.
_LEGEND: Final = {
    COMPLETE: "complete: every row was written",
    "changed": "changed: the rows changed each time they were read",
    "gap_retention": "gap_retention: older than the service keeps",
    "gap_unreadable": "gap_unreadable: the service did not answer",
    UNREAD: "unread: no window tells of it",
}


def page_lines(report: CoverageReport) -> Iterator[str]:
    """Yield the page: sums, a timeline with a line for each stream, a table of all figures."""
    axis = Axis.of(report)
    yield from _top(report)
    yield f'<div class="axis" aria-hidden="true"><div class="bar">{_marks(axis)}</div></div>'
    for stream in report.streams:
        yield from _line(stream, axis)
    yield "</section>"
    yield from _table(report)
    yield "</main></body></html>"


def _top(report: CoverageReport) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield (
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark"><title>Do we have everything?</title>'
    yield f"<style>\n{_STYLE.read_text('utf-8')}</style></head><body>"
    yield '<a class="skip" href="#figures">Skip to the figures</a>'
    yield "<main><h1>Do we have everything?</h1>"
    with_gaps = sum(bool(stream.gaps) for stream in report.streams)
    yield (
        f'<p class="sum">{plural(len(report.streams), "stream")}, '
        f"{with_gaps:,} with gaps ({plural(report.gaps, 'gap')}), {report.stale:,} stale, "
        f"as of {moment(report.as_of)} UTC</p>"
    )
    yield '<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2><ul class="legend">'
    for status, words in _LEGEND.items():
        yield f'<li><i class="{_class(status)}"></i> {escape(words)}</li>'
    yield "</ul>"
    yield '<p><label><input type="checkbox" id="faults"> Only gaps and stale streams</label></p>'


def _marks(axis: Axis) -> str:
    return "".join(
        f'<span style="left:{_percent(column)}">{date}</span>' for column, date in axis.marks()
    )


def _line(stream: StreamCoverage, axis: Axis) -> Iterator[str]:
    fault = "fault" if stream.gaps or stream.stale else "good"
    yield f'<details class="{fault}"><summary><span class="name">{_text(stream.stream)}'
    yield f"<small>{_text(stream.tenant_id)}</small></span>"
    yield f'<span class="bar" role="img" aria-label="{_text(_spoken(stream))}">'
    yield "".join(
        f'<i class="{_class(piece.status)}" '
        f'style="left:{_percent(piece.start)};width:{_percent(piece.end - piece.start)}"></i>'
        for piece in axis.pieces(stream.segments)
    )
    names = f"{stream.stream} in tenant {stream.tenant_id}"
    yield f"</span></summary><p>{_text(names)}: {_text(_spoken(stream))}</p>"
    yield from _gaps(stream)
    yield "</details>"


def _spoken(stream: StreamCoverage) -> str:
    """Return the state of a stream as a sentence."""
    shown = dict(zip(head(), cells(stream), strict=True))
    if stream.complete_to is None:
        span = "nothing is complete"
    elif stream.whole_table:
        span = f"whole table, as of {shown['complete to']}"
    else:
        span = f"complete from {shown['complete from']} to {shown['complete to']}"
    stale = ", stale" if stream.stale else ""
    return f"{span}, {plural(len(stream.gaps), 'gap')}, {shown['behind']} behind{stale}"


def _gaps(stream: StreamCoverage) -> Iterator[str]:
    if not stream.gaps:
        return
    yield "<ul>"
    for gap in stream.gaps[:_GAPS]:
        length = duration((gap.end - gap.start) / TICKS_PER_SECOND)
        why = f": {gap.message}" if gap.message else ""
        words = f"{gap.status} {moment(gap.start)} to {moment(gap.end)} ({length}){why}"
        yield f'<li><i class="{_class(gap.status)}"></i> {_text(words)}</li>'
    if len(stream.gaps) > _GAPS:
        yield f"<li>and {plural(len(stream.gaps) - _GAPS, 'gap')} more</li>"
    yield "</ul>"


def _table(report: CoverageReport) -> Iterator[str]:
    yield '<section aria-labelledby="figures"><h2 id="figures">Figures</h2>'
    yield '<div class="wide" role="region" aria-labelledby="figures" tabindex="0"><table>'
    yield "<caption>Each stream in each tenant; times are in UTC</caption><thead><tr>"
    yield "".join(f'<th scope="col">{name}</th>' for name in head())
    yield "</tr></thead><tbody>"
    for stream in report.streams:
        yield _row(cells(stream), "fault" if stream.gaps or stream.stale else "good")
    yield "</tbody></table></div></section>"


def _row(shown: Sequence[str], kind: str) -> str:
    first, *rest = map(_text, shown)
    data = "".join(f"<td>{cell}</td>" for cell in rest)
    return f'<tr class="{kind}"><th scope="row">{first}</th>{data}</tr>'


def _percent(columns: int) -> str:
    return f"{columns * 100 / COLUMNS:g}%"


def _class(status: str) -> str:
    """Return the name of the status in the style sheet, never a name of strangers."""
    return status if status in _LEGEND else "unknown"


def _text(text: str) -> str:
    return escape(printable(text))
