"""The lines of `m365hunting` for people.

Colours are in the text; the printing command takes them out without a terminal.
"""

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import click

from tap_m365hunting.commands.plans import Plan, StreamPlan, TenantPlan
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.commands.report import Facts, QueryReport, Report
from tap_m365hunting.instants import TICKS_PER_MICROSECOND, Instant
from tap_m365hunting.kql.literals import timespan_text
from tap_m365hunting.printable import masked
from tap_m365hunting.wording import plural

# Lines are as wide as the terminal, and no wider than can be read.
_WIDEST: Final = 100
_COLOURS: Final = {"ok": "green", "warning": "yellow", "error": "red"}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
# Of a long line, this much is quoted before the place in question.
_BEFORE: Final = 50
_BARS: Final = " ▁▂▃▄▅▆▇█"
# Of a wide result, this many columns are listed; of a long plan, this many windows.
_COLUMNS: Final = 12
_WINDOWS: Final = 20
_INDENT: Final = " " * 9
_QUOTE: Final = " " * 13


def check_lines(report: Report, *, show_kql: bool = False) -> Iterator[str]:
    """Yield the lines of a report: a head for each query, its problems below, a sum at last."""
    widths = _widths([_head(query) for query in report.queries])
    for query in report.queries:
        yield _aligned(query, widths)
        for remark in query.remarks:
            yield from _remark(remark, query.text)
        if query.facts:
            yield from _facts(query.facts)
        if show_kql:
            yield from _texts(query)
    if report.access:
        yield report.access
    yield _sum(report)


def quoted(
    text: str, line: int, column: int | None = None, operator: str | None = None
) -> Iterator[str]:
    r"""Yield the line of the text, and below carets under the operator at the column, if known.

    Of a word that is made like a token, stars are shown.

    >>> for shown in quoted("DeviceInfo\n| take 5", 2, 3, "take"):
    ...     print(shown)
    | take 5
      ^^^^
    """
    lines = _LINE_END.split(text)
    if not 0 < line <= len(lines):
        return
    whole, place = masked(_printable(lines[line - 1])), (column or 1) - 1
    cut = max(0, place - _BEFORE)
    end = cut + _width() - len(_QUOTE) - 1
    start = "…" if cut else ""
    yield f"{start}{whole[cut:end]}{'…' if end < len(whole) else ''}"
    if column is not None:
        carets = len(operator) if operator and whole[place:].startswith(operator) else 1
        yield f"{' ' * (len(start) + place - cut)}{'^' * carets}"


def _width() -> int:
    return min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)


def _printable(text: str) -> str:
    """Return the text without cursor movements and without anything but characters."""
    return "".join(char if char.isprintable() else " " for char in text)


def _verdict(query: QueryReport) -> str:
    if not query.ok:
        return "error"
    return "warning" if query.remarks else "ok"


def _head(query: QueryReport) -> tuple[str, ...]:
    mode = query.mode.value if query.mode else "-"
    return (
        _verdict(query),
        _printable(query.name) or "(no name)",
        mode,
        _printable(query.cursor or ""),
    )


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _aligned(query: QueryReport, widths: Sequence[int]) -> str:
    cells = [cell.ljust(width) for cell, width in zip(_head(query), widths, strict=True)]
    verdict, name, *rest = cells
    line = "  ".join([_coloured(verdict), click.style(name, bold=True), *rest])
    return line.rstrip()


def _coloured(verdict: str) -> str:
    return click.style(verdict, fg=_COLOURS[verdict.strip()])


def _remark(remark: Remark, text: str) -> Iterator[str]:
    place = f"{remark.line}:{remark.column or ''}".rstrip(":") if remark.line else ""
    head = f"{_INDENT}{place} ".rstrip() + " " if place else _INDENT
    said = textwrap.wrap(
        f"{remark.severity}: {_printable(remark.message)}",
        width=_width(),
        initial_indent=head,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield said[0].replace(remark.severity, _coloured(remark.severity), 1)
    yield from said[1:]
    if remark.line:
        for quote in quoted(text, remark.line, remark.column, remark.operator):
            yield f"{_QUOTE}{quote}"


def _facts(facts: Facts) -> Iterator[str]:
    if facts.rows_a_run is not None:
        rows = f"{plural(facts.rows_a_day, 'row')} a day; " if facts.rows_a_day is not None else ""
        yield (
            f"{_INDENT}{rows}a daily run: {plural(facts.rows_a_run, 'row')}, "
            f"{plural(facts.calls_a_run or 0, 'call')}, {facts.minutes_a_run or 0:.1f} min"
        )
    yield f"{_INDENT}key: {_printable(', '.join(facts.key)) or 'none'}"
    if facts.identity:
        yield from _wrapped(f"documented identity: {facts.identity}")
    shown = [_printable(f"{column.name} {column.type}") for column in facts.columns[:_COLUMNS]]
    rest = [f"and {len(facts.columns) - _COLUMNS} more"] * (len(facts.columns) > _COLUMNS)
    yield from _wrapped(f"{plural(len(facts.columns), 'column')}: {', '.join([*shown, *rest])}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width=_width(), initial_indent=_INDENT, subsequent_indent=_INDENT)


def _texts(query: QueryReport) -> Iterator[str]:
    for name, text in query.texts.to_json().items():
        if text is not None:
            yield click.style(f"{_INDENT}{name}:", dim=True)
            yield from (f"{_QUOTE}{_printable(line)}" for line in _LINE_END.split(str(text)))


def _sum(report: Report) -> str:
    verdicts = [_verdict(query) for query in report.queries]
    queries = plural(len(verdicts), "query", many="queries")
    counts = [
        f"{verdicts.count('ok')} ok",
        f"{verdicts.count('warning')} with warnings",
        f"{verdicts.count('error')} with errors",
    ]
    return f"{queries}: {', '.join(counts)}"


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan: for each stream a head, a histogram and its windows."""
    for stream in plan.streams:
        yield from _stream_lines(stream)
    yield f"The run: {plural(plan.calls, 'call')}, {plan.minutes:.1f} min under the quotas"


def bars(rows: Sequence[int]) -> str:
    """Return a bar for each number; any rows at all can be seen.

    >>> bars([0, 1, 50, 100])
    ' ▁▄█'
    """
    most = max(rows, default=0)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] if most else " " for count in rows)


def _stream_lines(stream: StreamPlan) -> Iterator[str]:
    name = click.style(_printable(stream.name), bold=True)
    if stream.error:
        yield f"{_coloured('error')}  {name}  {_printable(stream.error)}"
        return
    yield (
        f"{name}  {plural(stream.rows, 'row')}, {plural(stream.calls, 'call')}, "
        f"{stream.minutes:.1f} min"
    )
    yield from _wrapped(stream.note or "")
    for warning in stream.warnings:
        yield from _wrapped(warning)
    if stream.bins and stream.rows:
        yield f"{_INDENT}{bars([rows for _, rows in stream.bins])}".rstrip()
        yield f"{_INDENT}{_scale(stream)}"
    for window, rows in stream.windows[:_WINDOWS]:
        yield f"{_INDENT}{_short(window.start)} to {_short(window.end)}  {plural(rows, 'row')}"
    if len(stream.windows) > _WINDOWS:
        yield f"{_INDENT}… and {plural(len(stream.windows) - _WINDOWS, 'window')} more"


def _scale(stream: StreamPlan) -> str:
    """Say how wide a bar is, and how many rows the highest stands for."""
    widest = max((window for window, _ in stream.bins), key=lambda window: window.ticks)
    most = max(rows for _, rows in stream.bins)
    width = timespan_text(timedelta(microseconds=widest.ticks // TICKS_PER_MICROSECOND))
    start = _short(stream.bins[0][0].start)
    return f"from {start}, a bar is {width}, the highest is {plural(most, 'row')}"


def _short(instant: Instant) -> str:
    """Write an instant to the second, exact enough to look at."""
    return str(instant)[:19].replace("T", " ")


def tenant_lines(report: Report) -> Iterator[str]:
    """Yield the lines of a report about many tenants: the tenants at fault, and a sum."""
    bad = [tenant for tenant in report.tenants if not tenant.ok]
    for tenant in bad:
        yield from _tenant_error(tenant.name, tenant.tenant_id, str(tenant.error))
    if report.tenants:
        good = len(report.tenants) - len(bad)
        yield f"{plural(len(report.tenants), 'tenant')}: {good} ok, {len(bad)} with errors"


def tenant_plan_lines(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan for many tenants: a line each, problems below, a sum."""
    good = [tenant for tenant in plan.tenants if not tenant.error]
    rows = [(_called(t.name, t.tenant_id), *_totals(t)) for t in good]
    widths = _widths(rows)
    for tenant, (name, *totals) in zip(good, rows, strict=True):
        cells = [cell.rjust(width) for cell, width in zip(totals, widths[1:], strict=True)]
        yield "  ".join([click.style(name.ljust(widths[0]), bold=True), *cells])
        for stream in tenant.streams:
            if stream.error:
                yield f"{_INDENT}{next(_stream_lines(stream))}"
    for tenant in plan.tenants:
        if tenant.error:
            yield from _tenant_error(tenant.name, tenant.tenant_id, tenant.error)
    total = sum(tenant.rows for tenant in plan.tenants)
    yield (
        f"The run: {plural(len(plan.tenants), 'tenant')}, {plural(total, 'row')}, "
        f"{plural(plan.calls, 'call')}, {plan.minutes:.1f} min under the quotas"
    )


def _totals(tenant: TenantPlan) -> tuple[str, ...]:
    return (
        plural(tenant.rows, "row"),
        plural(tenant.calls, "call"),
        f"{tenant.minutes:.1f} min",
    )


def _tenant_error(name: str | None, tenant_id: str, error: str) -> Iterator[str]:
    yield f"{_coloured('error')}  {click.style(_called(name, tenant_id), bold=True)}"
    yield from _wrapped(_printable(error))


def _called(name: str | None, tenant_id: str) -> str:
    return _printable(f"{name} ({tenant_id})" if name else tenant_id)
