"""Whatever the dialect writes, the record holds the same truth."""

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_m365hunting.errors import FatalSyncError
from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import DEFENDER, GRAPH, Dialect
from tap_m365hunting.wire.records import Converter, Record
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Column, DynamicAs, Shape
from tests.core.wire import Table, tables


def _records(body: bytes, dialect: Dialect, *, dynamic_as: DynamicAs = "json") -> list[Record]:
    answer = read_answer(body, dialect)
    shape = Shape.of(answer.columns, column_names="as_is", dynamic_as=dynamic_as)
    return list(Converter(shape, answer.columns).records(answer.rows, RowIds()))


def _without_ids(records: list[Record]) -> list[Record]:
    return [{k: v for k, v in record.items() if k != "_row_id"} for record in records]


def _ids(records: list[Record]) -> list[str]:
    return [record["_row_id"] for record in records]


def _convert(
    columns: list[tuple[str, str]], *rows: dict[str, Any], dynamic_as: DynamicAs = "string"
) -> list[Record]:
    shape = Shape.of([Column(*c) for c in columns], row_id=False, dynamic_as=dynamic_as)
    return list(Converter(shape).records(rows))


def _keys(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (set(value) if isinstance(value, dict) else set()).union(*map(_keys, inner))


@given(tables())
def test_both_dialects_decode_to_the_truth(table: Table) -> None:
    """Sidecars, 0 and 1, empty bags for null, text around objects: none of it is in a record."""
    assert _without_ids(_records(table.graph(), GRAPH)) == table.truths()
    assert _without_ids(_records(table.defender(), DEFENDER)) == table.truths()


@given(tables(), st.randoms(use_true_random=False))
def test_ids_are_those_of_the_values_alone(table: Table, order: random.Random) -> None:
    """Neither the dialect, nor the order of keys at any depth, nor a setting changes an id."""
    ids = _ids(_records(table.graph(), GRAPH))

    assert _ids(_records(table.defender(shuffled=order), DEFENDER)) == ids
    assert _ids(_records(table.graph(shuffled=order), GRAPH, dynamic_as="string")) == ids


@given(tables())
def test_no_trace_of_odata_is_left_at_any_depth(table: Table) -> None:
    """A key of OData's own is not data, however deep it sits."""
    assert not {key for r in _records(table.graph(), GRAPH) for key in _keys(r) if "@odata" in key}


@given(tables(), st.sampled_from(["string", "json"]))
def test_records_are_valid_under_their_schema(table: Table, dynamic_as: DynamicAs) -> None:
    """What the tap says in SCHEMA, its RECORDs keep to."""
    answer = read_answer(table.graph(), GRAPH)
    shape = Shape.of(answer.columns, dynamic_as=dynamic_as)
    check = jsonschema.Draft202012Validator(shape.json_schema())

    for record in Converter(shape, answer.columns).records(answer.rows, RowIds()):
        check.validate({k: float(v) if _is_number(v) else v for k, v in record.items()})


def _is_number(value: object) -> bool:
    return type(value).__name__ == "Decimal"


@given(tables(types=["Object"]))
def test_dynamic_text_is_json_of_the_value(table: Table) -> None:
    """The text is valid, compact, and says no more and no less than the nested form."""
    nested = _without_ids(_records(table.graph(), GRAPH, dynamic_as="json"))
    texts = _without_ids(_records(table.graph(), GRAPH, dynamic_as="string"))

    assert [{k: json.loads(v) for k, v in record.items()} for record in texts] == nested


def test_columns_that_differ_only_by_case_both_survive() -> None:
    """DeviceProcessEvents has LogonId and LogonID, and they are two columns."""
    columns = [("LogonId", "Int64"), ("LogonID", "Int64")]

    assert _convert(columns, {"LogonID": 2, "LogonId": 1}) == [{"LogonId": 1, "LogonID_2": 2}]


def test_keys_match_exactly_then_without_case() -> None:
    """An API that writes camelCase keys under PascalCase columns loses no value."""
    columns = [("Timestamp", "String"), ("LogonId", "Int64"), ("LogonID", "Int64")]

    records = _convert(columns, {"timestamp": "x", "LogonID": 2, "logonid": 1})

    assert records == [{"Timestamp": "x", "LogonId": 1, "LogonID_2": 2}]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"logonId": 1, "logonID": 2}, id="first-letters"),
        pytest.param({"logonID": 2, "logonId": 1}, id="first-letters-in-another-order"),
        pytest.param({"logonID": 2, "LOGONID": 1}, id="one-first-letter"),
        pytest.param({"logonid": 1, "LOGONID": 2}, id="in-order"),
    ],
)
def test_no_key_is_taken_for_two_columns(row: dict[str, int]) -> None:
    """Where case alone tells columns apart, camelCase keys have their own columns."""
    columns = [("LogonId", "Int64"), ("LogonID", "Int64")]

    assert _convert(columns, row) == [{"LogonId": 1, "LogonID_2": 2}]
    assert _convert(columns, {"logonid": 1}) == [{"LogonId": 1, "LogonID_2": None}]


def test_missing_keys_are_null() -> None:
    """A key that a row lacks is null; an empty text is never made up for it."""
    assert _convert([("A", "String"), ("B", "Int64")], {}, {"A": ""}) == [
        {"A": None, "B": None},
        {"A": "", "B": None},
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        pytest.param({"b": 1, "a": [True, None]}, '{"b":1,"a":[true,null]}', id="bag"),
        pytest.param('{"b": 1}', '{"b":1}', id="bag-as-text"),
        pytest.param("[1, 2]", "[1,2]", id="array-as-text"),
        pytest.param("word", '"word"', id="bare-string"),
        pytest.param("5", '"5"', id="string-of-digits"),
        pytest.param('{"broken', '"{\\"broken"', id="no-json-after-all"),
        pytest.param(5, "5", id="number"),
        pytest.param(False, "false", id="boolean"),
        pytest.param(['{"a": 1}', "[1]", "x"], '[{"a":1},"[1]","x"]', id="objects-in-lists"),
        pytest.param({"@odata.type": "#x"}, "{}", id="typed-empty-bag"),
        pytest.param({}, "{}", id="empty-bag"),
        pytest.param("", '""', id="empty-text"),
    ],
)
def test_dynamic_cells_become_valid_compact_json(cell: Any, text: str) -> None:  # noqa: ANN401
    """Every loader takes the text, and whoever parses it gets the value."""
    assert _convert([("D", "Object")], {"D": cell}) == [{"D": text}]


def test_null_dynamic_and_empty_bag_have_one_id() -> None:
    """Graph writes both as {}: the id cannot depend on which of them the other dialect tells."""
    shape = Shape.of([Column("A", "Int64"), Column("D", "Object")])
    rows: list[dict[str, Any]] = [{"A": 1, "D": {}}, {"A": 1, "D": None}, {"A": 1}]

    ids = {next(Converter(shape).records([row], RowIds()))["_row_id"] for row in rows}

    assert len(ids) == 1


def test_misfits_are_replaced_and_counted() -> None:
    """A cell of the wrong type is null (or text, in a text column), and never passes unseen."""
    shape = Shape.of([Column("N", "Int64"), Column("S", "String")], row_id=False)
    converter = Converter(shape)

    records = list(converter.records([{"N": "many", "S": {"a": 1}}, {"N": 5.5, "S": "ok"}]))

    assert records == [{"N": None, "S": '{"a":1}'}, {"N": None, "S": "ok"}]
    assert converter.misfits == {"N": 2, "S": 1}


@pytest.mark.parametrize(
    "tenant",
    [
        pytest.param({"tenant_id": "t1"}, id="id"),
        pytest.param({"tenant_id": "t1", "tenant_name": "Contoso"}, id="id-and-name"),
        pytest.param({"tenant_id": "t1", "tenant_name": None}, id="nameless-among-named"),
    ],
)
def test_tenant_comes_first_and_id_last(tenant: dict[str, str | None]) -> None:
    """Partitioned tables cluster by the first key column; a name is for people, and no key."""
    shape = Shape.of([Column("A", "Int64")], tenant=tenant)

    record = next(Converter(shape, tenant=tenant).records([{"A": 1}], RowIds(tenant_id="t1")))

    assert list(record) == [*tenant, "A", "_row_id"]
    assert record == {**tenant, "A": 1, "_row_id": record["_row_id"]}
    assert shape.key_properties == ("tenant_id", "_row_id")


def test_a_tenants_name_is_no_part_of_an_id() -> None:
    """Tenants are renamed; their rows are not new for it."""
    shape = Shape.of([Column("A", "Int64")], tenant=["tenant_id", "tenant_name"])
    names = ["Contoso", "Fabrikam", None]
    tenants = [{"tenant_id": "t1", "tenant_name": name} for name in names]

    records = [
        next(Converter(shape, tenant=tenant).records([{"A": 1}], RowIds(tenant_id="t1")))
        for tenant in tenants
    ]

    assert len({record["_row_id"] for record in records}) == 1


def test_a_null_key_stops_the_stream_with_the_way_out() -> None:
    """A loader would drop or merge rows without a key."""
    shape = Shape.of([Column("A", "Int64")], key=["a"])

    with pytest.raises(FatalSyncError, match=r"A is null in a row.*primary_keys.*_row_id"):
        list(Converter(shape).records([{"A": 1}, {"A": {}}], RowIds()))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            b'{"schema":[{"name":"D","type":"SqlDecimal"}],"results":[{"D":%s}]}', id="text"
        ),
        pytest.param(
            b'\xef\xbb\xbf{"results":[{"D":%s}],"schema":[{"name":"D","type":"Decimal"}]}', id="odd"
        ),
    ],
)
def test_decimals_keep_every_digit(body: bytes) -> None:
    """Kusto's decimal has 34 digits, twice those of a float."""
    digits = "1234567890123456789012345678.901234"

    (record,) = _records(body % digits.encode(), GRAPH)

    assert str(record["D"]) == digits
