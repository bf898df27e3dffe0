"""Queries of kinds that were answered wrongly, or not at all; each kind stays right."""

import pytest

from hunting_emulator.engine import Engine, KqlUnsupportedError
from hunting_emulator.tables import Table

NOW = "2026-03-01T00:00:00Z"
SPANS = "datatable(t:timespan)[1h, 2h]"
FRACTION = "print t = datetime(2026-03-04T05:06:07.1234567Z)"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Devices and events of two of them."""
    tables = (
        Table.of(
            "Device", {"Timestamp": "datetime", "Id": "string", "Name": "string", "N": "long"}
        ),
        Table.of("Event", {"Timestamp": "datetime", "Id": "string", "File": "string"}),
    )
    made = Engine(tables=tables)
    devices = [
        {"Timestamp": f"2026-02-0{n}", "Id": str(n), "Name": f'lap-{n}.a\'s "x"', "N": n}
        for n in (1, 2, 3)
    ]
    made.load("Device", devices)
    made.load("Event", [{"Timestamp": "2026-02-05", "Id": n, "File": 'a"b.exe'} for n in "12"])
    return made


def answered(engine: Engine, kql: str) -> list[tuple[object, ...]]:
    """Return the rows."""
    return list(engine.run(kql, now=NOW).rows())


@pytest.mark.parametrize(
    ("kql", "row"),
    [
        (f"{SPANS} | summarize avg(t), sum(t), max(t)", ("01:30:00", "03:00:00", "02:00:00")),
        (f"{SPANS} | summarize avgif(t, t > 1h), sumif(t, t < 2h)", ("02:00:00", "01:00:00")),
        ("Device | summarize avg(N), sum(N), sumif(N, N > 9), avgif(N, N > 1)", (2.0, 6, 0, 2.5)),
        ("Device | summarize arg_max(N)", (3,)),
        ("Device | summarize arg_min(N), count() by Same = 1", (1, 1, 3)),
        ("Device | summarize First = arg_min(N)", (1,)),
    ],
)
def test_aggregates_of_spans_and_the_largest_alone(
    engine: Engine, kql: str, row: tuple[object, ...]
) -> None:
    """Timespans are added as numbers are, and `arg_max` may return no other column."""
    assert answered(engine, kql) == [row]


@pytest.mark.parametrize(
    ("condition", "rows"),
    [("Id == 2", 1), ("Id != 2", 2), ("Name == 2", 0), ("Name != 2", 3), ("N == 2", 1)],
)
def test_a_text_is_compared_with_a_number_as_text(
    engine: Engine, condition: str, rows: int
) -> None:
    """A text that is no number is unlike any, and no reason to fail."""
    assert answered(engine, f"Device | where {condition} | count") == [(rows,)]


@pytest.mark.parametrize(
    ("kql", "rows"),
    [
        ("Device | union isfuzzy=true Nope", 3),
        ("union isfuzzy=true Nope, Device", 3),
        ("union isfuzzy=true (Nope | where A == 1), (Device | take 1), (Nada)", 1),
        ("let A = Device; union isfuzzy=true A, Nope, (A | take 1)", 4),
    ],
)
def test_a_fuzzy_union_goes_without_the_tables_that_are_not_there(
    engine: Engine, kql: str, rows: int
) -> None:
    """Names of `let` are there."""
    assert answered(engine, f"{kql} | summarize count()") == [(rows,)]


RECENT = "(Device | where ingestion_time() > ago(90d))"


@pytest.mark.parametrize(
    "behind", ["getschema", "distinct * | getschema", "take 1 | evaluate narrow()"]
)
def test_the_time_of_ingestion_is_a_hidden_column_on_both_sides_of_a_join(
    engine: Engine, behind: str
) -> None:
    """No operator lists it."""
    found = answered(engine, f"{RECENT} | join kind=inner {RECENT} on Id | {behind}")

    assert len(found) == 8
    assert not [row for row in found if any(str(cell).startswith("__") for cell in row)]


def test_a_format_has_the_seventh_digit(engine: Engine) -> None:
    """Before, behind and between other parts of the time."""
    forms = ("fffffff", "ss.fffffff", "fffffff yy", "HH:mm:ss.fffffff [yyyy]")
    columns = ", ".join(f"c{n} = format_datetime(t, '{form}')" for n, form in enumerate(forms))

    [row] = answered(engine, f"{FRACTION} | project {columns}")

    assert row == ("1234567", "07.1234567", "1234567 26", "05:06:07.1234567 [2026]")


MANY = "range i from 1 to 200 step 1 | extend v = dynamic([5, 1, 7])"
APPLIED = [
    ("extend r = row_number()", [(1, 2), (5, 1), (7, 3)]),
    ("project v, w = 2 * v | extend r = row_number()", [(1, 2), (5, 1), (7, 3)]),
    ("where v > 1 | project-away i | extend r = row_number()", [(5, 1), (7, 2)]),
    ("sort by v asc | extend r = row_number()", [(1, 1), (5, 2), (7, 3)]),
    ("order by tolong(v) desc, i asc | extend r = row_number()", [(1, 3), (5, 2), (7, 1)]),
    ("top 2 by v desc | extend r = row_number(8)", [(5, 9), (7, 8)]),
    ("sort by v asc | extend r = prev(v)", [(1, None), (5, 1), (7, 5)]),
    ("extend r = next(v, 2)", [(1, None), (5, 7), (7, None)]),
]


@pytest.mark.parametrize(("subquery", "rows"), APPLIED)
def test_rows_within_mv_apply_are_in_the_order_of_elements_or_of_the_last_sort(
    engine: Engine, subquery: str, rows: list[tuple[object, ...]]
) -> None:
    """Beside each of many rows alike, so that an order by chance is seen."""
    kql = f"{MANY} | mv-apply v to typeof(long) on ({subquery}) | summarize n = count() by v, r"

    assert answered(engine, f"{kql} | sort by v asc, r asc") == [(*row, 200) for row in rows]


def test_an_order_within_mv_apply_that_nobody_knows_is_none(engine: Engine) -> None:
    """A summary has no order to number."""
    with pytest.raises(KqlUnsupportedError, match="numbers rows behind summarize"):
        answered(engine, f"{MANY} | mv-apply v on (summarize count() | extend r = row_number())")


@pytest.mark.parametrize(
    ("kql", "rows"),
    [
        ("Device | where Name != '\"' | count", 3),
        (
            "Device | extend x = replace_string(Name, '\"', '') | join (Event) on Id | count",
            2,
        ),
        ('let a = "x\\"y"; Device | where Name == a | join (Event) on Id | count', 0),
        ("Device | where Name has '\"x\"' | join kind=inner Event on Id | count", 2),
        ('Device | join kind=inner (Event | where File != "\\"") on Id | union Event | count', 4),
    ],
)
def test_a_quote_within_a_text_hides_no_table(engine: Engine, kql: str, rows: int) -> None:
    """Tables behind it are read."""
    assert answered(engine, kql) == [(rows,)]


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("'lap', 'zz'", True),
        ("'LAP-2.A', 'zz'", True),
        ("'la', 'ap'", False),
        ("'-2', '(', '['", True),
        ("'\"x', \"'s\"", True),
        ("'zz', 'a\\'s'", True),
        ("'zz'", False),
    ],
)
def test_terms_of_a_list_are_found_as_words(engine: Engine, terms: str, found: bool) -> None:  # noqa: FBT001
    """Whole words without regard to case; marks in a term are taken as they are."""
    kql = f"Device | where Id == '2' | project x = Name has_any ({terms})"

    assert answered(engine, kql) == [(found,)]


def test_many_terms_are_looked_for_at_once(engine: Engine) -> None:
    """A list of a thousand is planned as one of three; so many one by one are not tried."""
    terms = ", ".join(f"'t{number}'" for number in range(1_000))

    assert answered(engine, f"Device | where Name has_any ({terms}, 'lap') | count") == [(3,)]
    with pytest.raises(KqlUnsupportedError, match="more than 150 terms one by one"):
        answered(engine, f"Device | where Name has_all ({terms})")


@pytest.mark.parametrize(
    "kql",
    [
        "print iff(true, 1, 2.5)",
        "print case(true, 1, 2.0)",
        f"{FRACTION} | extend u = t + 1tick",
        f"{FRACTION} | project format_datetime(t, 'yyyy-MM-ddTHH:mm')",
        "Device | take -1",
        "Device; Event",
        "print x = 'abc' | where x matches regex '(?<=a)b'",
    ],
)
def test_a_text_that_the_service_may_refuse_is_the_emulators_own_limit(
    engine: Engine, kql: str
) -> None:
    """The parser takes each, and nobody has seen the service answer it."""
    with pytest.raises(KqlUnsupportedError):
        answered(engine, kql)


@pytest.mark.parametrize(
    ("searched", "found"),
    [
        ('"lap"', [1, 2, 3]),
        ('"LAP" and "2"', [2]),
        ('kind=case_sensitive "LAP"', []),
        ('"la"', []),
        ('"la*"', [1, 2, 3]),
        ('"*ap-3*"', [3]),
        ('"3 lap"', []),
        ('"2" or N == 3', [2, 3]),
    ],
)
def test_search_looks_for_terms_in_each_column(
    engine: Engine, searched: str, found: list[int]
) -> None:
    """A term is a whole word without regard to case, unless a star or a kind says otherwise."""
    kind, _, terms = searched.rpartition("sensitive ")
    options = f"{kind}sensitive " if kind else ""
    kql = f"search {options}in (Device) {terms} | project N | order by N asc"

    assert [row[0] for row in answered(engine, kql)] == found


def test_search_names_the_table_of_each_row(engine: Engine) -> None:
    """`$table` comes first, then the columns of the tables."""
    columns = engine.run('search in (Device) "lap"', now=NOW).columns

    assert [column.name for column in columns] == ["$table", "Timestamp", "Id", "Name", "N"]


ARRAYS = "let A = datatable(i:long, c:string, d:dynamic)["
ARRAYS += "1, 'a', dynamic(['a', 'b']), 2, 'b', dynamic([2, null]), 3, 'C', dynamic('c')];"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("c in (A | summarize make_set(c))", [1, 2, 3]),
        ("c !in (A | where i < 2 | summarize make_list(c))", [2, 3]),
        ("c in (A | where c in (A | take 1 | summarize make_set(c)) | project d)", [1, 2]),
        ("c in~ (A | project d)", [1, 2, 3]),
        ("c !in (A | project d)", [3]),
        ("i in (A | where i == 2 | project d)", [2]),
        ("c has_any (A | where i < 2 | project d)", [1, 2]),
        ("c in (A | project c, d)", [1, 2, 3]),
        ("c in (names)", [1]),
        ("c in (dynamic(['a', ['b', \"x\"]]))", [1, 2]),
        ("c in (dynamic(['a']), 'b')", [1, 2]),
        ("i in (more, 1)", [1, 2, 3]),
    ],
)
def test_the_elements_of_an_array_are_looked_for_and_not_the_array(
    engine: Engine, condition: str, found: list[int]
) -> None:
    """Documented of `in`: the first column is taken, and arrays are flattened."""
    lets = f"{ARRAYS} let names = A | take 1 | summarize make_set(c); let more = dynamic([2, [3]]);"

    assert answered(engine, f"{lets} A | where {condition} | project i") == [(i,) for i in found]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("r in (R | where n == 1 | summarize make_set(r))", [1]),
        ("r !in (R | where n == 1 | summarize make_set(r))", [0, 2]),
        ("n in (R | where n == 1 | summarize make_set(n + 0.5))", []),
        ("x in (R | where n == 1 | summarize make_set(x))", [1]),
    ],
)
def test_numbers_are_looked_for_in_an_array_to_their_last_digit(
    engine: Engine, condition: str, found: list[int]
) -> None:
    """Ids of 18 digits are one number as doubles; a fraction is no whole number."""
    ids = ", ".join(f"{n}, {639199803770000000 + n}, {n}.5" for n in range(3))
    kql = f"let R = datatable(n:long, r:long, x:real)[{ids}]; R | where {condition} | project n"

    assert answered(engine, kql) == [(n,) for n in found]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("b[c]", [1, 2]),
        ("b[tostring(c)]", [1, 2]),
        ("b[strcat(c, c)]", [11, None]),
        ("b[tostring(d[0])]", [1, None]),
        ("b['a']", [1, 1]),
        ("d[i]", ["b", None]),
        ("d[toint(i) - 1]", ["a", None]),
        ("d[-i]", ["b", 2]),
    ],
)
def test_a_place_in_a_dynamic_may_be_computed(
    engine: Engine, place: str, found: list[object]
) -> None:
    """A text is the key of a bag, a number the place in an array, from the end if negative."""
    kql = f"{ARRAYS} A | where i < 3 | extend b = dynamic({{'a': 1, 'b': 2, 'aa': 11}})"
    rows = engine.run(f"{kql} | sort by i asc | project x = tostring({place})", now=NOW).rows()

    assert [row[0] for row in rows] == ["" if value is None else str(value) for value in found]
