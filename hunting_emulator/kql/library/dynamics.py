"""Arrays and property bags: sets, shifts, slices, keys, and text as JSON or not.

Pure. `kusto_array` is the JSON elements of a dynamic array, and of nothing else.
"""

from typing import Final

from hunting_emulator.kql.library.form import Function, function, helper

_AT_MOST: Final = "least(n, 1048576)"  # documented of `range`, whose arrays are as long
_DISTINCT: Final = "kusto_once(kusto_array(a))"
_ROTATED: Final = (
    "list_transform([kusto_array(a)], lambda l: CASE WHEN len(l) = 0 THEN l ELSE "
    "list_transform(range(len(l)), lambda i: l[CAST(((i + {0}) % len(l) + len(l)) % len(l) "
    "AS BIGINT)"
    " + 1]) END)[1]"
)
_SHIFTED: Final = (
    "list_transform([kusto_array(a)], lambda l: list_transform(range(len(l)), lambda i: "
    "CASE WHEN i + {0} BETWEEN 0 AND len(l) - 1 THEN l[CAST(i + {0} AS BIGINT) + 1] "
    "ELSE {1} END))[1]"
)


def _sets(name: str, combined: str) -> Function:
    """Make a function of two sets."""
    return function(name, ("a, b", f"to_json({combined})"))


FUNCTIONS: Final[tuple[Function, ...]] = (
    # a value as text, without the care for times and truth values that `kusto_tostring` takes
    helper(
        "plain",
        "x",
        "coalesce(CASE typeof(x) WHEN 'JSON' THEN to_json(x) ->> '$' ELSE CAST(x AS VARCHAR) "
        "END, '')",
    ),
    helper("text_once", "x", "list_transform([x], lambda v: kusto_tostring(v))[1]"),
    helper("once", "l", "list_filter(l, lambda e, i: list_position(l, e) = i)"),
    helper(
        "array",
        "a",
        "coalesce(CASE WHEN json_type(to_json(a)) = 'ARRAY' THEN CAST(to_json(a) AS JSON[]) "
        "END, [])",
    ),
    # the texts of a list of things to look for, or of the one thing
    helper(
        "texts",
        "a",
        "CASE WHEN json_type(to_json(a)) = 'ARRAY' "
        "THEN list_transform(CAST(to_json(a) AS JSON[]), lambda e: e ->> '$') "
        "ELSE [kusto_plain(a)] END",
    ),
    helper(
        "dynamic",
        "x",
        "CASE typeof(x) WHEN 'VARCHAR' THEN CASE WHEN x IS NULL OR trim(CAST(x AS VARCHAR)) = '' "
        "THEN NULL WHEN json_valid(CAST(x AS VARCHAR)) THEN TRY_CAST(CAST(x AS VARCHAR) AS JSON) "
        "ELSE to_json(CAST(x AS VARCHAR)) END ELSE to_json(x) END",
    ),
    helper(
        "numbers",
        "n",
        "list_transform(regexp_extract_all(CAST(to_json(n) AS VARCHAR), "
        "'-?[0-9]+'), lambda t: CAST(t AS BIGINT))",
    ),
    helper("key_path", "k", "'$.\"' || replace(k, '\"', '\\\"') || '\"'"),
    # the path of an element: a text is a key, whatever the type of the column that holds the text
    helper(
        "place",
        "x",
        "CASE WHEN json_type(to_json(x)) = 'VARCHAR' THEN kusto_key_path(kusto_plain(x)) "
        "ELSE '$[' || CASE WHEN starts_with(CAST(x AS VARCHAR), '-') THEN '#' ELSE '' END "
        "|| CAST(x AS VARCHAR) || ']' END",
    ),
    helper("json_path", "k", "CASE WHEN starts_with(k, '$') THEN k ELSE kusto_key_path(k) END"),
    helper(
        "elements",
        "d",
        "CASE json_type(to_json(d)) WHEN 'ARRAY' THEN CAST(to_json(d) AS JSON[]) "
        "WHEN 'OBJECT' THEN list_transform(json_keys(to_json(d)), lambda k: "
        "json_object(k, json_extract(to_json(d), kusto_key_path(k)))) ELSE [to_json(d)] END",
    ),
    helper(
        "without_empty",
        "b",
        "to_json(map_from_entries(list_transform(list_filter(json_keys(b), lambda k: "
        "coalesce(json_extract_string(b, kusto_key_path(k)), '') <> ''), "
        "lambda k: {'k': k, 'v': json_extract(b, kusto_key_path(k))})))",
    ),
    function(
        "grid_time",
        (
            "x, a, s",
            (
                "make_timestamp_ns(epoch_ns(CAST(a AS TIMESTAMP_NS)) + (epoch_ns(CAST(x AS "
                "TIMESTAMP_NS))"
                " - epoch_ns(CAST(a AS TIMESTAMP_NS))) // (epoch_us(s) * 1000) * "
                "(epoch_us(s) * 1000))"
            ),
        ),
    ),
    helper(
        "grid",
        "a, b, s",
        "list_filter(generate_series(a, b, s), lambda p: p < b)",
    ),
    function("parse_json", ("x", "kusto_dynamic(x)")),
    function("todynamic", ("x", "kusto_dynamic(x)")),
    function("parsejson", ("x", "kusto_dynamic(x)")),
    function("toobject", ("x", "kusto_dynamic(x)")),
    _sets(
        "set_difference",
        f"list_filter({_DISTINCT}, lambda e: NOT list_contains(kusto_array(b), e))",
    ),
    _sets("set_intersect", f"list_filter({_DISTINCT}, lambda e: list_contains(kusto_array(b), e))"),
    _sets("set_union", "kusto_once(list_concat(kusto_array(a), kusto_array(b)))"),
    function(
        "set_equals",
        (
            "a, b",
            f"list_sort({_DISTINCT}) = list_sort(kusto_once(kusto_array(b)))",
        ),
    ),
    function(
        "jaccard_index",
        (
            "a, b",
            (
                "len(kusto_array(kusto_set_intersect(a, b)))::DOUBLE "
                "/ len(kusto_array(kusto_set_union(a, b)))"
            ),
        ),
    ),
    function("array_rotate_left", ("a, n", f"to_json({_ROTATED.format('n')})")),
    function("array_rotate_right", ("a, n", f"to_json({_ROTATED.format('(-n)')})")),
    function(
        "array_shift_left",
        ("a, n", f"to_json({_SHIFTED.format('n', 'NULL')})"),
        ("a, n, d", f"to_json({_SHIFTED.format('n', 'to_json(d)')})"),
    ),
    function(
        "array_shift_right",
        ("a, n", f"to_json({_SHIFTED.format('(-n)', 'NULL')})"),
        ("a, n, d", f"to_json({_SHIFTED.format('(-n)', 'to_json(d)')})"),
    ),
    function(
        "array_iff",
        (
            "c, t, f",
            (
                "to_json(list_transform(kusto_array(c), lambda e, i: CASE WHEN e ->> '$' = "
                "'true' THEN "
                "CASE WHEN json_type(to_json(t)) = 'ARRAY' THEN kusto_array(t)[i] ELSE "
                "to_json(t) END "
                "ELSE CASE WHEN json_type(to_json(f)) = 'ARRAY' THEN kusto_array(f)[i] "
                "ELSE to_json(f) END END))"
            ),
        ),
    ),
    function("array_iif", ("c, t, f", "kusto_array_iff(c, t, f)")),
    function(
        "array_split",
        (
            "a, n",
            (
                "to_json(list_transform([[0] || list_transform(kusto_numbers(n), lambda i: "
                "CASE WHEN i < 0 THEN greatest(i + len(kusto_array(a)), 0) ELSE i END)], lambda c: "
                "list_transform(c, lambda o, i: kusto_array(a)[o + 1 : "
                "coalesce(c[i + 1], len(kusto_array(a)))]))[1])"
            ),
        ),
    ),
    function(
        "bag_has_key",
        (
            "b, k",
            (
                "CASE WHEN json_type(to_json(b)) = 'OBJECT' THEN "
                "json_exists(to_json(b), kusto_json_path(k)) END"
            ),
        ),
    ),
    function(
        "bag_remove_keys",
        (
            "b, l",
            (
                "to_json(map_from_entries(list_transform(list_filter(json_keys(to_json(b)), "
                "lambda k: NOT list_contains(kusto_texts(l), k)), "
                "lambda k: {'k': k, 'v': json_extract(to_json(b), kusto_key_path(k))})))"
            ),
        ),
    ),
    function(
        "bag_set_key",
        (
            "b, k, v",
            "json_merge_patch(to_json(b), to_json(map_from_entries([{'k': k, 'v': to_json(v)}])))",
        ),
    ),
    function(
        "bag_zip",
        (
            "a, b",
            (
                "to_json(map_from_entries(list_transform(kusto_array(a), "
                "lambda e, i: {'k': e ->> '$', 'v': kusto_array(b)[i]})))"
            ),
        ),
    ),
    function(
        "extract_json",
        ("p, x", "coalesce(json_extract_string(TRY_CAST(kusto_plain(x) AS JSON), p), '')"),
    ),
    function("extractjson", ("p, x", "kusto_extract_json(p, x)")),
    function("repeat", ("x, n", f"to_json(list_transform(range({_AT_MOST}), lambda i: x))")),
    function(
        "range",
        ("a, b", "to_json(generate_series(a, b))"),
        ("a, b, s", "to_json(generate_series(a, b, s))"),
    ),
    function("dynamic_to_json", ("b", "CAST(to_json(b) AS VARCHAR)")),
    function("todecimal", ("x", "TRY_CAST(x AS DECIMAL(38, 10))")),
)
