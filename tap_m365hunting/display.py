"""What `m365hunting` prints for people.

Pure. Colours are in the text; whoever prints it takes them out where there is no terminal.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

import click

from tap_m365hunting.report import QueryReport, Remark, Report

WIDTH: Final = 100
_COLOURS: Final = {"ok": "green", "warning": "yellow", "error": "red"}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
# Of a long line, this much is quoted before the place in question.
_BEFORE: Final = 50
_INDENT: Final = " " * 9
_QUOTE: Final = " " * 13


def check_lines(report: Report, *, show_kql: bool = False) -> Iterator[str]:
    """Yield the lines of a report: a head for each query, its problems below it, a sum at last."""
    widths = _widths([_head(query) for query in report.queries])
    for query in report.queries:
        yield _aligned(query, widths)
        for remark in query.remarks:
            yield from _remark(remark, query.text)
        if show_kql:
            yield from _texts(query)
    yield _sum(report)


def quoted(text: str, line: int, column: int, operator: str | None = None) -> Iterator[str]:
    r"""Yield the line of the text, and below it carets under the operator at the column.

    >>> for shown in quoted("DeviceInfo\n| take 5", 2, 3, "take"):
    ...     print(shown)
    | take 5
      ^^^^
    """
    lines = _LINE_END.split(text)
    if not 0 < line <= len(lines):
        return
    whole = _printable(lines[line - 1])
    cut = max(0, column - 1 - _BEFORE)
    end = cut + WIDTH - len(_QUOTE) - 1
    start = "…" if cut else ""
    there = whole[column - 1 :].startswith(operator or " ")
    carets = "^" * (len(operator) if operator and there else 1)
    yield f"{start}{whole[cut:end]}{'…' if end < len(whole) else ''}"
    yield f"{' ' * (len(start) + column - 1 - cut)}{carets}"


def _printable(text: str) -> str:
    """Return the text without what would move the cursor, or is no character."""
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
    place = f"{remark.line}:{remark.column}" if remark.line else ""
    head = f"{_INDENT}{place} ".rstrip() + " " if place else _INDENT
    said = textwrap.wrap(
        f"{remark.severity}: {_printable(remark.message)}",
        width=WIDTH,
        initial_indent=head,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield said[0].replace(remark.severity, _coloured(remark.severity), 1)
    yield from said[1:]
    if remark.line and remark.column:
        source, carets = [*quoted(text, remark.line, remark.column, remark.operator)] or ("", "")
        yield f"{_QUOTE}{source}"
        yield f"{_QUOTE}{click.style(carets, fg=_COLOURS[remark.severity])}"


def _texts(query: QueryReport) -> Iterator[str]:
    for name, text in query.texts.to_json().items():
        if text is not None:
            yield click.style(f"{_INDENT}{name}:", dim=True)
            yield from (f"{_QUOTE}{_printable(line)}" for line in _LINE_END.split(str(text)))


def _sum(report: Report) -> str:
    verdicts = [_verdict(query) for query in report.queries]
    queries = f"{len(verdicts)} quer{'y' if len(verdicts) == 1 else 'ies'}"
    counts = [
        f"{verdicts.count('ok')} ok",
        f"{verdicts.count('warning')} with warnings",
        f"{verdicts.count('error')} with errors",
    ]
    return f"{queries}: {', '.join(counts)}"
