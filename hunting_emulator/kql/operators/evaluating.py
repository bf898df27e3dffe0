"""Plugins of `evaluate`: `bag_unpack`, `pivot`, `narrow`, with columns that depend on the rows.

Pure, but for the translator's answers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hunting_emulator.kql import sql
from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.operators.parts import (
    column_name,
    converted,
    kql_name,
    listed,
    type_of,
)
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place, end_of_pipeline
from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    string_value,
    text_of,
    tokenize,
)
from hunting_emulator.kql.words import FUNCTIONS, KEYWORDS, OPERATORS

_MOST_KEYS: Final = 2_000
MAYBE: Final = "maybe"
NOT_COLUMNS: Final = KEYWORDS | OPERATORS | FUNCTIONS


def evaluate(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Run a plugin over the rows before it."""
    words = place.words(tokens)
    name_at = following(words, 1)
    while at(words, following(words, name_at + 1)) == "=":  # hint.distribution=… and its like
        name_at = following(words, following(words, following(words, name_at + 1) + 1) + 1)
    name = at(words, name_at)
    opening = following(words, name_at + 1)
    end = closing(words, opening)
    write = _PLUGINS.get(name)
    if write is None or end is None:
        reason = f"evaluate {name}"
        raise KqlUnsupportedError(reason)
    given = listed(words[opening + 1 : end])
    declared = _declared(text_of(words[end + 1 :]))
    source = place.source(tokens)
    asked = (
        {} if declared or name != "bag_unpack" else _asked_for(tokens, place, source, translator)
    )
    return place.replaced(
        tokens, translator.stage(write(source, given, declared or asked, translator))
    )


def _asked_for(
    tokens: Sequence[Token], place: Place, source: str, translator: PartTranslator
) -> Mapping[str, str]:
    """Return the names read by later steps and held by no column, under a mark: maybe keys."""
    behind = tokens[place.end : end_of_pipeline(tokens, place.end)]
    known = {name for name, _ in translator.columns(source)} | NOT_COLUMNS
    names = [
        token.text
        for index, token in enumerate(behind)
        if token.kind == "name"
        and token.text not in known
        and at(behind, index - 1) != "."
        and at(behind, following(behind, index + 1)) not in {"(", "="}
    ]
    return dict.fromkeys(names, MAYBE)


def _declared(text: str) -> Mapping[str, str]:
    """Read the schema behind the call: `: (a:string, b:long)`; empty where there is none."""
    _, colon, columns = text.partition(":")
    if not colon:
        return {}
    inner = listed(tokenize(columns.strip()[1:-1]))
    pairs = [part.partition(":") for part in inner if ":" in part]
    return {column_name(name): type_of(kind) for name, _, kind in pairs}


def _bag_unpack(
    source: str, given: Sequence[str], declared: Mapping[str, str], translator: PartTranslator
) -> str:
    column, prefix = column_name(given[0]), ""
    for option in given[1:]:
        prefix = string_value(option) if option[:1] in {"'", '"'} else prefix
    ignored = _ignored(given)
    others = [(name, kind) for name, kind in translator.columns(source) if name != column]
    asked = {name for name, kind in declared.items() if kind == MAYBE}
    declared = {} if asked else declared
    kinds = declared or _found_kinds(source, column, prefix, translator)
    if asked:
        kinds = {
            **dict.fromkeys((n.removeprefix(prefix) for n in sorted(asked)), "dynamic"),
            **kinds,
        }
    quoted = sql.quote(column)
    keys = {
        f"{prefix}{name}" if not declared else name: kind
        for name, kind in kinds.items()
        if name not in ignored
    }
    known = {name for name, _ in others}
    chosen = [sql.quote(name) for name, _ in others if not declared]
    for name, kind in keys.items():
        if name in known and not declared:
            continue
        key = name.removeprefix(prefix).replace('"', '\\"').replace("'", "''")
        value = f"json_extract(to_json({quoted}), '$.\"{key}\"')"
        chosen.append(f"{converted(value, kind)} AS {sql.quote(name)}")
    return f"SELECT {', '.join(chosen) or 'NULL AS nothing'} FROM ({translator.sql(source)})"  # noqa: S608


def _ignored(given: Sequence[str]) -> frozenset[str]:
    """Read the names in `ignoredProperties`, a dynamic array."""
    for option in given[1:]:
        if "dynamic" in option:
            return frozenset(
                string_value(token.text) for token in tokenize(option) if token.kind == "string"
            )
    return frozenset()


def _found_kinds(
    source: str, column: str, prefix: str, translator: PartTranslator
) -> Mapping[str, str]:
    """Look at the bags for the keys, and at the values of each key for the type."""
    del prefix
    made = translator.stage(
        "SELECT __key, string_agg(DISTINCT json_type(__value), ' ') AS __kinds FROM (SELECT "  # noqa: S608
        "unnest(json_keys(__bag)) AS __key, unnest(list_transform(json_keys(__bag), "
        "lambda k: json_extract(__bag, kusto_key_path(k)))) AS __value FROM (SELECT "
        f"CASE WHEN json_type(to_json({sql.quote(column)})) = 'OBJECT' "
        f"THEN to_json({sql.quote(column)}) END AS __bag FROM ({translator.sql(source)})) "
        "WHERE __bag IS NOT NULL) GROUP BY __key ORDER BY __key"
    )
    found = translator.rows(f"{made} | take {_MOST_KEYS}")
    return {str(key): _kind(str(kinds).split()) for key, kinds in found}


def _kind(kinds: Sequence[str]) -> str:
    """Return the type of a key, given the types of its values in JSON."""
    seen = {_JSON_KINDS.get(kind, "dynamic") for kind in kinds} - {"null"}
    if seen <= {"long", "real"} and seen:
        return "real" if "real" in seen else "long"
    return seen.pop() if len(seen) == 1 else "dynamic"


_JSON_KINDS: Final = {
    "VARCHAR": "string",
    "BIGINT": "long",
    "UBIGINT": "long",
    "DOUBLE": "real",
    "BOOLEAN": "bool",
    "NULL": "null",
}


def _pivot(
    source: str, given: Sequence[str], declared: Mapping[str, str], translator: PartTranslator
) -> str:
    column = given[0]
    aggregate = given[1] if len(given) > 1 else "count()"
    inside = {token.text for token in tokenize(aggregate) if token.kind == "name"}
    names = [name for name, _ in translator.columns(source)]
    keys = [column_name(name) for name in given[2:]] or [
        name for name in names if name != column_name(column) and name not in inside
    ]
    by = ", ".join([*(kql_name(key) for key in keys), f"__pivot = tostring({column})"])
    grouped = f"{source} | summarize __value = {aggregate} by {by}"
    found = _pivoted(grouped, declared, keys, translator)
    kind = dict(translator.columns(grouped))["__value"]
    empty = "0" if kind == "BIGINT" and aggregate.replace(" ", "").startswith("count") else "NULL"
    chosen = [sql.quote(key) for key in keys]
    for value in found:
        literal = value.replace("'", "''")
        one = f"any_value(__value) FILTER (WHERE __pivot = '{literal}')"
        chosen.append(f"coalesce({one}, CAST({empty} AS {kind})) AS {sql.quote(value)}")
    grouping = f" GROUP BY {', '.join(sql.quote(key) for key in keys)}" if keys else ""
    return f"SELECT {', '.join(chosen)} FROM ({translator.sql(grouped)}){grouping}"  # noqa: S608


def _pivoted(
    grouped: str, declared: Mapping[str, str], keys: Sequence[str], translator: PartTranslator
) -> list[str]:
    if declared:
        return [name for name in declared if name not in keys]
    rows = translator.rows(
        f"{grouped} | distinct __pivot | sort by __pivot asc | take {_MOST_KEYS}"
    )
    return [str(value) for (value,) in rows if str(value) not in {"", *keys}]


def _narrow(
    source: str, _given: Sequence[str], _declared: Mapping[str, str], translator: PartTranslator
) -> str:
    columns = [name for name, _ in translator.columns(source)]
    pairs = ", ".join(
        f"{{'c': '{name.replace(chr(39), chr(39) * 2)}', 'v': kusto_tostring({sql.quote(name)})}}"
        for name in columns
    )
    return (
        'SELECT __row - 1 AS "Row", __pair.c AS "Column", __pair.v AS "Value" FROM (SELECT __row, '  # noqa: S608
        f"unnest([{pairs}]) AS __pair FROM (SELECT row_number() OVER () AS __row, * "
        f"FROM ({translator.sql(source)})))"
    )


_PLUGINS: Final[
    Mapping[str, Callable[[str, Sequence[str], Mapping[str, str], PartTranslator], str]]
] = {
    "bag_unpack": _bag_unpack,
    "pivot": _pivot,
    "narrow": _narrow,
}
