"""Fitness of a query for windows, and the way out where windows do not fit.

Pure. Judged from the text alone, and from the columns of the result once the service has named
them.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.columns import Columns, common_width
from tap_m365hunting.kql.flow_types import Finding, Flow, finding
from tap_m365hunting.kql.query import WINDOW_NAMES, Query
from tap_m365hunting.kql.remarks import remarks
from tap_m365hunting.kql.row_flow import RowFlow
from tap_m365hunting.kql.side_queries import side_queries
from tap_m365hunting.kql.tokens import position
from tap_m365hunting.kql.verdict import OTHER, Mode, Problem, RowIdentity, Verdict
from tap_m365hunting.printable import masked


def assess(
    query: Query,
    *,
    method: str | None = None,
    cursor: str | None = None,
    unsafe: bool = False,
    columns: Iterable[tuple[str, str]] | None = None,
) -> Verdict:
    """Judge how the query will be read, and list the problems.

    `method` and `cursor` are the configured `replication_method` and `replication_key`. With
    `columns`, the names and types of the result by the service, the cursor is certain; without, a
    query with unknown columns is taken to have one. `unsafe` (`unsafe_window`) turns errors about
    bounding the query into warnings.

    >>> from tap_m365hunting.kql import read
    >>> verdict = assess(read("DeviceEvents | take 10"))
    >>> verdict.mode.value, verdict.ok, verdict.problems[0].operator
    ('incremental', False, 'take')
    """
    watched = frozenset({cursor} if cursor else operators.CURSORS)
    flow = RowFlow(query, watched).result()
    result = Result(flow.columns, None if columns is None else dict(columns))
    found = cursor or result.cursor(query)
    mode = _mode(query, method, found)
    bounding = found if mode is Mode.INCREMENTAL else None
    findings = _findings(query, flow, result, mode, bounding)
    if mode is Mode.FULL_TABLE and not method:
        findings += _about_projection(flow, result)
    problems = {_problem(query, finding, unsafe=unsafe): None for finding in findings}
    return Verdict(
        mode,
        bounding,
        tuple(sorted(problems, key=_place)),
        _bin(flow, bounding, mode),
        _identity(query, flow, result),
    )


class Result(Struct, frozen=True):
    """The columns of the result: as the text tells, or for certain, as the service does."""

    stated: Columns
    types: Mapping[str, str] | None

    def has_time(self, name: str) -> bool | None:
        """Whether the column exists and is a datetime; `None` if unknown from the text."""
        if self.types is None:
            return self.stated.has(name) if not self.has_other_type(name) else False
        return name in self.times()

    def has_other_type(self, name: str) -> bool:
        """Whether the column surely exists, and surely is no datetime."""
        if self.types is None:
            return self.stated.has(name) is True and self.stated.origin(name).other_type
        return name in self.types and name not in self.times()

    def times(self) -> list[str]:
        """Return the columns known to be datetimes."""
        types = self.types or {}
        return [name for name, kind in types.items() if kind.lower().endswith("datetime")]

    def cursor(self, query: Query) -> str | None:
        """Return the cursor to use where none is configured."""
        there = [name for name in operators.CURSORS if self.has_time(name) is not False]
        likely = [name for name in there if self.has_time(name) or query.uses(name) is not None]
        usual = [name for name in there if name == operators.CURSORS[0]]
        return next(iter([*likely, *usual]), None)


def _findings(
    query: Query, flow: Flow, result: Result, mode: Mode, cursor: str | None
) -> list[Finding]:
    found = [*_about_names(query, mode), *_about_flow(flow, result, cursor)]
    if mode is Mode.INCREMENTAL and all(met.warning for met in found):
        found += _about_cursor(query, flow, result, cursor)
    if mode is Mode.WINDOWED:
        uneven = (group.stage for group in flow.groups if group.origin.uneven)
        found += [finding(stage, operators.UNEVEN_BINS, warning=True) for stage in uneven]
    if mode is not Mode.FULL_TABLE:
        found += remarks(query)
    else:
        found += _about_types(query, result)
    if mode is not Mode.FULL_TABLE and all(met.warning for met in found):
        found += side_queries(query, mode)
    return found


def _about_types(query: Query, result: Result) -> Iterator[Finding]:
    """Warn of a column with the name of a cursor that is no datetime, so that all is read anew."""
    for name in operators.CURSORS:
        if result.has_other_type(name):
            kind = (result.types or {}).get(name, "text or a number")
            msg = operators.CURSOR_TYPE.format(cursor=name, kind=kind)
            yield Finding(query.final.start, "", msg, warning=True)


def _identity(query: Query, flow: Flow, result: Result) -> RowIdentity:
    """Return the identity of the result's rows; without a time rows of two windows may be equal.

    Windows add up if the query has its bounds at a single place.
    """
    if flow.identity.whole and result.cursor(query) is None:
        return OTHER
    names = [query.name_at(index) for index in range(len(query.tokens))]
    once = all(names.count(name) == 1 for name in WINDOW_NAMES)
    return replace(flow.identity, additive=flow.identity.additive and once)


def _mode(query: Query, method: str | None, cursor: str | None) -> Mode:
    if method:
        return Mode(method.lower())
    if query.windowed:
        return Mode.WINDOWED
    return Mode.INCREMENTAL if cursor else Mode.FULL_TABLE


def _about_names(query: Query, mode: Mode) -> Iterator[Finding]:
    used = {name: index for name in WINDOW_NAMES if (index := query.uses(name)) is not None}
    both = " and ".join(WINDOW_NAMES)
    if mode is Mode.WINDOWED and not used:
        msg = f"WINDOWED needs a query that uses {both}, and this one uses neither"
        yield Finding(query.final.start, "", f"{msg}. {_WINDOWED_EXAMPLE}", fatal=True)
    elif len(used) == 1:
        [(name, index)] = used.items()
        msg = f"The query uses {name} alone; the tap defines {both} where both are used"
        yield Finding(index, name, f"{msg}. Use both, or rename it", fatal=True)
    elif used and mode is not Mode.WINDOWED:
        msg = f"The tap defines {both} for WINDOWED only; remove replication_method, or the names"
        yield Finding(min(used.values()), WINDOW_NAMES[0], msg, fatal=True)


_WINDOWED_EXAMPLE = "Add `| where Timestamp >= window_start and Timestamp < window_end`"


def _about_projection(flow: Flow, result: Result) -> Iterator[Finding]:
    """Warn of a projection but for which windows could bound the query."""
    if flow.left_out and all(met.warning for met in flow.findings):
        stage, cursor = flow.left_out.stage, flow.left_out.cursor
        if result.has_other_type(cursor):
            return
        msg = operators.LEFT_OUT.format(cursor=cursor, effect=operators.READ_ANEW)
        yield finding(stage, msg, warning=True)


def _obstacles(flow: Flow) -> Iterator[Finding]:
    """Yield the reasons for a result without a cursor, which no words make right."""
    for met in flow.findings:
        if not met.warning and met.cursor is None:
            yield replace(met, fatal=True)
    if flow.left_out:
        stage, cursor = flow.left_out.stage, flow.left_out.cursor
        msg = operators.LEFT_OUT.format(cursor=cursor, effect=operators.NO_BOUND)
        yield finding(stage, msg, fatal=True)


def _about_cursor(
    query: Query, flow: Flow, result: Result, cursor: str | None
) -> Iterator[Finding]:
    """Yield the problems of the cursor of a query to be bounded by windows."""
    if cursor is None and (obstacles := [*_obstacles(flow)]):
        yield from obstacles
    elif cursor is None or result.has_time(cursor) is False:
        times = ", ".join(result.times()) or "none is known"
        msg = (
            f"The result has no datetime column {cursor or ' or '.join(operators.CURSORS)} to "
            f"bound by windows (datetime columns: {times}). Keep it in the last project, set "
            f"replication_key, or {operators.RUN_WHOLE}"
        )
        yield Finding(query.final.start, "", msg, fatal=True)
    elif result.stated.origin(cursor).uneven:
        yield Finding(query.final.start, "", operators.UNEVEN_CURSOR.format(cursor=cursor))
    elif result.stated.origin(cursor).computed:
        msg = operators.COMPUTED_CURSOR.format(cursor=cursor)
        yield Finding(query.final.start, "", msg, warning=True)


def _about_flow(flow: Flow, result: Result, cursor: str | None) -> Iterator[Finding]:
    """Yield the findings along the way with a meaning for windows over the cursor."""
    for met in flow.findings:
        there = met.beside is None or result.has_time(met.beside)
        if met.fatal or (cursor is not None and met.cursor in (None, cursor) and there):
            yield met


def _problem(query: Query, finding: Finding, *, unsafe: bool) -> Problem:
    line, column = position(query.text, query.tokens[finding.index].start)
    warning = finding.warning or (unsafe and not finding.fatal)
    return Problem(
        "warning" if warning else "error",
        line,
        column,
        masked(finding.operator) or None,
        masked(finding.message),
    )


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


def _bin(flow: Flow, cursor: str | None, mode: Mode) -> timedelta | None:
    """Return the width of the grid for windows, if the query rounds time."""
    if mode is Mode.FULL_TABLE:
        return None
    if cursor:
        return flow.columns.origin(cursor).bin
    known = (origin for _, origin in flow.columns.known())
    groups = (group.origin for group in flow.groups)
    return common_width(origin.bin for origin in (*known, *groups))
