"""Text: command lines, paths, versions, browsers, lists with commas, sizes, code points.

Pure. The shapes of the results are as on Microsoft's pages on the functions.
"""

from typing import Final

from hunting_emulator.kql.library.form import Function, function, helper

_WORD: Final = r'(?:\\"|[^\s"]|"(?:\\"|[^"])*"?)+'
_ENCODED: Final = (
    "regexp_replace(array_to_string(list_transform(str_split(x, '%'), "
    "lambda p, i: CASE WHEN i = 1 THEN p ELSE lower(left(p, 2)) || substr(p, 3) END), '%')"
)
_UNITS: Final = ("Bytes", "KB", "MB", "GB", "TB", "PB")
_UNIT: Final = (
    "CASE "
    + " ".join(f"WHEN abs(x) < {1024 ** (power + 1)} THEN {power}" for power in range(5))
    + " ELSE 5 END"
)
_NAMES: Final = ", ".join(f"'{unit}'" for unit in _UNITS)
_NAMED_POWER: Final = f"(list_position([{_NAMES}], u) - 1)"


def _bytes(power: str, digits: str, unit: str) -> str:
    """Write a number of bytes in a unit, without zeros behind the point."""
    number = f"round(x / pow(1024, {power}), CAST({digits} AS INTEGER))"
    text = f"CAST(CAST({number} AS DECIMAL(38, 6)) AS VARCHAR)"
    return f"rtrim(rtrim({text}, '0'), '.') || ' ' || {unit}"


_AT_MOST: Final = "least(n, 1024)"  # documented
_PATH: Final = r"^(?:([A-Za-z][A-Za-z0-9+.-]+)://)?(.*)$"
_DRIVE: Final = "regexp_extract(p, '^/?([A-Za-z]:)', 1)"
_FILE: Final = r"regexp_extract(p, '([^\\/:]*)(?::[^\\/:]*)?$', 1)"
_STREAM: Final = r"regexp_extract(p, '[^\\/:]:([^\\/:]+)$', 1)"
_FOLDER: Final = r"regexp_replace(regexp_extract(p, '^(.*)[\\/]', 1), '^/([A-Za-z]:)', '\1')"
_PART: Final = (
    "json_object('Scheme', regexp_extract(x, '^([A-Za-z][A-Za-z0-9+.-]+)://', 1), "
    f"'RootPath', {_DRIVE}, 'DirectoryPath', {_FOLDER}, "
    rf"'DirectoryName', regexp_extract({_FOLDER}, '([^\\/:]*)$', 1), 'Filename', {_FILE}, "
    f"'Extension', regexp_extract({_FILE}, '[.]([^.]*)$', 1), 'AlternateDataStreamName', {_STREAM})"
)
_BROWSERS: Final = (
    ("Edge", "Edg(?:e|A|iOS)?"),
    ("Opera", "OPR"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Version"),
    ("IE", "MSIE|rv"),
)
_BROWSER: Final = " ".join(
    f"WHEN regexp_matches(x, '(?:{word})[/ :]([0-9]+)') THEN json_object('Family', '{family}', "
    f"'MajorVersion', regexp_extract(x, '(?:{word})[/ :]([0-9]+)', 1), "
    f"'MinorVersion', regexp_extract(x, '(?:{word})[/ :][0-9]+[.]([0-9]+)', 1), "
    f"'Patch', regexp_extract(x, '(?:{word})[/ :][0-9]+[.][0-9]+[.]([0-9]+)', 1))"
    for family, word in _BROWSERS
)
_SYSTEMS: Final = (
    ("Windows", "Windows NT"),
    ("Mac OS X", "Mac OS X"),
    ("Android", "Android"),
    ("iOS", "iPhone|iPad"),
    ("Linux", "Linux"),
)
_SYSTEM: Final = " ".join(
    f"WHEN regexp_matches(x, '{word}') THEN json_object('Family', '{family}', 'MajorVersion', "
    f"regexp_extract(x, '(?:{word})[ ]?([0-9]+)', 1), 'MinorVersion', "
    f"regexp_extract(x, '(?:{word})[ ]?[0-9]+[._]([0-9]+)', 1))"
    for family, word in _SYSTEMS
)
_DEVICE: Final = (
    "json_object('Family', CASE WHEN regexp_matches(x, 'iPhone') THEN 'iPhone' "
    "WHEN regexp_matches(x, 'iPad') THEN 'iPad' WHEN regexp_matches(x, 'Macintosh') THEN 'Mac' "
    "ELSE 'Other' END)"
)
_VERSION: Final = "CAST(coalesce(nullif(split_part(x, '.', {0}), ''), '0') AS DECIMAL(38, 0))"
_WEIGHTS: Final = (10**24, 10**16, 10**8, 1)
_RECORD: Final = r'^(?:"(?:[^"]|"")*"|[^\n\r])*'
_FIELD: Final = r'("(?:[^"]|"")*"|[^,\n\r]*)[,\n\r]'
_SPAN_PARTS: Final = (
    ("ddd", "lpad(CAST(us // 86400000000 AS VARCHAR), 3, '0')"),
    ("dd", "lpad(CAST(us // 86400000000 AS VARCHAR), 2, '0')"),
    ("d", "CAST(us // 86400000000 AS VARCHAR)"),
    ("HH", "lpad(CAST(us // 3600000000 % 24 AS VARCHAR), 2, '0')"),
    ("hh", "lpad(CAST(us // 3600000000 % 24 AS VARCHAR), 2, '0')"),
    ("H", "CAST(us // 3600000000 % 24 AS VARCHAR)"),
    ("h", "CAST(us // 3600000000 % 24 AS VARCHAR)"),
    ("mm", "lpad(CAST(us // 60000000 % 60 AS VARCHAR), 2, '0')"),
    ("m", "CAST(us // 60000000 % 60 AS VARCHAR)"),
    ("ss", "lpad(CAST(us // 1000000 % 60 AS VARCHAR), 2, '0')"),
    ("s", "CAST(us // 1000000 % 60 AS VARCHAR)"),
)


def _span_format() -> str:
    """Write each part of a span in the place of its letters; fractions first, longest first."""
    text = "f"
    fraction = "lpad(CAST(us % 1000000 AS VARCHAR), 6, '0') || '0'"
    for digits in range(7, 0, -1):
        for letter in "fF":
            text = f"replace({text}, '{letter * digits}', left({fraction}, {digits}))"
    for letters, value in _SPAN_PARTS:
        text = f"replace({text}, '{letters}', {value})"
    return text


FUNCTIONS: Final[tuple[Function, ...]] = (
    function(
        "split_at",
        ("x, d, n", "to_json(list_slice(str_split(kusto_plain(x), d), n + 1, n + 1))"),
    ),
    function(
        "parse_command_line",
        (
            "x, s",
            (
                f"to_json(list_transform(regexp_extract_all(kusto_plain(x), '{_WORD}'), lambda w: "
                "replace(replace(replace(w, '\\\"', chr(1)), '\"', ''), chr(1), '\"')))"
            ),
        ),
    ),
    helper("path_parts", "x, p", _PART),
    function(
        "parse_path",
        (
            "x",
            (
                "kusto_path_parts(kusto_plain(x), "
                "regexp_replace(kusto_plain(x), '^[A-Za-z][A-Za-z0-9+.-]+://', ''))"
            ),
        ),
    ),
    helper(
        "version",
        "x",
        "CASE WHEN regexp_matches(x, '^[0-9]{1,8}([.][0-9]{1,8}){0,3}$') THEN "
        + " + ".join(f"{_VERSION.format(i + 1)} * {w}" for i, w in enumerate(_WEIGHTS))
        + " END",
    ),
    function("parse_version", ("x", "kusto_version(trim(kusto_plain(x)))")),
    helper(
        "agent",
        "x, k",
        (
            f"json_object('Browser', CASE {_BROWSER} ELSE json_object('Family', 'Other') END, "
            f"'OperatingSystem', CASE {_SYSTEM} ELSE json_object('Family', 'Other') END, "
            f"'Device', {_DEVICE})"
        ),
    ),
    function(
        "parse_user_agent",
        (
            "x, l",
            (
                "list_transform([kusto_agent(kusto_plain(x), 0)], lambda a: "
                "to_json(map_from_entries("
                "list_transform(list_filter([['browser', 'Browser'], ['os', 'OperatingSystem'], "
                "['device', 'Device']], lambda k: list_contains(kusto_texts(l), k[1])), "
                "lambda k: {'k': k[2], 'v': json_extract(a, '$.' || k[2])}))))[1]"
            ),
        ),
    ),
    function(
        "parse_csv",
        (
            "x",
            (
                f"to_json(list_transform(list_slice(regexp_extract_all(regexp_extract("
                f"kusto_plain(x), '{_RECORD}') || ',', '{_FIELD}', 1)"
                ", 1, -1), lambda f: CASE WHEN starts_with(f, '\"') "
                "THEN replace(f[2:-2], '\"\"', '\"') ELSE f END))"
            ),
        ),
    ),
    function(
        "parse_urlquery",
        (
            "x",
            (
                "json_object('Query Parameters', to_json(map_from_entries(list_transform("
                "list_filter(str_split(kusto_plain(x), '&'), lambda p: p <> ''), lambda p: "
                "{'k': url_decode(split_part(p, '=', 1)), "
                "'v': url_decode(substr(p, length(split_part(p, '=', 1)) + 2))}))))"
            ),
        ),
    ),
    function(
        "format_bytes",
        ("x", _bytes(f"({_UNIT})", "0", f"[{_NAMES}][{_UNIT} + 1]")),
        ("x, d", _bytes(f"({_UNIT})", "d", f"[{_NAMES}][{_UNIT} + 1]")),
        ("x, d, u", _bytes(_NAMED_POWER, "d", "u")),
    ),
    helper("span_text", "us, f", _span_format()),
    function("format_timespan", ("x, f", "kusto_span_text(abs(epoch_us(x)), f)")),
    function(
        "url_encode_component",
        ("x", f"{_ENCODED}, ' ', '%20', 'g')".replace("(x,", "(url_encode(x),")),
    ),
    function(
        "url_encode", ("x", f"{_ENCODED}, '%20', '+', 'g')".replace("(x,", "(url_encode(x),"))
    ),
    function(
        "translate",
        ("f, t, x", "translate(x, f, rpad(t, CAST(length(f) AS INTEGER), right(t, 1)))"),
    ),
    function(
        "strcmp", ("a, b", "CAST(CASE WHEN a < b THEN -1 WHEN a > b THEN 1 ELSE 0 END AS INTEGER)")
    ),
    function("string_size", ("x", "octet_length(encode(kusto_plain(x)))")),
    function("regex_quote", ("x", "regexp_escape(kusto_plain(x))")),
    function("isutf8", ("x", "true")),
    function(
        "strrep",
        ("x, n", f"repeat(kusto_tostring(x), {_AT_MOST})"),
        (
            "x, n, d",
            f"array_to_string(list_transform(range({_AT_MOST}), lambda i: kusto_tostring(x)), d)",
        ),
    ),
    function(
        "unicode_codepoints_from_string",
        (
            "x",
            (
                "to_json(list_transform(regexp_extract_all(kusto_plain(x), '(?s).'), lambda c: "
                "unicode(c)))"
            ),
        ),
    ),
    function(
        "make_string",
        (
            "x",
            (
                "array_to_string(list_transform(kusto_numbers(x), lambda c: chr(CAST(c AS "
                "INTEGER))), '')"
            ),
        ),
    ),
    function("to_utf8", ("x", "kusto_unicode_codepoints_from_string(x)")),
    function("unicode_codepoints_to_string", ("x", "kusto_make_string(x)")),
    function(
        "has_any_index",
        (
            "x, l",
            (
                "coalesce(list_position(list_transform(kusto_texts(l), lambda a: regexp_matches("
                "kusto_plain(x), '(?i)(?:^|[^\\pL\\pN])' || regexp_escape(a) || "
                "'(?:$|[^\\pL\\pN])')), "
                "true), 0)::BIGINT - 1"
            ),
        ),
    ),
    function(
        "indexof_regex",
        (
            "x, r",
            (
                "CASE WHEN regexp_matches(x, r) "
                "THEN position(regexp_extract(x, r) IN x) - 1 ELSE -1 END"
            ),
        ),
    ),
    function(
        "indexof_from",
        (
            "x, a, n",
            (
                "CASE WHEN position(a IN substr(x, n + 1)) = 0 THEN -1 "
                "ELSE position(a IN substr(x, n + 1)) + n - 1 END"
            ),
        ),
    ),
    function(
        "replace_strings",
        (
            "x, l, r",
            (
                "list_reduce(range(len(kusto_texts(l))), lambda t, i: replace(t, "
                "kusto_texts(l)[i + 1], "
                "CASE WHEN len(kusto_texts(r)) = 1 THEN kusto_texts(r)[1] ELSE kusto_texts(r)[i "
                "+ 1] END), x)"
            ),
        ),
    ),
    function("hypot", ("a, b", "sqrt(pow(a, 2) + pow(b, 2))")),
    function("bitset_count_ones", ("x", "bit_count(CAST(x AS BIGINT))::BIGINT")),
    function("new_guid", ("", "uuid()")),
    function("rand", ("", "random()"), ("n", "CAST(floor(random() * n) AS BIGINT)")),
)
