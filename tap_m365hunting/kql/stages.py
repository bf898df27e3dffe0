"""Effect of each operator on the columns.

Pure. Row limits and aggregations are here as well: a query is bounded only if the cursor survives.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from tap_m365hunting.kql.columns import COMPUTED, PLAIN, Columns, Origin
from tap_m365hunting.kql.entries import items
from tap_m365hunting.kql.expressions import (
    declared,
    groups,
    made,
    mentioned,
    parts,
    patterns,
)
from tap_m365hunting.kql.query import Query, TokenSpan

_NAMING: Final = frozenset({"extend", "project", "project-rename", "serialize"})
_EXPANDING: Final = frozenset({"mv-apply", "mv-expand", "mvapply", "mvexpand"})
_EXPAND_OPTIONS: Final = frozenset({"bagexpansion", "kind", "with_itemindex"})


class Stage(Struct, frozen=True):
    """An operator of a pipeline: name, token of the name, and the tokens behind."""

    operator: str
    index: int
    rest: TokenSpan


class Step(Struct, frozen=True):
    """A stage about to change columns. `watched` are possible cursors."""

    query: Query
    rest: TokenSpan
    columns: Columns
    watched: frozenset[str]


def stage_at(query: Query, span: TokenSpan) -> Stage:
    """Read the operator at the start of a stage, `mv-expand` and the like as one name.

    Hints about execution are left out.
    """
    end = span.start + 1
    while end < span.end and _continues(query, end):
        end += 1
    text = "".join(token.text for token in query.tokens[span.start : end])
    while query.name_at(end) == "hint" and query.is_sign(end + 3, "="):
        end += 5
    return Stage(text, span.start, TokenSpan(min(end, span.end), span.end))


def keyword(query: Query, span: TokenSpan, word: str) -> int:
    """Return the position of a word outside brackets, the span's end if absent."""
    found = (i for i in query.top_level(span) if query.name_at(i) == word)
    return next(found, span.end)


def option(query: Query, span: TokenSpan, name: str) -> str:
    """Return the value of an option such as `kind=inner`, empty if not given."""
    index = keyword(query, span, name)
    return query.name_at(index + 2) if query.is_sign(index + 1, "=") else ""


def columns_after(stage: Stage, step: Step) -> Columns:
    """Return the columns behind the operator; unknown operators leave the columns unchanged."""
    return _EFFECTS.get(stage.operator, _same)(step)


def groups_of(stage: Stage, query: Query, columns: Columns) -> Iterator[Origin]:
    """Yield the origin of each value rows are grouped by."""
    if stage.operator == "summarize":
        by = keyword(query, stage.rest, "by")
        yield from groups(query, TokenSpan(by + 1, stage.rest.end), columns)
    elif stage.operator == "distinct":
        yield from groups(query, stage.rest, columns)


def row_values(stage: Stage, query: Query) -> TokenSpan:
    """Return the expressions over whole rows; the query inside `mv-apply` sees parts of a row."""
    if stage.operator in _EXPANDING:
        return TokenSpan(stage.rest.start, keyword(query, stage.rest, "on"))
    return stage.rest


def parts_of(stage: Stage, query: Query) -> Mapping[str, frozenset[str]]:
    """Return, for each column named by the operator, the columns used in the expression."""
    if stage.operator in _EXPANDING:
        return parts(query, _expanded(query, stage.rest))
    replacing = stage.operator in ("extend", "project-rename")
    return parts(query, stage.rest, replacing=replacing) if stage.operator in _NAMING else {}


def _continues(query: Query, index: int) -> bool:
    """Whether the token goes on with an operator's name: names and hyphens without space."""
    if query.tokens[index - 1].end != query.tokens[index].start:
        return False
    return query.is_sign(index, "-") != query.is_sign(index - 1, "-")


def _same(step: Step) -> Columns:
    return step.columns


def _unsure(step: Step) -> Columns:
    return step.columns.unsure()


def _extend(step: Step) -> Columns:
    new = made(step.query, step.rest, step.columns, replacing=True)
    return step.columns.plus(new.known, new.maybe)


def _serialize(step: Step) -> Columns:
    used = (n for item in items(step.query, step.rest) for n in mentioned(step.query, item.value))
    there = step.columns.plus(dict.fromkeys(used, PLAIN))
    new = made(step.query, step.rest, step.columns, taken=there)
    return step.columns.plus(new.known, new.maybe)


def _project(step: Step) -> Columns:
    new = made(step.query, step.rest, step.columns)
    return step.columns.only(new.known, new.maybe)


def _distinct(step: Step) -> Columns:
    everything = step.query.is_sign(step.rest.start, "*")
    return step.columns if everything else _project(step)


def _summarize(step: Step) -> Columns:
    by = keyword(step.query, step.rest, "by")
    grouped = made(step.query, TokenSpan(by + 1, step.rest.end), step.columns)
    of_groups = TokenSpan(step.rest.start, by)
    values = made(step.query, of_groups, step.columns, taken=grouped.known)
    # A value computed over a group of rows is not rounded, whatever the arguments.
    computed = {name: origin and COMPUTED for name, origin in values.known.items()}
    known = {**computed, **grouped.known}
    if values.star:
        return step.columns.plus(known)
    return step.columns.only(known, grouped.maybe)


def _make_series(step: Step) -> Columns:
    # The column after `on` is there, but as an array of times: no cursor.
    by = keyword(step.query, step.rest, "by")
    grouped = made(step.query, TokenSpan(by + 1, step.rest.end), step.columns)
    return step.columns.only(grouped.known, grouped.maybe)


def _away(step: Step) -> Columns:
    gone = _matches(step)
    return step.columns.plus(dict.fromkeys(gone))


def _keep(step: Step) -> Columns:
    kept, exact = _matches(step), _exact(step)
    sure = {name for name in kept if name in step.columns or name in exact}
    known = {name: step.columns.origin(name) for name in sure}
    return step.columns.only(known, {n for n in kept if step.columns.has(n) is None})


def _exact(step: Step) -> set[str]:
    return {name for name in patterns(step.query, step.rest) if "*" not in name}


def _matches(step: Step) -> set[str]:
    found = set[str]()
    for pattern in patterns(step.query, step.rest):
        found |= step.columns.matching(pattern, step.watched)
    return found | _exact(step)


def _rename(step: Step) -> Columns:
    columns = step.columns
    for item in items(step.query, step.rest):
        new = dict.fromkeys(item.names, PLAIN)
        for old in mentioned(step.query, item.value):
            new = dict.fromkeys(item.names, columns.origin(old))
            columns = columns.plus({old: None})
        columns = columns.plus(new)
    return columns


def _expanded(query: Query, span: TokenSpan) -> TokenSpan:
    """Return the expanded columns, without options before them and a query behind."""
    start = span.start
    while query.name_at(start) in _EXPAND_OPTIONS and query.is_sign(start + 1, "="):
        start += 3
    return TokenSpan(start, keyword(query, span, "on"))


def _expand(step: Step) -> Columns:
    on = keyword(step.query, step.rest, "on")
    names: list[str] = []
    for item in items(step.query, _expanded(step.query, step.rest)):
        names += [*item.names, *list(mentioned(step.query, item.value))[:1]]
    inner = range(on, step.rest.end)
    assigned = {step.query.name_at(i - 1) for i in inner if step.query.is_sign(i, "=")}
    return step.columns.plus(dict.fromkeys(names, COMPUTED), assigned)


def _parse(step: Step) -> Columns:
    pattern = TokenSpan(keyword(step.query, step.rest, "with") + 1, step.rest.end)
    return step.columns.plus(dict.fromkeys(declared(step.query, pattern), COMPUTED))


def _parse_kv(step: Step) -> Columns:
    keys = TokenSpan(keyword(step.query, step.rest, "as") + 1, step.rest.end)
    return step.columns.plus(dict.fromkeys(declared(step.query, keys), COMPUTED))


def _only_of(step: Step) -> Columns:
    column = keyword(step.query, step.rest, "of") + 1
    return step.columns.only(dict.fromkeys([step.query.name_at(column)], PLAIN))


def _nested(step: Step) -> Columns:
    return step.columns.only({}, mentioned(step.query, step.rest))


def _fixed(*names: str) -> Callable[[Step], Columns]:
    return lambda step: step.columns.only(dict.fromkeys(names, PLAIN))


_EFFECTS: Final[Mapping[str, Callable[[Step], Columns]]] = {
    "count": _fixed("Count"),
    "distinct": _distinct,
    "extend": _extend,
    "getschema": _fixed("ColumnName", "ColumnOrdinal", "ColumnType", "DataType"),
    "make-series": _make_series,
    "mv-apply": _expand,
    "mv-expand": _expand,
    "mvapply": _expand,
    "mvexpand": _expand,
    "parse": _parse,
    "parse-kv": _parse_kv,
    "parse-where": _parse,
    "partition": _unsure,
    "project": _project,
    "project-away": _away,
    "project-keep": _keep,
    "project-rename": _rename,
    "reduce": _fixed("Count", "Pattern", "Representative"),
    "sample-distinct": _only_of,
    "serialize": _serialize,
    "summarize": _summarize,
    "top-hitters": _only_of,
    "top-nested": _nested,
}
