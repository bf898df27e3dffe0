"""Operators that bring in other rows: `union`, `join`, `lookup`.

Pure. Theory, by one query:

    EmailEvents
    | join kind=inner (UrlClickEvents | top 5 by Timestamp) on NetworkMessageId

Windows bound a column of the result. `Timestamp` is a name on both sides, so the left side's keeps
the name and the right side's becomes `Timestamp1`. Found: the `top` of the right side, as a
`SideFindings`. With the cursor `Timestamp` the finding is silent, with `Timestamp1` the query is
refused.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.columns import PLAIN, Columns
from tap_m365hunting.kql.flow_types import (
    MOST_SIDES,
    Finding,
    Flow,
    SideFindings,
    finding,
    lacking,
)
from tap_m365hunting.kql.query import Query, TokenSpan
from tap_m365hunting.kql.stages import Stage, keyword, option
from tap_m365hunting.kql.verdict import WHOLE


class JoinContext(Struct, frozen=True):
    """Means to follow other rows: `watched` are possible cursors.

    `rows` follows an expression, `branches` one operand of `union`, possibly several tables.
    """

    query: Query
    watched: frozenset[str]
    rows: Callable[[TokenSpan], Flow]
    branches: Callable[[TokenSpan], Iterator[Flow]]


def union(side: JoinContext, stage: Stage, flow: Flow | None = None) -> Flow:
    """Return the rows of all branches, the flow before the operator among them."""
    rest, new = _without_options(side.query, stage.rest)
    branches = [b for piece in side.query.split(rest, ",") for b in side.branches(piece)]
    flows = [flow, *branches] if flow else branches
    columns = reduce(Columns.union, (branch.columns for branch in flows))
    whole = Flow(columns.plus(dict.fromkeys(new, PLAIN))).met(f for b in flows for f in b.findings)
    whole = whole.beside(a for b in flows for a in b.sides)
    whole = whole.grouped(group for branch in flows for group in branch.groups)
    whole = _timed(whole, flows)
    if all(branch.identity == WHOLE for branch in flows):
        whole = replace(whole, identity=WHOLE)
    return whole.met(_about_branches(side, stage, columns, flows))


def _timed(whole: Flow, flows: Sequence[Flow]) -> Flow:
    """Return the rows with what is true of the time in every branch."""
    left_out = [branch.left_out for branch in flows if branch.left_out]
    return replace(
        whole,
        timed=all(branch.timed for branch in flows),
        left_out=left_out[0] if len(left_out) == len(flows) else None,
    )


def _about_branches(
    side: JoinContext, stage: Stage, columns: Columns, flows: Sequence[Flow]
) -> Iterator[Finding]:
    """Yield findings about branches without a cursor, or perhaps with another one."""
    for name in side.watched:
        there = {branch.columns.has(name) for branch in flows}
        if False in there and columns.has(name) is not False:
            yield lacking(stage, operators.BRANCH_WITHOUT_CURSOR, name)
        elif None in there and name in operators.CURSORS:
            for other in set(operators.CURSORS) - {name}:
                yield lacking(stage, operators.TWO_CURSORS, name, beside=other)


def join(side: JoinContext, stage: Stage, flow: Flow) -> Flow:
    """Return the rows of a `join` or `lookup`."""
    rest, _ = _without_options(side.query, stage.rest)
    right = side.rows(TokenSpan(rest.start, keyword(side.query, rest, "on")))
    default = "leftouter" if stage.operator == "lookup" else "innerunique"
    kind = option(side.query, stage.rest, "kind") or default
    if kind in operators.LEFT_ONLY_JOINS:
        return flow
    sides = list(_sides(side, stage, kind, flow, right))
    both = Flow(flow.columns.join(right.columns)).beside([*flow.sides, *right.sides, *sides])
    both = both.grouped((*flow.groups, *right.groups))
    if len(both.sides) > MOST_SIDES:
        both = replace(both, sides=both.sides[:MOST_SIDES])
        both = both.met([finding(stage, operators.TOO_MANY_SIDES)])
    both = replace(both, timed=flow.timed, left_out=flow.left_out)
    return both.met(_of_the_left(side, flow, right)).met(_about(side, stage, kind, sides))


def _about(
    side: JoinContext, stage: Stage, kind: str, sides: Iterable[SideFindings]
) -> Iterator[Finding]:
    if kind not in operators.LEFT_JOINS:
        yield finding(stage, operators.RIGHT_JOIN)
    elif kind == "innerunique":
        yield finding(stage, operators.INNERUNIQUE, warning=True)
    for side_findings in sides:
        for name in side.watched if side_findings.of_the_right else ():
            yield from side_findings.about(name)


def _sides(
    side: JoinContext, stage: Stage, kind: str, left: Flow, right: Flow
) -> Iterator[SideFindings]:
    """Yield the findings for the columns of each side, and so for a cursor from there."""
    if len(_here(side, left, right)) < len(side.watched):
        yield SideFindings(left.findings, left.columns, right.columns, of_the_right=False)
    null = [lacking(stage, operators.NULL_CURSOR)] if kind == "leftouter" else []
    yield SideFindings((*right.findings, *null), left.columns, right.columns, of_the_right=True)


def _of_the_left(side: JoinContext, left: Flow, right: Flow) -> Iterator[Finding]:
    """Keep the findings on the left, but for a cursor only the right side has."""
    here = _here(side, left, right)
    for met in left.findings:
        if met.fatal or met.cursor or len(here) == len(side.watched):
            yield met
        else:
            yield from (replace(met, cursor=name) for name in here)


def _here(side: JoinContext, left: Flow, right: Flow) -> list[str]:
    """Return the possible cursors of the left side."""
    both = ((name, left.columns.has(name), right.columns.has(name)) for name in side.watched)
    return [name for name, here, there in both if here is not False or not there]


def _without_options(query: Query, span: TokenSpan) -> tuple[TokenSpan, list[str]]:
    """Return the operands after `kind=outer` and its like, and the column made by `withsource`."""
    start, new = span.start, list[str]()
    while (end := _option_end(query, start)) is not None:
        if query.name_at(start) == "withsource":
            new.append(query.name_at(end - 1))
        start = end
    return TokenSpan(min(start, span.end), span.end), new


def _option_end(query: Query, start: int) -> int | None:
    """Return the end of the option starting here, if there is one: `hint.strategy = x`."""
    equals = start + (3 if query.is_sign(start + 1, ".") else 1)
    return equals + 2 if query.is_sign(equals, "=") else None
