"""Operators that bring in other rows: `union`, `join`, `lookup`.

Pure. The windows bound a column of the result, so what counts is which side that column is from.
"""

from collections.abc import Callable, Iterator
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.columns import PLAIN, Columns
from tap_m365hunting.kql.flow import Finding, Flow, finding
from tap_m365hunting.kql.query import Query, Span
from tap_m365hunting.kql.stages import Stage, keyword, option


class Side(Struct, frozen=True):
    """What is needed to follow other rows: `watched` are possible cursors.

    `rows` follows an expression, `branches` what a `union` takes, which may be several tables.
    """

    query: Query
    watched: frozenset[str]
    rows: Callable[[Span], Flow]
    branches: Callable[[Span], Iterator[Flow]]


def union(side: Side, stage: Stage, flow: Flow | None = None) -> Flow:
    """Return the rows of all branches, the flow that the operator stands in among them."""
    rest, new = _without_options(side.query, stage.rest)
    branches = [b for piece in side.query.split(rest, ",") for b in side.branches(piece)]
    flows = [flow, *branches] if flow else branches
    columns = reduce(Columns.or_, (branch.columns for branch in flows))
    whole = Flow(columns.plus(dict.fromkeys(new, PLAIN))).met(f for b in flows for f in b.findings)
    lacking = [name for name in side.watched if columns.has(name) is not False]
    lacking = [n for n in lacking if any(branch.columns.has(n) is False for branch in flows)]
    return whole.met(
        replace(finding(stage, operators.BRANCH_WITHOUT_CURSOR.format(cursor=name)), cursor=name)
        for name in lacking
    )


def join(side: Side, stage: Stage, flow: Flow) -> Flow:
    """Return the rows of a `join` or `lookup`."""
    rest, _ = _without_options(side.query, stage.rest)
    right = side.rows(Span(rest.start, keyword(side.query, rest, "on")))
    default = "leftouter" if stage.operator == "lookup" else "innerunique"
    kind = option(side.query, stage.rest, "kind") or default
    if kind in operators.LEFT_ONLY_JOINS:
        return flow
    both = Flow(flow.columns.or_(right.columns)).met(_of_the_left(side, flow, right))
    return both.met(_about(side, stage, kind, flow, right))


def _about(side: Side, stage: Stage, kind: str, left: Flow, right: Flow) -> Iterator[Finding]:
    if kind not in operators.LEFT_JOINS:
        yield finding(stage, operators.RIGHT_JOIN)
    elif kind == "innerunique":
        yield finding(stage, operators.INNERUNIQUE, warning=True)
    for name in side.watched:
        if left.columns.has(name) is False and right.columns.has(name) is not False:
            yield from _from_the_right(stage, kind, right, name)


def _of_the_left(side: Side, left: Flow, right: Flow) -> Iterator[Finding]:
    """Keep what was met on the left, but for a cursor that only the right side has."""
    here = [n for n in side.watched if left.columns.has(n) is not False or not right.columns.has(n)]
    for met in left.findings:
        if met.fatal or met.cursor or len(here) == len(side.watched):
            yield met
        else:
            yield from (replace(met, cursor=name) for name in here)


def _from_the_right(stage: Stage, kind: str, right: Flow, cursor: str) -> Iterator[Finding]:
    """Say what holds where only the right side has the cursor."""
    yield from (replace(met, cursor=cursor) for met in right.findings)
    if kind == "leftouter":
        yield replace(finding(stage, operators.NULL_CURSOR), cursor=cursor)


def _without_options(query: Query, span: Span) -> tuple[Span, list[str]]:
    """Return what follows `kind=outer` and its like, and the column that `withsource` makes."""
    start, new = span.start, list[str]()
    while (end := _option_end(query, start)) is not None:
        if query.name_at(start) == "withsource":
            new.append(query.name_at(end - 1))
        start = end
    return Span(min(start, span.end), span.end), new


def _option_end(query: Query, start: int) -> int | None:
    """Return where the option ends that starts here, if one does: `hint.strategy = x`."""
    equals = start + (3 if query.is_sign(start + 1, ".") else 1)
    return equals + 2 if query.is_sign(equals, "=") else None
