"""The engine answers KQL as Kusto does; every answer here was worked out by hand."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from hunting_emulator.engine import Engine, KqlSemanticError, Result
from hunting_emulator.tables import Column, Table

NOW = "2026-01-03T00:00:00.1234567Z"
EVENTS = Table.of(
    "Events",
    {
        "Timestamp": "datetime",
        "name": "string",
        "n": "long",
        "i": "int",
        "ok": "bool",
        "r": "real",
        "id": "guid",
        "took": "timespan",
        "bag": "dynamic",
        "odd name": "string",
    },
)
OWNERS = Table.of("Owners", {"name": "string", "owner": "string"})
FIRST = {
    "Timestamp": "2026-01-01T00:00:00.0000001Z",
    "name": "Hello World-foo",
    "n": 2**60 + 1,
    "i": 5,
    "ok": True,
    "r": 1.5,
    "id": "74be27de-1e4e-49d9-b579-fe0b331d3642",
    "took": "1.02:03:04.5",
    "bag": {"k": [1, 2, {"m": "x"}], "t": "text"},
    "odd name": 'it\'s "q" \\ $ ö',
}
ROWS = (
    FIRST,
    {"Timestamp": "2026-01-01T01:30:00Z", "name": "foo", "n": -3, "ok": False, "bag": [1, "two"]},
    {"Timestamp": "2026-01-02T00:00:00.9999999Z", "name": "", "n": 7, "bag": "bare"},
    {"name": "bar"},
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Two small tables whose answers a person can work out."""
    made = Engine(tables=(EVENTS, OWNERS))
    made.load("Events", ROWS)
    owners = (("foo", "Ann"), ("foo", "Bob"), ("bar", "Cy"), ("none", "Di"))
    made.load("Owners", [{"name": name, "owner": owner} for name, owner in owners])
    return made


def run(engine: Engine, kql: str) -> Result:
    """Ask as of the tests' one time."""
    return engine.run(kql, now=NOW)


def column(result: Result) -> Iterator[object]:
    """Return the values of an answer's only column."""
    return (value for (value,) in result.rows())


def test_values_come_out_as_they_went_in(engine: Engine) -> None:
    """64-bit integers, the seventh digit, quotes and nesting survive the way through."""
    (row,) = run(engine, "Events | where n > 100").rows()

    assert row == (
        "2026-01-01T00:00:00.0000001Z",
        "Hello World-foo",
        2**60 + 1,
        5,
        True,
        1.5,
        "74be27de-1e4e-49d9-b579-fe0b331d3642",
        "1.02:03:04.5000000",
        '{"k":[1,2,{"m":"x"}],"t":"text"}',
        'it\'s "q" \\ $ ö',
    )


def test_missing_values_are_null_but_strings_are_empty(engine: Engine) -> None:
    """Kusto has no null string."""
    (row,) = run(engine, "Events | where name == 'bar'").rows()

    assert row == (None, "bar", None, None, None, None, None, None, None, "")


def test_columns_have_kustos_types(engine: Engine) -> None:
    """Types are the table's, and those of what a query computes."""
    computed = run(
        engine,
        "Events | project a = n + 1, b = strcat(name, 'x'), c = r * 2, d = now() - Timestamp,"
        " e = split(name, ' '), f = ok and true, g = toint(n), h = startofday(Timestamp)",
    )

    assert run(engine, "Events | take 0").columns == EVENTS.columns
    assert [column.type for column in computed.columns] == [
        "long",
        "string",
        "real",
        "timespan",
        "dynamic",
        "bool",
        "int",
        "datetime",
    ]


@pytest.mark.parametrize(
    ("predicate", "names"),
    [
        pytest.param("name has 'world'", {"Hello World-foo"}, id="has-ignores-case"),
        pytest.param("name has 'wor'", set(), id="has-takes-whole-terms"),
        pytest.param("name hasprefix 'wor'", {"Hello World-foo"}, id="hasprefix"),
        pytest.param("name !has 'foo'", {"", "bar"}, id="not-has"),
        pytest.param("name contains 'OO'", {"Hello World-foo", "foo"}, id="contains"),
        pytest.param("name contains_cs 'OO'", set(), id="contains_cs"),
        pytest.param("name startswith 'HELLO'", {"Hello World-foo"}, id="startswith"),
        pytest.param("name endswith 'FOO'", {"Hello World-foo", "foo"}, id="endswith"),
        pytest.param("name in ('foo', 'bar')", {"foo", "bar"}, id="in"),
        pytest.param("name in~ ('FOO','BAR')", {"foo", "bar"}, id="in-tilde"),
        pytest.param("name !in ('foo')", {"Hello World-foo", "", "bar"}, id="not-in"),
        pytest.param("name has_any ('foo','zzz')", {"Hello World-foo", "foo"}, id="has_any"),
        pytest.param("name has_all ('foo','hello')", {"Hello World-foo"}, id="has_all"),
        pytest.param("name =~ 'FOO'", {"foo"}, id="equals-tilde"),
        pytest.param("name matches regex @'^f.o$'", {"foo"}, id="regex"),
        pytest.param("isempty(name)", {""}, id="isempty"),
        pytest.param("['odd name'] == ''", {"foo", "", "bar"}, id="missing-string-is-empty"),
        pytest.param("isnull(n)", {"bar"}, id="isnull"),
        pytest.param("not(ok)", {"foo"}, id="not-of-null-is-null"),
        pytest.param("n between (-5 .. 7)", {"foo", ""}, id="between"),
        pytest.param("bag.t == 'text'", {"Hello World-foo"}, id="path"),
        pytest.param("bag.k[2].m == 'x'", {"Hello World-foo"}, id="deep-path"),
        pytest.param("bag has 'two'", {"foo"}, id="has-in-dynamic"),
        pytest.param("['odd name'] contains @'\\ $'", {"Hello World-foo"}, id="odd-name"),
        pytest.param("name == h'foo' or name == h@\"bar\"", {"foo", "bar"}, id="hidden-strings"),
        pytest.param("name == ```foo```", {"foo"}, id="multi-line-string"),
        pytest.param(r"name == 'f\u006fo'", {"foo"}, id="escaped-string"),
        pytest.param("name in ((Owners | project name))", {"foo", "bar"}, id="in-a-query"),
        pytest.param("Timestamp > ago(24h)", {""}, id="ago"),
        pytest.param("tolong(Timestamp) % 10 == 9", {""}, id="ticks"),
    ],
)
def test_predicates_hold_for_the_rows_that_kusto_would_keep(
    engine: Engine, predicate: str, names: set[str]
) -> None:
    """String operators compare terms or text, with case or without, as documented."""
    assert set(column(run(engine, f"Events | where {predicate} | project name"))) == names


@pytest.mark.parametrize(
    ("kql", "rows"),
    [
        pytest.param("Events | count", [(4,)], id="count"),
        pytest.param(
            "Events | parse name with * 'World' rest | where isnotempty(rest) | project rest",
            [("-foo",)],
            id="parse",
        ),
        pytest.param(
            "Events | parse name with a ' ' b '-' c | where c != '' | project a, b, c",
            [("Hello", "World", "foo")],
            id="parse-from-the-start",
        ),
        pytest.param(
            "Events | where ok | extend x = iff(ok, 'y', 'n'), y = case(n < 0, 1, 2)"
            " | project x, y, extract('W([a-z]+)', 1, name), substring(name, 0, 2)",
            [("y", 2, "orld", "He")],
            id="extend-and-project",
        ),
        pytest.param(
            "Events | summarize c = count(), s = sum(n), d = dcount(name) by known = isnotnull(ok)"
            " | order by known asc",
            [(False, 2, 7, 2), (True, 2, 2**60 - 2, 2)],
            id="summarize",
        ),
        pytest.param(
            "Events | where n < 10 | summarize arg_max(n, name)", [(7, "")], id="arg_max-of-column"
        ),
        pytest.param(
            "Events | where isnotnull(Timestamp) | summarize arg_max(Timestamp, *) by ok"
            " | where ok | project Timestamp, n",
            [("2026-01-01T00:00:00.0000001Z", 2**60 + 1)],
            id="arg_max-of-row",
        ),
        pytest.param(
            "Events | where bag has 'two' | mv-expand bag | project tostring(bag)",
            [("1",), ("two",)],
            id="mv-expand",
        ),
        pytest.param(
            "Events | mv-expand e = bag.k to typeof(string) | where e != '' | project e",
            [("1",), ("2",), ('{"m":"x"}',)],
            id="mv-expand-of-path",
        ),
        pytest.param(
            "Events | where ok | project tostring(parse_json('{\"a\":[1,2]}').a[1])",
            [("2",)],
            id="parse_json",
        ),
        pytest.param(
            "union Events, Owners | summarize c = count() by name | where name == 'foo'",
            [("foo", 3)],
            id="union",
        ),
        pytest.param("union O*, (Events | where ok) | count", [(5,)], id="union-wildcard"),
        pytest.param("Events | top 1 by n desc | project n", [(2**60 + 1,)], id="top"),
        pytest.param("Events | order by n asc | take 2 | project n", [(None,), (-3,)], id="order"),
        pytest.param("let a = Events | where ok; a | union a | count", [(2,)], id="let"),
        pytest.param("let f = (x:long) { x * 2 }; print f(21)", [(42,)], id="let-function"),
        pytest.param("let m = materialize(Events | where ok); m | count", [(1,)], id="materialize"),
        pytest.param("(Events | where ok) | count", [(1,)], id="source-in-brackets"),
        pytest.param("((Events) | where ok)\n| count", [(1,)], id="brackets-in-brackets"),
        pytest.param(
            "let __hunt = (\n(Events) | where ok // ; |\n);\n__hunt\n| count", [(1,)], id="wrapped"
        ),
        pytest.param("Events | count | render table", [(4,)], id="render"),
        pytest.param("Events | project-keep o*, n | take 0", [], id="project-keep"),
        pytest.param(
            "print ipv4_is_private('10.1.2.3'), ipv4_is_private('8.8.8.8')",
            [(True, False)],
            id="ip",
        ),
        pytest.param("print ipv4_is_in_range('10.1.2.3', '10.1.0.0/16')", [(True,)], id="ip-range"),
        pytest.param(
            "print unixtime_seconds_todatetime(1)", [("1970-01-01T00:00:01.0000000Z",)], id="unix"
        ),
        pytest.param(
            "Events | order by n desc | serialize rn = row_number() | where rn == 1 | project n",
            [(2**60 + 1,)],
            id="row_number",
        ),
        pytest.param(
            "range k from 1 to 2 step 1 | extend l = range(10, 1009)"
            " | mv-apply v = l to typeof(long) on (where v % 2 == k - 1"
            " | extend r = row_number() | where v != 10 + (r - 1) * 2 + k - 1) | count",
            [(0,)],
            id="row_number-in-mv-apply",
        ),
        pytest.param(
            "Events | where ok | project column_ifexists('n', 0) == n, column_ifexists('x', 'no')",
            [(True, "no")],
            id="column_ifexists",
        ),
        pytest.param(
            "Events | order by n asc | extend p = prev(n), q = next(n, 2) | where n == 7"
            " | project p, q",
            [(-3, None)],
            id="prev-and-next",
        ),
        pytest.param(
            "Events | where n < 9 | summarize s = strcat_array(make_list(n), ';'),"
            " percentiles(n, 50, 99)",
            [("-3;7", -3, 7)],
            id="scalar-over-aggregate",
        ),
        pytest.param(
            "print strcat_array(dynamic(['a', 1]), '-'), has_ipv4('from 10.0.0.5:80', '10.0.0.5')",
            [("a-1", True)],
            id="strcat_array",
        ),
        pytest.param("Events | sample 2 | count", [(2,)], id="sample"),
        pytest.param(
            "datatable(a:string, t:datetime)['x', datetime(2026-01-01T00:00:00.1234567Z)]",
            [("x", "2026-01-01T00:00:00.1234567Z")],
            id="datatable",
        ),
    ],
)
def test_operators_answer_what_kusto_would(
    engine: Engine, kql: str, rows: list[tuple[object, ...]]
) -> None:
    """The pipeline's operators, each on rows that a person can follow."""
    assert list(run(engine, kql).rows()) == rows


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        pytest.param("kind=inner", ["bar", "foo", "foo"], id="inner"),
        pytest.param(
            "kind=leftouter", ["", "Hello World-foo", "bar", "foo", "foo"], id="leftouter"
        ),
        pytest.param("kind=leftanti", ["", "Hello World-foo"], id="leftanti"),
        pytest.param("kind=leftsemi", ["bar", "foo"], id="leftsemi"),
        pytest.param("kind=rightanti", ["none"], id="rightanti"),
        pytest.param("", ["bar", "foo", "foo"], id="innerunique-by-default"),
    ],
)
def test_joins_keep_the_rows_of_their_kind(engine: Engine, kind: str, names: list[str]) -> None:
    """A kind says which side's rows stay, and whether without a match."""
    joined = run(engine, f"Events | join {kind} Owners on name | project name")

    assert sorted(str(name) for name in column(joined)) == names


def test_join_gives_the_right_sides_twin_a_number(engine: Engine) -> None:
    """A column that both sides have comes twice, the second with a 1."""
    joined = run(engine, "Events | join kind=inner Owners on name | project name, name1, owner")

    assert [column.name for column in joined.columns] == ["name", "name1", "owner"]


def test_getschema_lists_columns_as_rows(engine: Engine) -> None:
    """Tools read a table's columns this way."""
    rows = list(run(engine, "Events | getschema | project ColumnName, ColumnType").rows())

    assert rows == [(column.name, column.type) for column in EVENTS.columns]


def test_names_that_differ_only_in_case_are_two_columns() -> None:
    """DeviceProcessEvents has LogonId and LogonID, and a query may make more of the kind."""
    engine = Engine(tables=(Table.of("Twins", {"LogonId": "long", "LogonID": "long"}),))
    engine.load("Twins", [{"LogonId": 1, "LogonID": 2}])

    whole = run(engine, "Twins | where LogonID == 2 and ['LogonId'] == 1")
    made = run(engine, "Twins | extend logonid = LogonID + 1 | project logonid, LogonId, LogonID")
    packed = run(engine, "Twins | project tostring(pack_all())")
    schema = run(engine, "Twins | getschema | project ColumnName")

    assert [c.name for c in whole.columns] == ["LogonId", "LogonID"]
    assert list(whole.rows()) == [(1, 2)]
    assert [c.name for c in made.columns] == ["logonid", "LogonId", "LogonID"]
    assert list(made.rows()) == [(3, 1, 2)]
    assert list(column(packed)) == ['{"LogonId":1,"LogonID":2}']
    assert list(column(schema)) == ["LogonId", "LogonID"]


def test_tables_that_spell_a_column_differently_can_be_put_together() -> None:
    """Some tables have LogonId, some LogonID, some both; a union of them has both."""
    engine = Engine(
        tables=(
            Table.of("Both", {"LogonId": "long", "LogonID": "long"}),
            Table.of("One", {"LogonID": "long"}),
        )
    )
    engine.load("Both", [{"LogonId": 1, "LogonID": 2}])
    engine.load("One", [{"LogonID": 3}])

    together = run(engine, "union Both, One | order by LogonID asc")
    joined = run(engine, "Both | join kind=leftouter (One) on $left.LogonId == $right.LogonID")

    assert [c.name for c in together.columns] == ["LogonId", "LogonID"]
    assert list(together.rows()) == [(1, 2), (None, 3)]
    assert [c.name for c in joined.columns] == ["LogonId", "LogonID", "LogonID1"]


def test_names_are_taken_with_their_case(engine: Engine) -> None:
    """Kusto knows no column by another spelling, so neither does the emulator."""
    with pytest.raises(KqlSemanticError, match=r"'where' operator: .* named 'NAME'"):
        run(engine, "Events | where NAME == 'foo'")
    with pytest.raises(KqlSemanticError, match=r"'take' operator: .* named 'events'"):
        run(engine, "events | take 1")


def test_hash_parts_hold_each_row_once(engine: Engine) -> None:
    """More rows than the cap in one instant are read in parts by the hash of the row."""
    parts = [
        list(run(engine, f"Events | where hash(tostring(pack_all()), 3) == {part}").rows())
        for part in range(3)
    ]

    whole = list(run(engine, "Events").rows())

    assert sorted(map(repr, chain.from_iterable(parts))) == sorted(map(repr, whole))


def test_packed_rows_write_times_as_kusto_does(engine: Engine) -> None:
    """A datetime inside a dynamic has seven digits and a `Z`."""
    (packed,) = column(
        run(engine, "Events | where ok | project Timestamp, took | project pack_all()")
    )

    assert packed == '{"Timestamp":"2026-01-01T00:00:00.0000001Z","took":"1.02:03:04.5000000"}'


def test_file_profile_adds_what_is_known_of_a_file(engine: Engine) -> None:
    """The same file has the same facts on each call; no file has none."""
    kql = 'Events | invoke FileProfile("name", 100) | project name, GlobalPrevalence'

    first, second = (list(run(engine, kql).rows()) for _ in range(2))

    assert first == second
    assert {name for name, prevalence in first if prevalence is None} == {""}


def test_device_from_ip_finds_the_device_that_had_an_address() -> None:
    """Addresses stand as JSON text in DeviceNetworkInfo."""
    engine = Engine()
    engine.load(
        "DeviceNetworkInfo",
        [
            {
                "Timestamp": "2026-01-02T00:00:00Z",
                "DeviceId": "d1",
                "IPAddresses": '[{"IPAddress":"10.0.0.1"},{"IPAddress":"10.0.0.2"}]',
            }
        ],
    )

    found = run(engine, "datatable(IP:string)['10.0.0.2', '10.0.0.9'] | invoke DeviceFromIP()")

    assert [column.name for column in found.columns] == ["IP", "DeviceId"]
    assert list(found.rows()) == [("10.0.0.2", "d1")]


def test_row_cap_drops_rows_without_a_word(engine: Engine) -> None:
    """The service gives what fits and says nothing of the rest."""
    capped = engine.run("Events | order by n desc | project n", now=NOW, row_cap=2)

    assert list(column(capped)) == [2**60 + 1, 7]


def test_threads_share_an_engine(engine: Engine) -> None:
    """Calls of several threads, some with new texts, get each their own answer."""

    def asked(number: int) -> list[tuple[object, ...]]:
        return list(run(engine, f"Events | where n > -9 | summarize x = {number} + count()").rows())

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(asked, [*range(20), *range(20)]))

    assert answers == [[(number + 3,)] for number in [*range(20), *range(20)]]


def test_rows_come_in_batches(engine: Engine) -> None:
    """A large answer is never one list."""
    batches = list(run(engine, "range x from 1 to 5 step 1").batches(2))

    assert batches == [[(1,), (2,)], [(3,), (4,)], [(5,)]]


def test_altered_tables_answer_with_their_new_columns() -> None:
    """The service adds, drops and retypes columns without notice."""
    engine = Engine(tables=(Table.of("T", {"a": "string", "b": "long", "c": "string"}),))
    engine.load("T", [{"a": "x", "b": 1, "c": "2"}])
    before = run(engine, "T")

    engine.alter("T", add=[Column("d", "dynamic")], drop=["a"], retype={"c": "long"})
    after = run(engine, "T")

    assert [c.name for c in before.columns] == ["a", "b", "c"]
    assert after.columns == (Column("b", "long"), Column("c", "long"), Column("d", "dynamic"))
    assert list(after.rows()) == [(1, 2, None)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param({"nmae": "x"}, "has no column 'nmae'", id="unknown-column"),
        pytest.param({"n": "many"}, "many", id="no-integer"),
        pytest.param({"Timestamp": "soon"}, "'soon' is not a time", id="no-time"),
        pytest.param({"Timestamp": "0001-01-01"}, "1678 to 2261", id="time-out-of-range"),
        pytest.param({"took": "long"}, "'long' is not a timespan", id="no-timespan"),
        pytest.param({"id": "x"}, "Rows for Events do not fit", id="no-guid"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    engine: Engine, row: dict[str, object], message: str
) -> None:
    """A value is never guessed at."""
    with pytest.raises(ValueError, match=message):
        engine.load("Events", [row])


def test_unknown_tables_take_no_rows(engine: Engine) -> None:
    """A table is created before it is loaded."""
    with pytest.raises(ValueError, match="No table 'Nope'"):
        engine.load("Nope", [{}])
