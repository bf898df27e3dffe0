"""Schemas that every loader takes."""

import jsonschema
import pytest
from hypothesis import given

from tap_m365hunting.wire.schema import Column, DynamicAs, Shape, find, unmapped
from tests.core.wire import Table, tables

DECIMAL = {"type": ["number", "null"], "format": "decimal"}
COLUMNS = [Column("Timestamp", "DateTime"), Column("Flag", "SByte"), Column("Bag", "Object")]


@pytest.mark.parametrize(
    ("type_name", "property_"),
    [
        pytest.param("String", {"type": ["string", "null"]}, id="String"),
        pytest.param(
            "DateTime", {"type": ["string", "null"], "format": "date-time"}, id="DateTime"
        ),
        pytest.param("SByte", {"type": ["boolean", "null"]}, id="SByte"),
        pytest.param("Boolean", {"type": ["boolean", "null"]}, id="Boolean"),
        pytest.param("Byte", {"type": ["integer", "null"]}, id="Byte"),
        pytest.param("Int16", {"type": ["integer", "null"]}, id="Int16"),
        pytest.param("Int32", {"type": ["integer", "null"]}, id="Int32"),
        pytest.param("Int64", {"type": ["integer", "null"]}, id="Int64"),
        pytest.param("Double", {"type": ["number", "null"]}, id="Double"),
        pytest.param("Single", {"type": ["number", "null"]}, id="Single"),
        pytest.param("Decimal", DECIMAL, id="Decimal"),
        pytest.param("SqlDecimal", DECIMAL, id="SqlDecimal"),
        pytest.param("Guid", {"type": ["string", "null"], "format": "uuid"}, id="Guid"),
        pytest.param("TimeSpan", {"type": ["string", "null"]}, id="TimeSpan"),
        pytest.param("Object", {"type": ["string", "null"]}, id="Object"),
        pytest.param(
            "dateTIME", {"type": ["string", "null"], "format": "date-time"}, id="any-case"
        ),
        pytest.param("System.Int64", {"type": ["integer", "null"]}, id="with-its-namespace"),
        pytest.param("Geography", {"type": ["string", "null"]}, id="unknown"),
        pytest.param("", {"type": ["string", "null"]}, id="none-at-all"),
    ],
)
def test_each_engine_type_has_one_json_type(type_name: str, property_: object) -> None:
    """Types come by name from the Schema array; a new one is text, not a crash."""
    shape = Shape.of([Column("C", type_name)])

    assert shape.properties == {"C": property_}


@given(tables())
def test_schemas_hold_only_what_loaders_take(table: Table) -> None:
    """One type and null: no empty schema, no anyOf, no list without items."""
    shape = Shape.of([Column(*column) for column in table.columns])

    schema = shape.json_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    for name, property_ in schema["properties"].items():
        assert set(property_) <= {"type", "format"}
        assert len(property_["type"]) == (1 if name in shape.key_properties else 2)


@pytest.mark.parametrize("dynamic_as", ["string", "json"])
def test_dynamic_columns_follow_the_setting(dynamic_as: DynamicAs) -> None:
    """Text by default; nested values may be any JSON."""
    nested = ["object", "array", "string", "number", "boolean", "null"]
    types = {"string": ["string", "null"], "json": nested}

    shape = Shape.of(COLUMNS, dynamic_as=dynamic_as)

    assert shape.properties["Bag"] == {"type": types[dynamic_as]}


def test_key_columns_are_never_null() -> None:
    """A loader makes a primary key of them."""
    shape = Shape.of(COLUMNS, key=["timestamp"], tenant=["tenant_id"])

    schema = shape.json_schema()

    assert shape.key_properties == ("tenant_id", "Timestamp")
    assert schema["required"] == ["tenant_id", "Timestamp"]
    assert schema["properties"]["Timestamp"]["type"] == ["string"]
    assert list(schema["properties"]) == ["tenant_id", "Timestamp", "Flag", "Bag", "_row_id"]
    assert schema["properties"]["_row_id"] == {"type": ["string"]}


def test_a_tenants_name_may_be_null_and_is_no_key() -> None:
    """Not every tenant of a list has a name."""
    schema = Shape.of(COLUMNS, tenant=["tenant_id", "tenant_name"]).json_schema()

    assert list(schema["properties"])[:2] == ["tenant_id", "tenant_name"]
    assert schema["properties"]["tenant_id"] == {"type": ["string"]}
    assert schema["properties"]["tenant_name"] == {"type": ["string", "null"]}
    assert schema["required"] == ["tenant_id", "_row_id"]


def test_a_querys_own_column_gives_way_to_the_tenants() -> None:
    """Where the tap adds its columns, theirs are the names."""
    columns = [Column("tenant_id", "String"), Column("Tenant_Name", "String")]

    alone = Shape.of(columns)
    among_tenants = Shape.of(columns, tenant=["tenant_id", "tenant_name"])

    assert alone.names == {"tenant_id": "tenant_id", "Tenant_Name": "Tenant_Name"}
    assert among_tenants.names == {"tenant_id": "tenant_id_2", "Tenant_Name": "Tenant_Name_2"}


def test_without_row_ids_a_stream_may_have_no_key() -> None:
    """Appending loaders need none."""
    assert Shape.of(COLUMNS, row_id=False).key_properties == ()
    assert Shape.of(COLUMNS).key_properties == ("_row_id",)


def test_what_the_stream_has_to_tell_is_at_hand() -> None:
    """Unknown types, renamed columns and keys that are not there are each told once."""
    shape = Shape.of([Column("LogonId", "Int64"), Column("LogonID", "Blob")], key=["Device"])

    assert unmapped(shape.columns) == (Column("LogonID", "Blob"),)
    assert shape.renamed == {"LogonID": "LogonID_2"}
    assert shape.missing_keys == ("Device",)


def test_names_as_they_are_keep_even_their_case() -> None:
    """Some stores tell them apart, and then nothing is renamed."""
    columns = [Column("LogonId", "Int64"), Column("LogonID", "Int64"), Column("_row_id", "String")]

    shape = Shape.of(columns, column_names="as_is")

    assert shape.names == {"LogonId": "LogonId", "LogonID": "LogonID", "_row_id": "_row_id_2"}


def test_known_names_go_to_the_columns_that_had_them() -> None:
    """A catalog decides which of two columns is the numbered one."""
    columns = [Column("LogonId", "Int64"), Column("LogonID", "Int64")]

    shape = Shape.of(columns, known=["LogonID", "LogonId_2"])

    assert shape.names == {"LogonId": "LogonId_2", "LogonID": "LogonID"}


def test_a_column_that_is_told_twice_is_one() -> None:
    """A JSON object can hold a key only once, so no second column can have values."""
    assert Shape.of([Column("A", "Int64"), Column("A", "Int64")]).columns == (Column("A", "Int64"),)


def test_a_column_is_found_by_its_name_before_its_case() -> None:
    """Configured names may be written in any case where that is no question."""
    assert find("LOGONID", ["LogonId", "LogonID"]) == "LogonId"
    assert find("LogonID", ["LogonId", "LogonID"]) == "LogonID"
    assert find("Logon", ["LogonId"]) is None
