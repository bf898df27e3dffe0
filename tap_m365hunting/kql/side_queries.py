"""Rows beside the rows of a query: right sides of joins, `in (query)`, `toscalar(query)`.

Pure. Windows bound the query's own rows. Rows beside them may come later, and then bring rows to
light in windows read long before.
"""

from collections.abc import Iterator
from typing import Final

from tap_m365hunting.kql import operators
from tap_m365hunting.kql.flow_types import Finding
from tap_m365hunting.kql.names import column_name
from tap_m365hunting.kql.query import Query, TokenSpan
from tap_m365hunting.kql.verdict import Mode

_MADE_HERE: Final = frozenset({"datatable", "print", "range"})
_WRAPPING: Final = frozenset({"materialize", "toscalar"})
_OUTER: Final = frozenset({"fullouter", "leftouter"})
_WITHOUT_MATCH: Final = frozenset({"anti", "leftanti", "leftantisemi"})


def side_queries(query: Query, mode: Mode) -> Iterator[Finding]:
    """Find the operators that bring rows to light late, each kind at its first place."""
    said = set[str]()
    for index, message in _met(query):
        if message not in said:
            said.add(message)
            operator = query.tokens[index].text
            windowed = mode is Mode.WINDOWED
            remedy = operators.LATER_WINDOWS if windowed else operators.WIDER_LOOKBACK
            yield Finding(index, operator, f"'{operator}' {message} {remedy}", warning=True)


def _met(query: Query) -> Iterator[tuple[int, str]]:
    for index in range(len(query.tokens)):
        name = query.name_at(index)
        if name in ("join", "lookup") and query.is_sign(index - 1, "|"):
            start, kind = _operand(query, index)
            if not _is_made_here(query, start):
                yield index, _of_join(kind or ("leftouter" if name == "lookup" else "inner"))
        elif name == "in" or (name == "toscalar" and query.is_sign(index + 1, "(")):
            opening = index + 1 + query.is_sign(index + 1, "~")
            if query.is_sign(opening, "(") and _is_query(query, opening):
                yield index, operators.LATE_MATCH


def _of_join(kind: str) -> str:
    if kind in _OUTER:
        return operators.LATE_COLUMNS
    return operators.LATE_REFUTATION if kind in _WITHOUT_MATCH else operators.LATE_MATCH


def _operand(query: Query, index: int) -> tuple[int, str]:
    """Return where a join's right side begins, behind the options, and its kind."""
    kind, at = "", index + 1
    while True:
        equals = at + (3 if query.is_sign(at + 1, ".") else 1)
        if not query.is_sign(equals, "="):
            return at, kind
        if query.name_at(at) == "kind":
            kind = query.name_at(equals + 1)
        at = equals + 2


def _is_query(query: Query, opening: int) -> bool:
    """Say whether brackets hold rows of a table, by a pipeline or by a name for one."""
    inner = TokenSpan(opening + 1, query.closing[opening])
    named = _value_of(query, column_name(query, inner))
    rows = _has_pipeline(query, named or inner)
    return rows and not _is_made_here(query, (named or inner).start)


def _has_pipeline(query: Query, span: TokenSpan) -> bool:
    return any(query.is_sign(index, "|") for index in range(span.start, span.end))


def _is_made_here(query: Query, start: int) -> bool:
    """Say whether rows stand in the query itself, so that they are the same in every run."""
    seen = set[int]()
    while start not in seen and start < len(query.tokens):
        seen.add(start)
        name = query.name_at(start)
        if query.is_sign(start, "("):
            start += 1
        elif name in _WRAPPING and query.is_sign(start + 1, "("):
            start += 2
        elif bound := _value_of(query, name):
            start = bound.start
        else:
            return name in _MADE_HERE
    return False


def _value_of(query: Query, name: str) -> TokenSpan | None:
    """Return the value bound to a name by a `let`, if there is one."""
    return query.lets.get(name)
