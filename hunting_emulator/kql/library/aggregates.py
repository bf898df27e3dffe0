"""Aggregates unknown to the translator: the `…if` forms, old names, limits, bags, spans of time.

Pure. Each row: the name, the SQL over `{0}`, `{1}`, the number of arguments, and the beginning of
the name of a column without a given name.
"""

from dataclasses import replace
from typing import Final

from duckdb_kql.translate.functions import AGGREGATE_FUNCTIONS, AggregateSpec

from hunting_emulator.kql.library.form import Function

_LIST: Final = "coalesce(list({0}) FILTER (WHERE {0} IS NOT NULL{1}), [])"
_SET: Final = (
    "kusto_once(coalesce(flatten(list(CASE WHEN json_type(TRY_CAST({0} AS JSON)) = 'ARRAY' "
    "THEN CAST(to_json({0}) AS JSON[]) ELSE [to_json({0})] END) "
    "FILTER (WHERE {0} IS NOT NULL{1})), []))"
)
_BAG: Final = (
    "coalesce(list_reduce(list(to_json({{0}})) FILTER (WHERE {{0}} IS NOT NULL{0}), "
    "lambda a, b: json_merge_patch(b, a), '{{{{}}}}'::JSON), '{{{{}}}}'::JSON)"
)


def _listed(condition: str, limit: str) -> str:
    made = _LIST.format("{0}", condition)
    return f"to_json(list_slice({made}, 1, {limit}))" if limit else f"to_json({made})"


def _set(condition: str, limit: str) -> str:
    made = _SET.format("{0}", condition)
    return f"to_json(list_slice({made}, 1, {limit}))" if limit else f"to_json({made})"


_ROWS: Final = (
    ("make_list_most", _listed("", "{1}"), 2, "list"),
    ("make_set_most", _set("", "{1}"), 2, "set"),
    ("make_list_if", _listed(" AND {1}", ""), 2, "list"),
    ("make_set_if", _set(" AND {1}", ""), 2, "set"),
    ("make_list_if_most", _listed(" AND {1}", "{2}"), 3, "list"),
    ("make_set_if_most", _set(" AND {1}", "{2}"), 3, "set"),
    ("make_list_with_nulls", "to_json(coalesce(list({0}), []))", 1, "list"),
    ("make_bag", _BAG.format(""), 1, "bag"),
    ("make_dictionary", _BAG.format(""), 1, "bag"),
    ("make_bag_if", _BAG.format(" AND {1}"), 2, "bag"),
    ("count_distinct", "count(DISTINCT {0})", 1, "count_distinct"),
    ("count_distinctif", "count(DISTINCT {0}) FILTER (WHERE {1})", 2, "count_distinctif"),
    ("take_anyif", "any_value({0}) FILTER (WHERE {1})", 2, ""),
    ("anyif", "any_value({0}) FILTER (WHERE {1})", 2, ""),
    ("any_value", "any_value({0})", 1, "any_value"),
    ("minif", "min({0}) FILTER (WHERE {1})", 2, "minif"),
    ("maxif", "max({0}) FILTER (WHERE {1})", 2, "maxif"),
    ("stdevp", "coalesce(stddev_pop({0}), 0.0)", 1, "stdevp"),
    ("variancep", "coalesce(var_pop({0}), 0.0)", 1, "variancep"),
    ("covariance", "covar_samp({0}, {1})", 2, "covariance"),
    ("covariancep", "covar_pop({0}, {1})", 2, "covariancep"),
    ("binary_all_and", "bit_and({0})", 1, "binary_all_and"),
    ("binary_all_or", "bit_or({0})", 1, "binary_all_or"),
    ("binary_all_xor", "bit_xor({0})", 1, "binary_all_xor"),
    (
        "percentiles_array",
        (
            "to_json(quantile_disc({0}, list_transform(kusto_array({1}), "
            "lambda p: CAST(p AS DOUBLE) / 100)))"
        ),
        2,
        "percentiles",
    ),
)


_OF_SPANS: Final = {
    "sum": "kusto_sum({0})",
    "sumif": "kusto_sum(CASE WHEN {1} THEN {0} END)",
    "avg": "kusto_avg({0})",
    "avgif": "kusto_avg(CASE WHEN {1} THEN {0} END)",
}
"""The translator's aggregates that take numbers alone, by functions that take timespans, too."""

FUNCTIONS: Final[tuple[Function, ...]] = (
    Function(
        "sum",
        (
            ("x INTERVAL", "to_microseconds(CAST(coalesce(sum(epoch_us(x)), 0) AS BIGINT))"),
            ("x", "coalesce(sum(x), 0)"),
        ),
        hidden=True,
    ),
    Function(
        "avg",
        (
            ("x INTERVAL", "to_microseconds(CAST(floor(avg(epoch_us(x))) AS BIGINT))"),
            ("x", "coalesce(avg(x), CAST('NaN' AS DOUBLE))"),
        ),
        hidden=True,
    ),
)


def _spec(name: str, sql: str, arity: int, prefix: str) -> AggregateSpec:
    named = {"name_is_argument": True} if not prefix else {"name_prefix": prefix}
    return AggregateSpec(name, sql, (arity,), **named)


def register() -> None:
    """Give the translator the missing rows."""
    for name, sql, arity, prefix in _ROWS:
        AGGREGATE_FUNCTIONS[name] = _spec(name, sql, arity, prefix)
    for name, sql in _OF_SPANS.items():
        AGGREGATE_FUNCTIONS[name] = replace(AGGREGATE_FUNCTIONS[name], template=sql)
