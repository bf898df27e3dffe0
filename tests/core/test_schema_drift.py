"""A result whose columns have changed, under each policy."""

from decimal import Decimal
from typing import Any

import pytest

from tap_m365hunting.errors import SchemaDriftError
from tap_m365hunting.wire.drift import Policy, Reconciled, reconcile
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.schema import Column, ColumnNames, Shape

TEXT = {"type": ["string", "null"]}
INTEGER = {"type": ["integer", "null"]}
NUMBER = {"type": ["number", "null"]}
BOOLEAN = {"type": ["boolean", "null"]}
MOMENT = {"type": ["string", "null"], "format": "date-time"}
NESTED = {"type": ["object", "array", "string", "number", "boolean", "null"]}


def _reconciled(known: dict[str, Any], policy: Policy, **columns: str) -> Reconciled:
    shape = Shape.of([Column(*c) for c in columns.items()], row_id=False, known=known)
    return reconcile(known, shape, policy)


def _record(found: Reconciled, row: dict[str, Any], **columns: str) -> dict[str, Any]:
    answer = [Column(*c) for c in columns.items()]
    return next(Converter(found.shape, answer).records([row]))


@pytest.mark.parametrize("policy", ["evolve", "freeze", "fail"])
def test_what_a_loader_would_not_see_is_no_drift(policy: Policy) -> None:
    """Order, another engine type of the same JSON type, and a key's missing null change nothing."""
    known = {"A": {"type": ["integer"]}, "_row_id": {"type": ["string"]}, "B": TEXT}

    found = _reconciled(known, policy, B="Object", A="Int32")

    assert not found.drifted
    assert not found.send_schema
    assert list(found.shape.properties) == ["A", "B"]


@pytest.mark.parametrize("policy", ["evolve", "freeze", "fail"])
@pytest.mark.parametrize("tenant", [(), ("tenant_id",), ("tenant_id", "tenant_name")])
def test_the_columns_of_the_tenant_are_no_drift(policy: Policy, tenant: tuple[str, ...]) -> None:
    """A catalog holds them beside the query's own, and no answer does."""
    known = {"tenant_id": {"type": ["string"]}, "tenant_name": TEXT, "A": INTEGER}
    shape = Shape.of([Column("A", "Int64")], tenant=tenant, known=known)

    found = reconcile(known, shape, policy)

    assert not found.drifted
    assert list(found.shape.properties) == ["A"]
    assert found.shape.tenant == tenant


@pytest.mark.parametrize("policy", ["evolve", "freeze", "fail"])
def test_a_querys_own_tenant_is_a_column_like_any(policy: Policy) -> None:
    """Where the tap adds no tenant, the name is free."""
    found = _reconciled({"tenant_id": TEXT, "_row_id": TEXT}, policy, tenant_id="String")

    assert not found.drifted
    assert found.shape.properties == {"tenant_id": TEXT}


def test_evolve_takes_what_is_new_and_keeps_what_is_gone() -> None:
    """The SCHEMA grows; a vanished column is null, as loaders keep it anyway."""
    found = _reconciled({"A": INTEGER, "Old": MOMENT}, "evolve", New="String", A="Int64")

    assert (found.added, found.vanished, found.changed) == (("New",), ("Old",), ())
    assert found.send_schema
    assert found.shape.properties == {"A": INTEGER, "Old": MOMENT, "New": TEXT}
    assert _record(found, {"A": 1, "New": "x", "Old": "stray"}, New="String", A="Int64") == {
        "A": 1,
        "Old": None,
        "New": "x",
    }


def test_evolve_follows_a_changed_type() -> None:
    """Types come from the answer."""
    found = _reconciled({"A": INTEGER}, "evolve", A="String")

    assert found.changed == ("A",)
    assert found.shape.properties == {"A": TEXT}
    assert _record(found, {"A": "x"}, A="String") == {"A": "x"}


def test_evolve_sends_no_schema_for_a_vanished_column_alone() -> None:
    """Null is allowed already."""
    found = _reconciled({"A": INTEGER, "B": TEXT}, "evolve", A="Int64")

    assert found.drifted
    assert not found.send_schema


def test_freeze_keeps_the_known_columns_and_types() -> None:
    """New ones are dropped, vanished ones null, and the SCHEMA stays."""
    known = {"A": INTEGER, "Old": BOOLEAN}

    found = _reconciled(known, "freeze", New="String", A="String")

    assert found.shape.properties == known
    assert not found.send_schema
    assert str(found) == "new: New; gone: Old; of another type: A"
    assert _record(found, {"A": "7", "New": "x"}, New="String", A="String") == {"A": 7, "Old": None}


CONVERSIONS: list[tuple[dict[str, Any], str, Any, Any]] = [
    (INTEGER, "String", "7", 7),
    (INTEGER, "Double", 7.0, 7),
    (INTEGER, "Double", {}, None),
    (INTEGER, "Double", "NaN", None),
    (INTEGER, "SqlDecimal", Decimal("9007199254740993.0"), 2**53 + 1),
    (NUMBER, "Int64", 7, 7.0),
    (NUMBER, "String", "0.5", 0.5),
    (BOOLEAN, "Int32", 1, True),
    (BOOLEAN, "String", "true", True),
    (MOMENT, "String", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000000Z"),
    (TEXT, "Int64", 7, "7"),
    (TEXT, "SByte", 1, "true"),
    (TEXT, "DateTime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000000Z"),
    (TEXT, "DateTime", {}, None),
    (NESTED, "String", '{"a":1}', '{"a":1}'),
    (
        {"type": ["string", "null"], "format": "uuid"},
        "String",
        "0" * 32,
        f"{'0' * 8}-0000-0000-0000-{'0' * 12}",
    ),
]


@pytest.mark.parametrize(
    ("known", "type_name", "cell", "value"),
    [pytest.param(*c, id=f"{c[1]}-{c[2]}-to-{c[0]['type'][0]}") for c in CONVERSIONS],
)
def test_freeze_converts_what_loses_nothing(
    known: dict[str, Any],
    type_name: str,
    cell: object,
    value: object,
) -> None:
    """A column that became another type can often still be told in the old one."""
    found = _reconciled({"A": known}, "freeze", A=type_name)

    record = _record(found, {"A": cell}, A=type_name)

    assert record == {"A": value}
    assert type(record["A"]) is type(value)


@pytest.mark.parametrize(
    ("known", "type_name", "cell"),
    [
        pytest.param(INTEGER, "String", "many", id="no-number"),
        pytest.param(INTEGER, "Double", 7.5, id="fraction"),
        pytest.param(NUMBER, "Int64", 2**53 + 1, id="more-digits-than-a-float-has"),
        pytest.param(BOOLEAN, "Int64", 2, id="no-boolean"),
        pytest.param(MOMENT, "String", "yesterday", id="no-instant"),
        pytest.param(INTEGER, "SByte", 1, id="boolean-is-no-number"),
    ],
)
def test_freeze_fails_rather_than_lose(known: dict[str, Any], type_name: str, cell: object) -> None:
    """A value that the known type cannot hold stops the stream."""
    found = _reconciled({"A": known}, "freeze", A=type_name)

    with pytest.raises(SchemaDriftError, match="Column A changed its type"):
        _record(found, {"A": cell}, A=type_name)


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        pytest.param({"A": "Int64", "B": "String"}, "new: B", id="new"),
        pytest.param({}, "gone: A", id="gone"),
        pytest.param({"A": "Double"}, "of another type: A", id="changed"),
    ],
)
def test_fail_names_what_differs(columns: dict[str, str], match: str) -> None:
    """Whoever asked for no surprises is told which one came."""
    with pytest.raises(SchemaDriftError, match=match):
        _reconciled({"A": INTEGER}, "fail", **columns)


def test_a_column_whose_case_alone_changed_keeps_its_known_name() -> None:
    """The documents write Isp and the stream ISP: a loader that folds case would see one twice."""
    found = _reconciled({"Isp": TEXT}, "fail", ISP="String")

    assert _record(found, {"ISP": "x"}, ISP="String") == {"Isp": "x"}


def test_renamed_columns_are_known_by_the_names_in_the_record() -> None:
    """A catalog holds LogonID_2, and the answer LogonID."""
    known = {"LogonId": INTEGER, "LogonID_2": INTEGER}

    found = _reconciled(known, "fail", LogonID="Int64", LogonId="Int64")

    assert _record(found, {"LogonID": 2, "LogonId": 1}, LogonID="Int64", LogonId="Int64") == {
        "LogonId": 1,
        "LogonID_2": 2,
    }


@pytest.mark.parametrize("policy", ["evolve", "freeze"])
@pytest.mark.parametrize("column_names", ["safe", "as_is"])
@pytest.mark.parametrize("left", ["LogonId", "LogonID"])
def test_a_vanished_column_is_not_filled_from_its_twin(
    left: str, column_names: ColumnNames, policy: Policy
) -> None:
    """Two columns that differ by case alone are two, also when one of them is gone."""
    before = Shape.of(
        [Column("LogonId", "Int64"), Column("LogonID", "Int64")], column_names=column_names
    )
    known = before.properties
    shape = Shape.of([Column(left, "Int64")], column_names=column_names, row_id=False, known=known)

    found = reconcile(known, shape, policy)

    assert found.vanished == tuple(name for own, name in before.names.items() if own != left)
    assert _record(found, {left: 7}, **{left: "Int64"}) == {
        name: 7 if own == left else None for own, name in before.names.items()
    }


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"type": "string"}, id="one-type"),
        pytest.param({}, id="no-type"),
        pytest.param({"anyOf": [{"type": "string"}]}, id="any-of"),
        pytest.param({"type": ["string", "null"], "format": "ipv4"}, id="another-format"),
    ],
)
def test_schemas_that_others_wrote_can_be_kept(known: dict[str, Any]) -> None:
    """A catalog may have been edited by hand."""
    found = _reconciled({"A": known}, "freeze", A="String")

    assert _record(found, {"A": "x"}, A="String") == {"A": "x"}
