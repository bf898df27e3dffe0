"""The identity of a result's rows, followed from operator to operator.

Pure. A row of a table is known by all values, a row made by `summarize` by the columns after `by`,
as far as these reach the result.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from tap_m365hunting.kql.columns import Columns
from tap_m365hunting.kql.entries import items, named
from tap_m365hunting.kql.expressions import calls, groups, patterns
from tap_m365hunting.kql.names import column_name, matching
from tap_m365hunting.kql.operators import NEIGHBOURS
from tap_m365hunting.kql.query import Query, TokenSpan
from tap_m365hunting.kql.stages import Stage, keyword
from tap_m365hunting.kql.verdict import OTHER, RowIdentity

# Operators that leave each row as it is, or make of each row its own rows.
_OF_EACH_ROW: Final = frozenset({
    "assert-schema", "consume", "extend", "filter", "order", "parse", "parse-kv", "parse-where",
    "project", "project-away", "project-keep", "project-rename", "project-reorder", "search",
    "serialize", "sort", "where",
})  # fmt: skip
_EXPANDING: Final = frozenset({"mv-apply", "mv-expand", "mvapply", "mvexpand"})
# Operators that keep some rows of all that there are: of two windows they keep others than of each.
_SOME: Final = frozenset({"limit", "sample", "take", "top"})
_GROUPING: Final = frozenset({"count", "distinct", "make-series", "summarize"})


def after(stage: Stage, query: Query, before: RowIdentity, columns: Columns) -> RowIdentity:
    """Return the identity of rows behind an operator, given the columns before the operator."""
    if any(call.name in NEIGHBOURS for call in calls(query, stage.rest)):
        before = replace(before, additive=False)
    if stage.operator in _GROUPING:
        return _grouped(stage, query, before, columns)
    if before.whole:
        of_each = stage.operator in _OF_EACH_ROW | _EXPANDING
        return before if of_each else OTHER
    if before.by is None:
        return OTHER
    return _after_groups(stage, query, before, before.by)


def _after_groups(
    stage: Stage, query: Query, before: RowIdentity, by: tuple[str, ...]
) -> RowIdentity:
    if stage.operator in _SOME:
        return replace(before, additive=False)
    names = _RENAMED.get(stage.operator, _same)(query, stage.rest, by)
    if stage.operator not in _OF_EACH_ROW or not all(names.values()):
        return OTHER
    renamed = tuple(names[name] or "" for name in by)
    bins = tuple(names[name] or "" for name in before.bins)
    return replace(before, by=renamed, bins=bins)


def _grouped(stage: Stage, query: Query, before: RowIdentity, columns: Columns) -> RowIdentity:
    start = stage.rest.start
    if stage.operator in ("make-series", "summarize"):
        start = min(keyword(query, stage.rest, "by") + 1, stage.rest.end)
    if stage.operator == "count":
        start = stage.rest.end
    by, bins = list[str](), list[str]()
    for item, names in named(query, TokenSpan(start, stage.rest.end), replacing=False):
        if len(names) != 1:
            return OTHER
        by += names
        bins += [n for n in names for o in groups(query, item.value, columns) if o.bin]
    additive = before.additive and bool(bins)
    return RowIdentity(tuple(by), tuple(bins), additive=additive)


def _same(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    del query, rest
    return {name: name for name in by}


def _projected(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    """Find the columns kept unchanged, under an old name or a new name."""
    found: dict[str, str | None] = dict.fromkeys(by)
    for item in items(query, rest):
        old = column_name(query, item.value)
        if old in found:
            found[old] = item.names[0] if item.names else old
    return found


def _extended(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    new = {name for item in items(query, rest) for name in item.names}
    return {name: None if name in new else name for name in by}


def _renamed(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    return {**_same(query, rest, by), **_moved(query, rest, by)}


def _moved(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    return {old: new for old, new in _projected(query, rest, by).items() if new is not None}


def _away(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    gone = {name for pattern in patterns(query, rest) for name in matching(pattern, by)}
    return {name: None if name in gone else name for name in by}


def _kept(query: Query, rest: TokenSpan, by: tuple[str, ...]) -> dict[str, str | None]:
    kept = {name for pattern in patterns(query, rest) for name in matching(pattern, by)}
    return {name: name if name in kept else None for name in by}


_RENAMED: Final[
    Mapping[str, Callable[[Query, TokenSpan, tuple[str, ...]], dict[str, str | None]]]
] = {
    "extend": _extended,
    "parse": _extended,
    "project": _projected,
    "project-away": _away,
    "project-keep": _kept,
    "project-rename": _renamed,
    "serialize": _extended,
}
