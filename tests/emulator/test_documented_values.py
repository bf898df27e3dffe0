"""Functions and operators give the values of Microsoft's documentation.

Each case names the page of the Kusto documentation (read 2026-11-29) whose value it holds, or says
`engine` where the value follows from the rule that stands on the page in words.
"""

import json

import pytest

from hunting_emulator.engine import Engine
from hunting_emulator.tables import Table

NOW = "2026-03-01T00:00:00Z"
URL = "https://www.bing.com/hello world"
NUMBERS = "dynamic([23, 46, 23, 87, 4, 8, 3, 75, 2, 56, 13, 75, 32, 16, 29])"

SCALARS = [
    ("split", "split('aaa_bbb_ccc', '_', 1)", ["bbb"]),
    ("split", "split('a__b', '_')", ["a", "", "b"]),
    ("split", "split('', '_')", [""]),
    (
        "parse_command_line",
        r"""parse_command_line("echo \"hello world!\"", "windows")""",
        ["echo", "hello world!"],
    ),
    ("parse_version", "tostring(parse_version('1.2.3.4'))", "1000000020000000300000004"),
    ("parse_version", "tostring(parse_version('0.0.3'))", "300000000"),
    ("parse_version", "tostring(parse_version('0.2'))", "20000000000000000"),
    ("parse_version", "isnull(parse_version('1.x'))", True),
    ("extract_json", """extract_json("$.name", '{"name": "John"}', typeof(string))""", "John"),
    ("extract_json", """extractjson("$.age", '{"age": 30}', typeof(int))""", 30),
    ("extract", r"extract(@'-(\d+)-', 1, '15-12-2024', typeof(int))", 12),
    ("ipv4_is_private", "ipv4_is_private('10.1.2.3')", True),
    ("ipv4_is_private", "ipv4_is_private('192.168.1.1/24')", True),
    ("ipv4_is_private", "ipv4_is_private('127.0.0.1')", False),
    ("ipv4_is_private", "isnull(ipv4_is_private('10.300.1.1'))", True),
    ("ipv4_is_private", "isnull(ipv4_is_private(''))", True),
    ("ipv4_is_private", "isnull(ipv4_is_private('2001:db8::1'))", True),
    (
        "has_any_ipv4",
        "has_any_ipv4('05:04:54 127.0.0.1 GET /favicon.ico 404', '127.0.0.1', '127.0.0.2')",
        True,
    ),
    (
        "has_any_ipv4",
        "has_any_ipv4('05:04:54 127.0.0.1 GET', dynamic(['127.0.0.2', '127.0.0.1']))",
        True,
    ),
    (
        "has_any_ipv4",
        "has_any_ipv4('05:04:54 127.0.0.256 GET', dynamic(['127.0.0.256', '192.168.1.1']))",
        False,
    ),
    ("has_any_ipv4", "has_any_ipv4('05:04:54127.0.0.1 GET', '127.0.0.1', '192.168.1.1')", False),
    ("ipv4_compare", "ipv4_compare('192.168.1.1/24', '192.168.1.255')", 0),
    ("ipv4_is_match", "ipv4_is_match('192.168.1.1', '192.168.1.255', 24)", True),
    ("ipv4_is_in_range", "ipv4_is_in_range('192.168.1.1', '192.168.1.255/24')", True),
    ("format_ipv4", "format_ipv4('192.168.1.1', 24)", "192.168.1.0"),
    ("format_ipv4_mask", "format_ipv4_mask('192.168.1.1', 24)", "192.168.1.0/24"),
    (
        "datetime_diff",
        "datetime_diff('week', datetime(2017-10-29 00:00), datetime(2017-09-30 23:59))",
        5,
    ),
    ("datetime_diff", "datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31))", 17),
    ("datetime_diff", "datetime_diff('month', datetime(2017-01-01), datetime(2015-12-30))", 13),
    ("datetime_diff", "datetime_diff('quarter', datetime(2017-07-01), datetime(2017-03-30))", 2),
    ("endofday", "endofday(datetime(2017-01-01 10:10:17))", "2017-01-01T23:59:59.9999999Z"),
    ("endofday", "endofday(datetime(2017-01-01 10:10:17), -1)", "2016-12-31T23:59:59.9999999Z"),
    ("endofweek", "endofweek(datetime(2017-01-01 10:10:17))", "2017-01-07T23:59:59.9999999Z"),
    ("endofmonth", "endofmonth(datetime(2017-01-01))", "2017-01-31T23:59:59.9999999Z"),
    ("endofyear", "endofyear(datetime(2017-01-01))", "2017-12-31T23:59:59.9999999Z"),
    (
        "datetime_add",
        "datetime_add('quarter', 1, make_datetime(2017,1,1))",
        "2017-04-01T00:00:00.0000000Z",
    ),
    (
        "datetime_add",
        "datetime_add('hour', 1, datetime(2026-03-04T05:06:07.1234567Z))",
        "2026-03-04T06:06:07.1234567Z",
    ),
    ("url_encode", f"url_encode('{URL}')", "https%3a%2f%2fwww.bing.com%2fhello+world"),
    (
        "url_encode_component",
        f"url_encode_component('{URL}/')",
        "https%3a%2f%2fwww.bing.com%2fhello%20world%2f",
    ),
    ("hash", 'hash("World")', 1846988464401551951),
    ("hash", 'hash("World", 100)', 51),
    ("hash", 'hash(datetime("2015-01-01"))', 1380966698541616202),
    ("hash_many", 'hash("Hello")', 753694413698530628),
    ("base64_decode_tostring", 'base64_decode_tostring("S3VzdG8=")', "Kusto"),
    ("base64_decode_tostring", 'strlen(base64_decode_tostring("aABpAA=="))', 4),
    ("base64_decode_tostring", 'base64_decode_tostring("no base64 at all")', ""),
    ("replace_regex", r"replace_regex('Number is 1', @'is (\d+)', @'was: \1')", "Number was: 1"),
    ("replace", r"replace(@'is (\d+)', @'was: \1', 'Number is 5')", "Number was: 5"),
    ("parse_json", "parse_json('nope')", "nope"),
    ("parse_json", "tostring(todynamic('plain text'))", "plain text"),
    ("parse_json", "parse_json('{\"a\": 1}').a", 1),
    ("format_bytes", "format_bytes(10332, 1)", "10.1 KB"),
    ("format_bytes", "format_bytes(20010332)", "19 MB"),
    ("format_bytes", "format_bytes(20010332, 0, 'KB')", "19541 KB"),
    (
        "format_timespan",
        "format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss:FF')",
        "29.09:00:05:12",
    ),
    ("has_any_index", "has_any_index('this is an example', dynamic(['not', 'example']))", 1),
    ("has_any_index", "has_any_index('this is an example', dynamic([]))", -1),
    ("array_shift_left", "array_shift_left(dynamic([1,2,3,4,5]), 2)", [3, 4, 5, None, None]),
    ("array_shift_left", "array_shift_left(dynamic([1,2,3,4,5]), -2, -1)", [-1, -1, 1, 2, 3]),
    ("array_split", "array_split(dynamic([1,2,3,4,5]), dynamic([1,3]))", [[1], [2, 3], [4, 5]]),
    (
        "array_iff",
        "array_iff(dynamic([true,false,true]), dynamic([1,2,3]), dynamic([4,5,6]))",
        [1, 5, 3],
    ),
    ("set_difference", "set_difference(dynamic([1,2,3]), dynamic([1,2,3]))", []),
    (
        "bag_remove_keys",
        "bag_remove_keys(dynamic({'key1': 1, 'key2': 'a'}), dynamic(['key2']))",
        {"key1": 1},
    ),
    (
        "bag_merge",
        "bag_merge(dynamic({'A1':12, 'B1':2}), dynamic({'A2':81, 'A1':1}))",
        {"A1": 12, "B1": 2, "A2": 81},
    ),
    (
        "parse_csv",
        'parse_csv(@\'aa,"b,b,b",cc,"Escaping quotes: ""Title"""\')',
        ["aa", "b,b,b", "cc", 'Escaping quotes: "Title"'],
    ),
    ("strrep", "strrep('ABC', 2)", "ABCABC"),
    ("strrep", "strrep(123, 3, '.')", "123.123.123"),
    ("strrep", "strrep(3s, 2, ' ')", "00:00:03 00:00:03"),
    ("strrep", "strlen(strrep('ab', 1000000000))", 2048),
    ("translate", "translate('krasp', 'otsku', 'spark')", "kusto"),
    ("indexof", "indexof('abcabc', 'abc', 1)", 3),
    ("series_stats_dynamic", f"toint(series_stats_dynamic({NUMBERS}).min_idx)", 8),
    ("series_stats_dynamic", f"round(toreal(series_stats_dynamic({NUMBERS}).stdev), 6)", 28.503634),
    ("logical operators", "isnull(bool(null) and true)", True),
    ("logical operators", "bool(null) and false", False),
    ("logical operators", "bool(null) or true", True),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    """A table, so that `search` has one to look at."""
    engine = Engine(
        tables=(Table.of("T", {"Timestamp": "datetime", "Word": "string", "N": "long"}),)
    )
    engine.load("T", [{"Timestamp": "2026-02-01", "Word": "a green hat", "N": 1}])
    return engine


def answered(engine: Engine, kql: str) -> list[dict[str, object]]:
    """Return the rows by column, dynamic values read."""
    result = engine.run(kql, now=NOW)
    return [
        {
            column.name: json.loads(str(value)) if column.type == "dynamic" and value else value
            for column, value in zip(result.columns, row, strict=True)
        }
        for row in result.rows()
    ]


@pytest.mark.parametrize(
    ("expression", "value"),
    [pytest.param(text, value, id=f"{page}-{n}") for n, (page, text, value) in enumerate(SCALARS)],
)
def test_a_function_has_the_documented_value(
    engine: Engine, expression: str, value: object
) -> None:
    """As a literal, and over a row of a table, where nothing is folded beforehand."""
    assert answered(engine, f"print x = {expression}") == [{"x": value}]
    assert answered(engine, f"T | project x = {expression}") == [{"x": value}]


PATHS = [
    (r"C:\temp\file.txt", ["", "C:", r"C:\temp", "temp", "file.txt", "txt", ""]),
    (r"temp\file.txt", ["", "", "temp", "temp", "file.txt", "txt", ""]),
    (
        "file://C:/temp/file.txt:some.exe",
        ["file", "C:", "C:/temp", "temp", "file.txt", "txt", "some.exe"],
    ),
    (
        r"\\shared\users\temp\file.txt.gz",
        ["", "", r"\\shared\users\temp", "temp", "file.txt.gz", "gz", ""],
    ),
    ("/usr/lib/temp/file.txt", ["", "", "/usr/lib/temp", "temp", "file.txt", "txt", ""]),
]


@pytest.mark.parametrize(("path", "parts"), PATHS)
def test_parse_path_takes_paths_apart_as_documented(
    engine: Engine, path: str, parts: list[str]
) -> None:
    """The five rows of the page on `parse_path()`."""
    [row] = answered(engine, f"print p = parse_path(@'{path}')")

    assert isinstance(row["p"], dict)
    assert list(row["p"].values()) == parts


QUERIES = [
    (
        "parse-kv",
        (
            'print str="ThreadId:458745723, Machine:Node001, Text: The service is up, Level: Info"'
            " | parse-kv str as (Text: string, ThreadId:long, Machine: string)"
            " with (pair_delimiter=',', kv_delimiter=':') | project-away str"
        ),
        [{"Text": "The service is up", "ThreadId": 458745723, "Machine": "Node001"}],
    ),
    (
        "parse-kv",
        (
            "print str='src=10.1.1.123 dst=10.1.1.124 bytes=125 failure=\"connection aborted\"'"
            " | parse-kv str as (src:string, bytes:long, failure:string)"
            " with (pair_delimiter=' ', kv_delimiter='=', quote='\"') | project-away str"
        ),
        [{"src": "10.1.1.123", "bytes": 125, "failure": "connection aborted"}],
    ),
    (
        "bag_unpack",
        'datatable(d:dynamic)[dynamic({"Name": "John", "Age":20})] | evaluate bag_unpack(d)',
        [{"Age": 20, "Name": "John"}],
    ),
    (
        "bag_unpack",
        (
            'datatable(d:dynamic)[dynamic({"Name": "John", "Age":20})]'
            " | evaluate bag_unpack(d, 'Property_')"
        ),
        [{"Property_Age": 20, "Property_Name": "John"}],
    ),
    (
        "pivot",
        (
            'datatable(State:string, Kind:string)["AK", "Wind", "AL", "Wind", "AL", "Hail"]'
            " | evaluate pivot(State) | sort by Kind asc"
        ),
        [{"Kind": "Hail", "AK": 0, "AL": 1}, {"Kind": "Wind", "AK": 1, "AL": 1}],
    ),
    (
        "narrow",
        "print a=1, b='x' | evaluate narrow()",
        [{"Row": 0, "Column": "a", "Value": "1"}, {"Row": 0, "Column": "b", "Value": "x"}],
    ),
    (
        "mv-apply",
        (
            "datatable(k:string, v:dynamic)['a', dynamic([1,7,5]), 'b', dynamic([2])]"
            " | mv-apply v to typeof(long) on (top 2 by v desc) | sort by k asc, v desc"
        ),
        [{"k": "a", "v": 7}, {"k": "a", "v": 5}, {"k": "b", "v": 2}],
    ),
    (
        "make-series",
        (
            "datatable(t:datetime, v:real)[datetime(2017-01-01), 4, datetime(2017-01-03T03:00), 6]"
            " | make-series avg(v) default=0 on t from datetime(2017-01-01) to datetime(2017-01-04)"
            " step 1d | project avg_v, n = array_length(t)"
        ),
        [{"avg_v": [4.0, 0, 6.0], "n": 3}],
    ),
    (
        "search",
        'search "Green" | project-away Timestamp',
        [{"$table": "T", "Word": "a green hat", "N": 1}],
    ),
    (
        "make_set",
        (
            "range x from 1 to 300 step 1 | summarize s = array_length(make_set(x, 10)),"
            " l = array_length(make_list(x, 10))"
        ),
        [{"s": 10, "l": 10}],
    ),
    (
        "make_list_if",
        (
            "range x from 1 to 4 step 1 | summarize l = make_list_if(x, x > 2),"
            " s = make_set_if(x % 2, x > 3)"
        ),
        [{"l": [3, 4], "s": [0]}],
    ),
    (
        "pack_all",
        "print Source='555-1313', Target='', CharsCount=42 | project p = pack_all(true)",
        [{"p": {"Source": "555-1313", "CharsCount": 42}}],
    ),
    (
        "union",
        "union (print a=1), (print a='x') | sort by a_long asc nulls last",
        [{"a_long": 1, "a_string": ""}, {"a_long": None, "a_string": "x"}],
    ),
    (
        "user-defined functions",
        (
            "let f = (a:long, b:string='x', c:long=0) { strcat(a, b, c) };"
            " print f(c=7, a=12), f(12, c=7)"
        ),
        [{"print_0": "12x7", "print_1": "12x7"}],
    ),
    (
        "summarize",
        "range x from 1 to 3 step 1 | summarize toint(C = count()) | project C",
        [{"C": 3}],
    ),
    (
        "join",
        "let A = print k=1, v=2; A | join kind=inner A on k | join kind=inner A on k",
        [{"k": 1, "v": 2, "k1": 1, "v1": 2, "k2": 1, "v2": 2}],
    ),
    (
        "project-away",
        "let A = print k=1, v=2; A | join kind=inner A on k | project-away *1",
        [{"k": 1, "v": 2}],
    ),
]


@pytest.mark.parametrize(
    ("kql", "rows"),
    [pytest.param(text, rows, id=f"{page}-{n}") for n, (page, text, rows) in enumerate(QUERIES)],
)
def test_an_operator_has_the_documented_rows(
    engine: Engine, kql: str, rows: list[dict[str, object]]
) -> None:
    """Names of columns in their order, and values."""
    found = answered(engine, kql)

    assert found == rows
    assert [list(row) for row in found] == [list(row) for row in rows]
