"""An id follows the value: not how it is spelled, nor which type its column is declared with."""

import json
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typing_extensions import override

from tap_m365hunting.wire.answer import QueryResult, read_answer
from tap_m365hunting.wire.dialects import GRAPH
from tap_m365hunting.wire.fast_records import plain_blocks
from tap_m365hunting.wire.json_text import ENCODER
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Column, Shape
from tests.core.wire import Table, full_tables, tables

SPACING: Final = st.sampled_from([(",", ":"), (", ", ": ")])
numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(codec="utf-8"), max_size=4)
bags = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab{[", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def result(
    columns: dict[str, str],
    rows: list[dict[str, Any]],
    spacing: tuple[str, str] = (",", ":"),
) -> QueryResult:
    """Return what Graph would answer, with or without spaces."""
    schema = [{"name": name, "type": kind} for name, kind in columns.items()]
    body = json.dumps({"schema": schema, "results": rows}, separators=spacing)
    return read_answer(body.encode(), GRAPH)


def ids_of(answer: QueryResult, *, by_type: bool = False, **options: Any) -> list[str]:  # noqa: ANN401
    """Return the ids of an answer's rows, which are the same at once and one by one."""
    shape = Shape.of(answer.columns)
    many = RowIds(by_type=by_type)
    at_once = [
        record["_row_id"]
        for block in plain_blocks(Converter(shape, answer.columns, **options), answer, many)
        for record in block.records
    ]
    singly = RowIds(by_type=by_type)
    converter = Converter(shape, answer.columns, **options)
    assert at_once == [r["_row_id"] for r in converter.records(answer.rows, singly)]
    return at_once


def ids(kind: str, *cells: Any, spacing: tuple[str, str] = (",", ":")) -> list[str]:  # noqa: ANN401
    """Return the ids of rows that have these cells in a column of a type, beside two others."""
    columns = {"Name": "String", "A": kind, "Last": "String"}
    rows = [{"Name": f"n{at}", "A": cell, "Last": ""} for at, cell in enumerate(cells)]
    return ids_of(result(columns, rows, spacing))


@given(st.lists(st.integers(-(10**15), 10**15), max_size=5))
@example([1, 0, -7])
def test_whole_number_has_one_id_in_a_column_of_any_number_type(values: list[int]) -> None:
    """Int32 becomes Double, or a decimal: 1 is 1.0."""
    whole = ids("Int64", *values)

    assert ids("Int32", *values) == whole
    assert ids("Double", *map(float, values)) == whole
    assert ids("SqlDecimal", *(f"{value}.0" for value in values)) == whole


@given(st.lists(st.floats(-1e9, 1e9), max_size=5))
def test_fraction_has_one_id_as_double_and_as_decimal(values: list[float]) -> None:
    """As many digits as the double has."""
    assert ids("SqlDecimal", *map(str, values)) == ids("Double", *values)


@given(st.lists(bags, max_size=4), SPACING, SPACING)
@example([{"a": 1.0}, [1.0, 2.5], {}, [], {"b": 1e15}], (",", ":"), (", ", ": "))
@example(["{", "[", "{}", "[1", "x"], (",", ":"), (",", ":"))
def test_text_that_becomes_dynamic_leaves_ids_as_they_were(
    values: list[Any], spacing: tuple[str, str], in_cell: tuple[str, str]
) -> None:
    """A text that spells an object or an array is that; a bare text is a text in both."""
    texts = [
        json.dumps(value, separators=in_cell) if isinstance(value, dict | list) else "plain"
        for value in values
    ]
    nested = [value if isinstance(value, dict | list) else "plain" for value in values]

    assert ids("Object", *nested, spacing=spacing) == ids("String", *texts, spacing=spacing)
    assert ids("Object", *texts, spacing=spacing) == ids("String", *texts, spacing=spacing)


def test_text_that_only_looks_like_json_is_a_text() -> None:
    """A class id in braces, or a log line in brackets, is itself."""
    texts = ["{0002-33}", "[info] x", "{", '{"a":1}', '{"a":2}', "a{", ""]

    found = ids("String", *texts)

    assert len(set(found)) == len(texts)


def test_one_column_alone_is_looked_at_as_well() -> None:
    """The text is the first, the last and the only one."""
    text = result({"A": "String"}, [{"A": '{"b": 1}'}])
    bag = result({"A": "Object"}, [{"A": {"b": 1.0}}])

    assert ids_of(text) == ids_of(bag)


@given(table=tables() | full_tables(), by_type=st.booleans(), data=st.data())
def test_ids_are_the_same_at_once_and_one_by_one(
    *, table: Table, by_type: bool, data: st.DataObject
) -> None:
    """Whatever the values, and whichever of the columns make an id."""
    answer = read_answer(table.graph(), GRAPH)
    names = [column.name for column in answer.columns]
    chosen = data.draw(st.none() | st.lists(st.sampled_from(names or ["x"]), unique=True))

    ids_of(answer, by_type=by_type, id_columns=chosen)


ROW = {"A": "x", "B": 1.0, "C": {"d": [1]}, "D": "y"}
COLUMNS = {"A": "String", "B": "Double", "C": "Object", "D": "String"}


@pytest.mark.parametrize("added", [*COLUMNS])
def test_column_that_was_added_leaves_the_ids_of_the_rest(added: str) -> None:
    """The columns that make an id are those that there were."""
    before = {name: kind for name, kind in COLUMNS.items() if name != added}
    old = {name: cell for name, cell in ROW.items() if name != added}

    found = ids_of(result(COLUMNS, [ROW, {**ROW, added: None}]), id_columns=list(before))

    assert found == ids_of(result(before, [old, old]))


def test_columns_that_make_no_id_are_in_the_record_all_the_same() -> None:
    """They are left out of the id, and come back behind it."""
    answer = result(COLUMNS, [ROW])
    converter = Converter(Shape.of(answer.columns), answer.columns, id_columns=["B"])

    ((record,),) = (block.records for block in plain_blocks(converter, answer, RowIds()))

    assert {name: record[name] for name in ROW} == {**ROW, "C": '{"d":[1]}'}
    assert ENCODER.encode(record)


def test_column_whose_case_changed_makes_the_same_id() -> None:
    """It is the column that it was, unless the answer has both."""
    new = result({"a": "String", "B": "Int64"}, [{"a": "x", "B": 1}])
    both = result({"a": "String", "A": "String"}, [{"a": "y", "A": "x"}])
    old = result({"A": "String", "B": "Int64"}, [{"A": "x", "B": 1}])

    assert ids_of(new, id_columns=["A", "B"]) == ids_of(old)
    assert ids_of(both, id_columns=["A"]) == ids_of(result({"A": "String"}, [{"A": "x"}]))


# Made by version 0.1, of the rows below.
IDS_OF_0_1: Final = ["043c2c3a1e51d68b4e4167c8bd236e3e", "3bd9b24fd27711184a54e46d5e7b5acf"]


def test_ids_of_version_0_1_can_still_be_made() -> None:
    """Where rows were loaded under them they go on, or each would be there twice."""
    columns = {"A": "String", "N": "Double", "M": "SqlDecimal", "O": "Object"}
    rows = [
        {"A": '{"a": 1}', "N": 1, "M": "2.50", "O": {"x": 1.0}},
        {"A": "", "N": 1.5, "M": "3", "O": "[1]"},
    ]

    assert ids_of(result(columns, rows), by_type=True) == IDS_OF_0_1
    assert set(ids_of(result(columns, rows))).isdisjoint(IDS_OF_0_1)


def test_shape_keeps_its_columns() -> None:
    """A known column that is gone is in the shape, and counts for nothing as it is null."""
    shape = Shape.of([Column("A", "String"), Column("Gone", "String")])
    answer = result({"A": "String"}, [{"A": "x"}])

    (record,) = Converter(shape, answer.columns).records(answer.rows, RowIds())

    assert [record["_row_id"]] == ids_of(answer)


class Compared(str):
    """A name that counts how often it is compared with another."""

    __slots__ = ()
    times = 0
    __hash__ = str.__hash__

    @override
    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return str.__eq__(self, other)


def test_names_that_make_ids_are_found_without_comparing_all_with_all() -> None:
    """A projection may be of any width, and a state may name as many columns."""
    columns = result({f"C{n}": "String" for n in range(1_000)}, []).columns
    Compared.times = 0

    converter = Converter(
        Shape.of(columns), columns, id_columns=[Compared(f"C{n}") for n in range(1_000)]
    )

    assert list(converter.id_names) == [column.name for column in columns]
    assert Compared.times < 5 * len(columns)
