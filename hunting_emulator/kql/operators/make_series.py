"""`make-series`, and the functions of series with several columns.

Pure, but for the translator's answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hunting_emulator.kql import sql
from hunting_emulator.kql.library.series import PARTS
from hunting_emulator.kql.operators.parts import kql_name, listed, named, path_name
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import Token, closing, following, text_of, tokenize

_WORDS: Final = ("on", "from", "to", "step", "in", "by")
_ARRAYS: Final = frozenset(
    {"ad_flag", "ad_score", "baseline", "seasonal", "trend", "residual", "line_fit"}
)
_COUNTS: Final = frozenset({"min_idx", "max_idx"})


@dataclass(frozen=True, slots=True)
class Axis:
    """The axis of a series: the column, any given bounds, and the step."""

    column: str
    start: str | None
    stop: str | None
    step: str


def make_series(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Aggregate into arrays over a grid of steps, with a default where there is no row."""
    clauses = _clauses(place.words(tokens)[3:])
    source = place.source(tokens)
    axis = _axis(clauses)
    series = [_series(text) for text in listed(tokenize(clauses[""]))]
    keys = listed(tokenize(clauses.get("by", "")))
    named_aggregates = ", ".join(f"__s{i} = {value}" for i, (_, value, _) in enumerate(series))
    kinds = dict(translator.columns(source))
    low = axis.start or f"toscalar({source} | summarize min(bin({axis.column}, {axis.step})))"
    high = axis.stop or f"toscalar({source} | summarize max({axis.column})) + {axis.step}"
    at = f"__low + bin({axis.column} - __low, {axis.step})"
    if kinds.get(axis.column, "").startswith("TIMESTAMP"):
        at = f"grid_time({axis.column}, __low, {axis.step})"
    binned = (
        f"{source} | extend __low = {low}, __high = {high}"
        f" | where {axis.column} >= __low and {axis.column} < __high | extend __at = {at}"
        f" | summarize {named_aggregates} by {', '.join([*keys, '__at'])}"
    )
    lets = text_of(tokens[: place.statement])
    bounds = f"{lets}print __low = {low}, __high = {high}, __step = {axis.step}"
    columns = [name for name, _ in translator.columns(binned)]
    by = [name for name in columns if name != "__at" and not name.startswith("__s")]
    statement = _arrays(translator, binned, bounds, by, series, axis.column)
    return place.replaced(tokens, translator.stage(statement))


def _clauses(words: Sequence[Token]) -> dict[str, str]:
    """Cut the operator at its words, outside brackets."""
    found: dict[str, list[Token]] = {"": []}
    current, depth = "", 0
    for token in words:
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "mark" else 0
        if depth == 0 and token.kind == "name" and token.text in _WORDS:
            current = token.text
            found[current] = []
        else:
            found[current].append(token)
    return {word: text_of(part).strip() for word, part in found.items()}


def _axis(clauses: dict[str, str]) -> Axis:
    if "in" in clauses:
        inside = tokenize(clauses["in"].partition("(")[2].rpartition(")")[0])
        start, stop, step = listed(inside)
        return Axis(clauses["on"], start, f"{stop} + {step}", step)
    return Axis(clauses["on"], clauses.get("from"), clauses.get("to"), clauses["step"])


def _series(text: str) -> tuple[str, str, str]:
    """Return the name, the aggregate and the default of one series."""
    body, _, default = text.partition(" default")
    name, value = named(body.strip())
    return name or _aggregate_name(value), value, default.strip().removeprefix("=").strip() or "0"


def _aggregate_name(value: str) -> str:
    function, _, inside = value.partition("(")
    word = path_name(inside.rpartition(")")[0].strip()) if inside.strip(") ") else ""
    return f"{function.strip().removeprefix('make_')}_{word or ''}"


def _arrays(
    translator: PartTranslator,
    binned: str,
    bounds: str,
    by: Sequence[str],
    series: Sequence[tuple[str, str, str]],
    axis: str,
) -> str:
    keys = "".join(f"{sql.quote(name)}, " for name in by)
    lists = ", ".join(
        f"to_json(list_transform(_g.grid, lambda p: coalesce(list_extract(_v.v{i}, "
        f"list_position(_v.at, p)), {default}))) AS {sql.quote(name)}"
        for i, (name, _, default) in enumerate(series)
    )
    values = ", ".join(f"list(__s{i} ORDER BY __at) AS v{i}" for i in range(len(series)))
    grouping = f" GROUP BY {keys[:-2]}" if keys else ""
    chosen = "".join(f"_v.{sql.quote(name)}, " for name in by)
    return (
        f"SELECT {chosen}{lists}, to_json(list_transform(_g.grid, lambda p: "  # noqa: S608
        f"CASE WHEN typeof(p) LIKE 'TIMESTAMP%' THEN to_json(kusto_tostring(p)) ELSE "
        f"to_json(p) END))"
        f" AS {sql.quote(axis)} FROM (SELECT {keys}list(__at ORDER BY __at) AS at, {values} "
        f"FROM ({translator.sql(binned)}){grouping}) AS _v, "
        "(SELECT kusto_grid(__low, __high, __step) AS grid "
        f"FROM ({translator.sql(bounds)})) AS _g"
    )


def columns_of_series(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str | None:
    """Write a function with several columns as the columns; `None` for other functions."""
    word = tokens[place.start].text
    made: list[str] = []
    found = False
    for part in listed(place.words(tokens)[1:]):
        written = _several(part)
        found = found or written is not None
        made += written or [part]
    return place.reworded(tokens, f"{word} {', '.join(made)}") if found else None


def _several(part: str) -> list[str] | None:
    tokens = tokenize(part)
    names: list[str] = []
    first = following(tokens, 0)
    if tokens[first].text == "(":
        end = closing(tokens, first) or first
        names = listed(tokens[first + 1 : end])
        tokens = tokens[following(tokens, following(tokens, end + 1) + 1) :]
        first = 0
    function = tokens[first].text
    if function not in PARTS:
        return None
    call = text_of(tokens[first:]).strip()
    inside = listed(tokenize(call.partition("(")[2].rpartition(")")[0]))
    stem = f"{function}_{path_name(inside[0]) or ''}"
    endings = PARTS[function]
    names = names or [f"{stem}_{ending}" for ending in endings]
    return [
        f"{kql_name(name.strip())} = {_taken(call, ending)}"
        for name, ending in zip(names, endings, strict=False)
    ]


def _taken(call: str, ending: str) -> str:
    value = f"{call}.{ending}"
    if ending in _ARRAYS:
        return value
    return f"tolong({value})" if ending in _COUNTS else f"toreal({value})"
