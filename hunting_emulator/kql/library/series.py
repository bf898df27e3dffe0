"""Series: statistics over the arrays of `make-series`.

Pure. A function with several columns is a property bag here, from which the columns are taken.
"""

from typing import Final

from hunting_emulator.kql.library.form import Function, function, helper

_STATS: Final = (
    "list_transform([kusto_reals(s)], lambda l: json_object("
    "'min', list_min(l), 'min_idx', list_position(l, list_min(l)) - 1, "
    "'max', list_max(l), 'max_idx', list_position(l, list_max(l)) - 1, "
    "'avg', list_avg(l), 'stdev', coalesce(list_stddev_samp(l), 0.0), "
    "'variance', coalesce(list_var_samp(l), 0.0), 'sum', list_sum(l), 'len', len(l)))[1]"
)
_SLOPE: Final = (
    "list_transform([len(l)], lambda n: (n * list_sum(list_transform(l, lambda y, i: y * (i - 1))) "
    "- n * (n - 1) / 2.0 * list_sum(l)) "
    "/ nullif(n * ((n - 1) * n * (2 * n - 1) / 6.0) - pow(n * (n - 1) / 2.0, 2), 0))[1]"
)
_LINE: Final = (
    "list_transform([kusto_reals(s)], lambda l: list_transform([coalesce("
    f"{_SLOPE}, 0.0)], lambda k: list_transform([list_avg(l) - k * (len(l) - 1) / 2.0], lambda c: "
    "list_transform([list_transform(l, lambda y, i: c + k * (i - 1))], lambda f: json_object("
    "'rsquare', 1 - coalesce(list_var_pop(list_transform(l, lambda y, i: y - f[i])) "
    "/ nullif(list_var_pop(l), 0), 0), 'slope', k, 'variance', list_var_pop(l), "
    "'rvariance', list_var_pop(list_transform(l, lambda y, i: y - f[i])), "
    "'interception', c, 'line_fit', f))[1])[1])[1])[1]"
)
# Tukey's fences, as Kusto's page on series_outliers has it: how far outside, in spreads
_SCORES: Final = (
    "list_transform([[list_aggregate(l, 'quantile_cont', 0.1), "
    "list_aggregate(l, 'quantile_cont', 0.9)]], lambda q: list_transform(l, lambda y: "
    "CASE WHEN q[2] = q[1] THEN CASE WHEN y > q[2] THEN 10.0 WHEN y < q[1] THEN -10.0 ELSE 0.0 END "
    "WHEN y > q[2] THEN (y - q[2]) / (q[2] - q[1]) "
    "WHEN y < q[1] THEN (y - q[1]) / (q[2] - q[1]) ELSE 0.0 END))[1]"
)
_ANOMALIES: Final = (
    "list_transform([kusto_reals(s)], lambda l: list_transform([list_transform(l, "
    "lambda y: y - list_avg(l))], lambda r: list_transform([kusto_scores(r)], lambda z: "
    "json_object("
    "'ad_flag', list_transform(z, lambda v: CASE WHEN v > t THEN 1 WHEN v < -t THEN -1 ELSE "
    "0 END), "
    "'ad_score', z, 'baseline', list_transform(l, lambda y: list_avg(l))))[1])[1])[1]"
)
_DECOMPOSED: Final = (
    "list_transform([kusto_reals(s)], lambda l: json_object("
    "'baseline', list_transform(l, lambda y: list_avg(l)), "
    "'seasonal', list_transform(l, lambda y: 0.0), "
    "'trend', list_transform(l, lambda y: list_avg(l)), "
    "'residual', list_transform(l, lambda y: y - list_avg(l))))[1]"
)


def _pairwise(name: str, sign: str) -> Function:
    """Make a function that combines two series, or a series and a number, element by element."""
    element = f"kusto_reals(a)[i] {sign} kusto_reals(b)[i]"
    return function(
        name,
        ("a, b", f"to_json(list_transform(kusto_reals(a), lambda e, i: {element}))"),
    )


FUNCTIONS: Final[tuple[Function, ...]] = (
    helper("reals", "s", "list_transform(kusto_array(s), lambda e: TRY_CAST(e ->> '$' AS DOUBLE))"),
    helper("scores", "l", _SCORES),
    function("series_stats", ("s", _STATS), ("s, i", _STATS)),
    function("series_stats_dynamic", ("s", _STATS), ("s, i", _STATS)),
    function("series_fit_line", ("s", _LINE)),
    function("series_fit_line_dynamic", ("s", _LINE)),
    function(
        "series_outliers",
        *(
            (given, "to_json(kusto_scores(kusto_reals(s)))")
            for given in ("s", "s, k", "s, k, v", "s, k, v, a, b")
        ),
    ),
    function(
        "series_decompose_anomalies",
        ("s", _ANOMALIES.replace("> t ", "> 1.5 ").replace("< -t ", "< -1.5 ")),
        *(
            (f"s, t{more}", _ANOMALIES)
            for more in ("", ", o", ", o, r", ", o, r, p", ", o, r, p, m")
        ),
    ),
    function(
        "series_decompose", *((g, _DECOMPOSED) for g in ("s", "s, o", "s, o, r", "s, o, r, p"))
    ),
    function("series_sum", ("s", "coalesce(list_sum(kusto_reals(s)), 0.0)")),
    _pairwise("series_add", "+"),
    _pairwise("series_subtract", "-"),
    _pairwise("series_multiply", "*"),
    _pairwise("series_divide", "/"),
    *(
        function(
            f"series_{name}",
            (
                "a, b",
                f"to_json(list_transform(kusto_reals(a), lambda e, i: e {sign} kusto_reals(b)[i]))",
            ),
        )
        for name, sign in (
            ("greater", ">"),
            ("less", "<"),
            ("greater_equals", ">="),
            ("less_equals", "<="),
            ("equals", "="),
            ("not_equals", "<>"),
        )
    ),
    function("series_abs", ("s", "to_json(list_transform(kusto_reals(s), lambda e: abs(e)))")),
    function(
        "series_fill_const",
        (
            "s, v",
            (
                "to_json(list_transform(kusto_array(s), lambda e: "
                "CASE WHEN e ->> '$' IS NULL THEN to_json(v) ELSE e END))"
            ),
        ),
    ),
    function(
        "series_fill_forward",
        (
            "s",
            (
                "to_json(list_transform(kusto_array(s), lambda e, i: "
                "list_last(list_filter(kusto_array(s)[:i], lambda v: v ->> '$' IS NOT NULL))))"
            ),
        ),
    ),
    function(
        "series_fill_backward",
        (
            "s",
            (
                "to_json(list_transform(kusto_array(s), lambda e, i: "
                "list_first(list_filter(kusto_array(s)[i:], lambda v: v ->> '$' IS NOT NULL))))"
            ),
        ),
    ),
)

PARTS: Final = {
    "series_stats": ("min", "min_idx", "max", "max_idx", "avg", "stdev", "variance"),
    "series_fit_line": (
        "rsquare",
        "slope",
        "variance",
        "rvariance",
        "interception",
        "line_fit",
    ),
    "series_decompose_anomalies": ("ad_flag", "ad_score", "baseline"),
    "series_decompose": ("baseline", "seasonal", "trend", "residual"),
}
"""The functions that give several columns, and what their columns' names end in."""
