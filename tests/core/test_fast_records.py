"""Encoded many at a time, records are what they are one by one."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.errors import FatalSyncError
from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import DEFENDER, GRAPH, Dialect
from tap_m365hunting.wire.fast_records import Block, BlockConverter
from tap_m365hunting.wire.json_text import ENCODER
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Column, Shape
from tests.core.wire import Table, full_tables, tables

Records = list[dict[str, Any]]
TENANT = {"tenant_id": "t", "tenant_name": None}


def _exact(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(text, parse_float=Decimal)


def _at_once(answer: QueryResult, shape: Shape, **options: Any) -> tuple[Records, Converter]:  # noqa: ANN401
    selected = options.pop("selected", None)
    converter = Converter(shape, answer.columns, **options)
    blocks = BlockConverter(converter, selected=selected).blocks(answer, RowIds())
    return [_exact(record) for block in blocks for record in block.records], converter


def _one_by_one(answer: QueryResult, shape: Shape, **options: Any) -> tuple[Records, Converter]:  # noqa: ANN401
    converter = Converter(shape, answer.columns, **options)
    records = [_exact(ENCODER.encode(r)) for r in converter.records(answer.rows, RowIds())]
    return records, converter


def _body(columns: dict[str, str], rows: Any) -> bytes:  # noqa: ANN401 - any JSON
    schema = [{"name": name, "type": kind} for name, kind in columns.items()]
    return json.dumps({"schema": schema, "results": rows}).encode()


shapes = st.fixed_dictionaries(
    {
        "dynamic_as": st.sampled_from(["string", "json"]),
        "column_names": st.sampled_from(["safe", "as_is"]),
        "tenant": st.sampled_from([(), ("tenant_id",), ("tenant_id", "tenant_name")]),
        "row_id": st.booleans(),
    }
)


@given(tables() | full_tables(), st.sampled_from([GRAPH, DEFENDER]), shapes)
def test_both_ways_give_the_same_records(
    table: Table, dialect: Dialect, settings: dict[str, Any]
) -> None:
    """Speed changes no value, no id, no name and no order."""
    answer = read_answer(table.graph() if dialect is GRAPH else table.defender(), dialect)
    shape = Shape.of(answer.columns, **settings)

    fast, _ = _at_once(answer, shape, tenant=TENANT)
    plain, _ = _one_by_one(answer, shape, tenant=TENANT)

    assert fast == plain
    assert [list(record) for record in fast] == [list(record) for record in plain]


ODD_CELLS: list[Any] = [
    None,
    {},
    "",
    0,
    1,
    2,
    -1,
    True,
    False,
    5.0,
    5.5,
    1e300,
    2**63,
    2**70,
    "5",
    "+5",
    ".5",
    "5.",
    "1_000",
    "\uff11\uff12",
    "0" * 450 + "1",
    "9" * 450,
    "NaN",
    "true",
    "null",
    "\ud800",
    [],
    [1, "{}"],
    {"a": 1},
    {"@odata.type": "#x"},
    '{"b":1,"a":2}',
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.0000000Z",
    "2026-01-01T00:00:00.0000000Z\n2026-01-01T00:00:00.0000000Z",
    "\u0662\u0660\u0662\u0666-01-01T00:00:00.0000000Z",
    "PT5S",
    "00000000000000000000000000000000",
    float("nan"),
    json.loads("[" * 256 + "]" * 256),
    json.loads("[" * 257 + "]" * 257),
    "[" * 257 + "]" * 257,
    json.loads('{"a":' * 300 + "1" + "}" * 300),
]
GOOD_ROW: dict[str, Any] = {
    "String": "x",
    "DateTime": "2026-01-01T00:00:00.1234567Z",
    "SByte": 1,
    "Boolean": True,
    "Int32": 5,
    "Int64": 2**60,
    "Double": 0.1,
    "SqlDecimal": "0.10",
    "Guid": "74be27de-1e4e-49d9-b579-fe0b331d3642",
    "TimeSpan": "00:00:05",
    "Object": {"a": [1]},
    "New": "x",
}


@pytest.mark.parametrize("column", [*GOOD_ROW, "int64", "Guid@odata.type", "More"])
def test_odd_cells_are_the_same_oddities_both_ways(column: str) -> None:
    """What does not fit its type is replaced, and counted, alike; so is what is missing."""
    odd = [{**GOOD_ROW, column: cell} for cell in ODD_CELLS]
    lacking = {name: cell for name, cell in GOOD_ROW.items() if name != column}
    for row in [*odd, lacking]:
        answer = read_answer(_body({name: name for name in GOOD_ROW}, [GOOD_ROW, row]), GRAPH)
        shape = Shape.of(answer.columns)

        fast, quick = _at_once(answer, shape, cursor="DateTime")
        plain, slow = _one_by_one(answer, shape, cursor="DateTime")

        assert fast == plain
        assert quick.misfits == slow.misfits


@pytest.mark.parametrize("kind", ["String", "Boolean", "Int64", "Double", "Object", "New"])
@pytest.mark.parametrize("number", ["9007199254740993.0", "1e-400", "1e400", "1.10", "1.0", "9e30"])
def test_a_cell_is_the_same_beside_a_decimal(kind: str, number: str) -> None:
    """Numbers are read with all their digits for a decimal; what else a row holds is not."""
    body = _body({"A": kind}, [{"A": "?"}]).replace(b'"?"', number.encode())
    beside = _body({"D": "Decimal", "A": kind}, [{"D": None, "A": "?"}])
    alone = read_answer(body, GRAPH)
    decimal = read_answer(beside.replace(b'"?"', number.encode()), GRAPH)

    expected, single = _at_once(alone, Shape.of(alone.columns))
    for read in (_at_once, _one_by_one):
        found, converter = read(decimal, Shape.of(decimal.columns))

        assert found == [{"D": None, **record} for record in expected]
        assert converter.misfits == single.misfits


@pytest.mark.parametrize("column", [*GOOD_ROW, "int64", "Guid@odata.type", "More"])
def test_a_number_of_thousands_of_digits_stops_no_stream(column: str) -> None:
    """Python refuses to read it, and no column has room for it."""
    rows = [GOOD_ROW, {**GOOD_ROW, column: "DIGITS"}]
    body = _body({name: name for name in GOOD_ROW}, rows).replace(b'"DIGITS"', b"9" * 5000)
    answer = read_answer(body, GRAPH)

    fast, quick = _at_once(answer, Shape.of(answer.columns))
    plain, slow = _one_by_one(answer, Shape.of(answer.columns))

    assert fast == plain
    assert len(fast) == 2
    assert quick.misfits == slow.misfits


def test_a_long_answer_comes_in_blocks() -> None:
    """Every row once, in order, with its cursor."""
    rows = [{"N": n, "T": f"2026-01-01T00:00:{n % 60:02}Z", "S": "x" * 90} for n in range(9000)]
    answer = read_answer(_body({"N": "Int64", "T": "DateTime", "S": "String"}, rows), GRAPH)
    converter = Converter(Shape.of(answer.columns), answer.columns, cursor="T")

    blocks = list(BlockConverter(converter).blocks(answer, RowIds()))

    assert len(blocks) > 2
    assert [_exact(r)["N"] for block in blocks for r in block.records] == list(range(9000))
    assert [c for block in blocks for c in block.cursors][:2] == [
        "2026-01-01T00:00:00.0000000Z",
        "2026-01-01T00:00:01.0000000Z",
    ]


@pytest.mark.parametrize(
    ("selected", "names"),
    [
        pytest.param(["A", "_row_id"], ["A", "_row_id"], id="some"),
        pytest.param(["B"], ["B"], id="one"),
        pytest.param([], [], id="none"),
        pytest.param(["tenant_id", "More"], ["tenant_id"], id="unknown-names"),
        pytest.param(["tenant_name", "B"], ["tenant_name", "B"], id="one-of-two-names"),
    ],
)
@pytest.mark.parametrize("odd", [pytest.param("x", id="plain"), pytest.param(None, id="odd")])
def test_only_what_is_selected_is_written(
    selected: list[str], names: list[str], odd: str | None
) -> None:
    """Ids hash the whole row all the same."""
    answer = read_answer(_body({"A": "Int64", "B": "String"}, [{"A": 1, "B": odd}]), GRAPH)
    shape = Shape.of(answer.columns, tenant=TENANT)

    (all_of_it,), _ = _at_once(answer, shape, tenant=TENANT)
    (record,), _ = _at_once(answer, shape, tenant=TENANT, selected=selected)

    assert record == {name: all_of_it[name] for name in names}


@given(st.lists(st.none() | st.text(max_size=1), min_size=14, max_size=18))
def test_ids_are_the_same_both_ways_however_few_columns_hold_something(cells: list[Any]) -> None:
    """Most columns of a wide table are empty in most rows."""
    columns = {f"C{at}": "Guid" if cell is None else "String" for at, cell in enumerate(cells)}
    answer = read_answer(_body(columns, [dict(zip(columns, cells, strict=True))]), GRAPH)
    shape = Shape.of(answer.columns)

    assert _at_once(answer, shape)[0] == _one_by_one(answer, shape)[0]


@pytest.mark.parametrize(
    "bag",
    [
        pytest.param({"a": ['{"b":1}', "c"]}, id="object-in-list"),
        pytest.param({"a": [' {"b":1}']}, id="behind-space"),
        pytest.param({"a": [" {}"]}, id="behind-space-and-empty"),
        pytest.param({"path": "C:\\Temp", "a": ['\t{"b":1}']}, id="behind-a-tab"),
        pytest.param({"a": {"b@odata.type": "#x", "b": [1]}}, id="annotated-deeper"),
        pytest.param({"a": [{"b": {"@odata.type": "#x"}}]}, id="annotated-in-a-list"),
        pytest.param({'a"b@odata.type': "#x", 'a"b': 1}, id="annotated-with-a-quote"),
        pytest.param({"é@odata.type": "#x", "é": 1, "@odata.count": 5}, id="other-annotations"),
        pytest.param({"mail@odata.com": 1, "é@odata.type": "#x"}, id="an-address"),
        pytest.param({"@odata.type.x": 1, "a@odata.type.x": 1, "b@odata.type\n": 1}, id="alike"),
        pytest.param({"a": 'see "b@odata.type":', "c": "@odata."}, id="only-named"),
        pytest.param(
            {key: 1 for n in range(40) for key in (f"{n}@odata.type", f"{n}")}, id="many-kinds"
        ),
        pytest.param(json.loads(300 * '{"a":' + "1" + 300 * "}"), id="too-deep"),
        pytest.param({"a": [*range(300)], "b": "{" * 300}, id="not-deep-but-long"),
    ],
)
@pytest.mark.parametrize("dynamic_as", ["string", "json"])
def test_bags_are_bare_of_annotations_both_ways(bag: Any, dynamic_as: Any) -> None:  # noqa: ANN401
    """What is done to all bags at once is what is done to each, whatever one of them holds."""
    known = {"@odata.type": "#x", "Tags@odata.type": "#y", "Tags": ["a"], "b": 1}
    rows = [{"N": n, "Bag": cell} for n, cell in enumerate([known, bag, None, known, {}, bag])]
    with read_answer(_body({"N": "Int64", "Bag": "Object"}, rows), GRAPH) as answer:
        shape = Shape.of(answer.columns, dynamic_as=dynamic_as)

        found, converter = _at_once(answer, shape)
        expected, singly = _one_by_one(answer, shape)

    assert found == expected
    assert converter.misfits == singly.misfits


@pytest.mark.parametrize("column_names", ["safe", "as_is"])
def test_columns_with_the_names_of_the_taps_own_are_kept_apart(column_names: Any) -> None:  # noqa: ANN401
    """A query may select what another tap called `tenant_id`."""
    rows = [{"tenant_id": "theirs", "N": n, "_row_id": "their id"} for n in range(3)]
    columns = {"tenant_id": "String", "N": "Int64", "_row_id": "String"}
    with read_answer(_body(columns, rows), GRAPH) as answer:
        shape = Shape.of(answer.columns, column_names=column_names, tenant=tuple(TENANT))

        found, _ = _at_once(answer, shape, tenant=TENANT)
        expected, _ = _one_by_one(answer, shape, tenant=TENANT)

    assert found == expected
    assert found[0]["tenant_id"] == "t"
    assert found[0]["tenant_id_2"] == "theirs"


def test_renamed_columns_have_their_new_names_both_ways() -> None:
    """DeviceProcessEvents has two names that differ by case alone."""
    rows = [{"LogonId": n, "LogonID": -n} for n in range(3)]
    with read_answer(_body({"LogonId": "Int64", "LogonID": "Int64"}, rows), GRAPH) as answer:
        shape = Shape.of(answer.columns)

        found, _ = _at_once(answer, shape)
        expected, _ = _one_by_one(answer, shape)

    assert found == expected
    assert [record["LogonID_2"] for record in found] == [0, -1, -2]


@pytest.mark.parametrize("stray", [None, "t", "other", {}])
@pytest.mark.parametrize("key", ["tenant_id", "tenant_name", "_row_id"])
def test_keys_that_are_no_columns_are_not_taken_for_the_taps_own(key: str, stray: Any) -> None:  # noqa: ANN401
    """What the tap says of a row's tenant and id is its own to say."""
    answer = read_answer(_body({"A": "Int64"}, [{"A": 1, key: stray}, {"A": 2}]), GRAPH)
    shape = Shape.of(answer.columns, tenant=TENANT)

    fast, _ = _at_once(answer, shape, tenant=TENANT)

    assert fast == _one_by_one(answer, shape, tenant=TENANT)[0]
    assert {(record["tenant_id"], record["tenant_name"]) for record in fast} == {("t", None)}


def test_rows_with_keys_pass() -> None:
    """A configured key changes no record."""
    answer = read_answer(_body({"A": "Int64"}, [{"A": 1}, {"A": 2}]), GRAPH)
    shape = Shape.of(answer.columns, key=["A"])

    assert _at_once(answer, shape)[0] == _one_by_one(answer, shape)[0]


def test_equal_rows_have_ids_of_their_own_across_blocks() -> None:
    """The count of equal rows goes on from block to block."""
    rows = [{"T": "2026-01-01T00:00:00Z", "S": "x" * 90}] * 6000
    answer = read_answer(_body({"T": "DateTime", "S": "String"}, rows), GRAPH)

    records, _ = _at_once(answer, Shape.of(answer.columns), cursor="T")

    assert len({record["_row_id"] for record in records}) == len(rows)


def test_pieces_that_do_not_fit_have_cursors_too() -> None:
    """Whoever reads on from the last instant needs it from every block."""
    answer = read_answer(_body({"T": "DateTime", "S": "String"}, [{"T": {}, "S": 5}]), GRAPH)
    converter = Converter(Shape.of(answer.columns), cursor="T")

    (block,) = BlockConverter(converter).blocks(answer, RowIds())

    assert block.cursors == [None]


@pytest.mark.parametrize("odd", [pytest.param("x", id="plain"), pytest.param(None, id="odd")])
def test_a_null_key_stops_blocks_too(odd: str | None) -> None:
    """No way around the promise that keys are not null."""
    body = _body({"A": "Int64", "B": "String"}, [{"A": 1, "B": odd}, {"A": {}, "B": "x"}])
    answer = read_answer(body, GRAPH)

    with pytest.raises(FatalSyncError, match="Key column A is null"):
        _at_once(answer, Shape.of(answer.columns, key=["A"]))


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "", "é", "@", "c0", "n0", "t0", "id"])
def test_columns_may_be_called_anything(name: str) -> None:
    """Names are the query's, and no name is special."""
    answer = read_answer(_body({name: "Int64", "x": "String"}, [{name: 5, "x": "y"}]), GRAPH)
    shape = Shape.of(answer.columns, column_names="as_is")

    assert _at_once(answer, shape)[0] == _one_by_one(answer, shape)[0]


def test_a_stream_that_keeps_older_columns_is_converted_row_by_row() -> None:
    """A vanished column is null, whichever way is taken."""
    answer = read_answer(_body({"A": "Int64"}, [{"A": 1}]), GRAPH)
    shape = Shape.of([*answer.columns, Column("Old", "String")], row_id=False)

    assert _at_once(answer, shape)[0] == [{"A": 1, "Old": None}]


@pytest.mark.parametrize(
    ("cursors", "in_order", "newest"),
    [
        pytest.param(["t1", "t1", "t2"], True, 2, id="ordered"),
        pytest.param(["t1", "t2", "t2"], True, 1, id="last-instant-of-two"),
        pytest.param(["t1"], True, 0, id="one"),
        pytest.param(["t2", "t1"], False, 1, id="backwards"),
        pytest.param(["t1", None], False, 1, id="null"),
        pytest.param([], True, 0, id="no-cursor"),
    ],
)
def test_a_block_knows_where_its_last_instant_begins(
    cursors: list[str | None], *, in_order: bool, newest: int
) -> None:
    """The records of an instant are used when all of them are there."""
    block = Block([str(n).encode() for n in range(3)], cursors)

    first, rest = block.cut(block.newest())

    assert block.in_order is in_order
    assert len(first.records) == len(first.cursors) == newest
    assert [*first.records, *rest.records] == [*block.records]
