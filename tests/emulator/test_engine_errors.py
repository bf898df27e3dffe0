"""What the engine says of a query without an answer is what the service says of it."""

import pytest

from hunting_emulator.engine import (
    Engine,
    KqlError,
    KqlSemanticError,
    KqlSyntaxError,
    KqlUnsupportedError,
)
from hunting_emulator.tables import Table


@pytest.fixture(scope="module")
def engine() -> Engine:
    """One table, and no row."""
    return Engine(tables=(Table.of("DeviceInfo", {"Timestamp": "datetime", "Name": "string"}),))


def refusal(engine: Engine, kql: str) -> KqlError:
    """Return the error that a query ends in."""
    with pytest.raises(KqlError) as caught:
        engine.run(kql, now="2026-01-01T00:00:00Z")
    return caught.value


@pytest.mark.parametrize(
    ("kql", "message"),
    [
        pytest.param("DeviceInfo | wherever Name == 1", "Query operator expected.", id="operator"),
        pytest.param("DeviceInfo || take 1", "Query operator expected.", id="two-pipes"),
        pytest.param("DeviceInfo where Name", "A recognition error occurred.", id="no-pipe"),
        pytest.param("DeviceInfo | where Name == 'x", "A recognition error occurred.", id="string"),
        pytest.param("DeviceInfo | where", "The incomplete fragment is unexpected", id="no-where"),
        pytest.param(
            "DeviceInfo | project Name,", "The incomplete fragment is unexpected", id="comma"
        ),
        pytest.param(
            "DeviceInfo | where Name ==", "The incomplete fragment is unexpected", id="equals"
        ),
        pytest.param(
            "DeviceInfo | where (Name == ''", "The incomplete fragment is unexpected", id="open"
        ),
        pytest.param(".show tables", "A recognition error occurred.", id="command"),
        pytest.param("", "A recognition error occurred.", id="nothing"),
    ],
)
def test_text_that_is_no_kql_is_a_syntax_error(engine: Engine, kql: str, message: str) -> None:
    """The engine's three phrases for it, as captured from the service."""
    error = refusal(engine, kql)

    assert type(error) is KqlSyntaxError
    assert str(error) == message


@pytest.mark.parametrize(
    ("kql", "message"),
    [
        pytest.param(
            "DeviceInf | take 1",
            "'take' operator: Failed to resolve table or column expression named 'DeviceInf'",
            id="table",
        ),
        pytest.param(
            "DeviceInfo | join kind=inner (Nope) on Name",
            "'join' operator: Failed to resolve table or column expression named 'Nope'",
            id="joined-table",
        ),
        pytest.param(
            "DeviceInfo | where Timestamp > ago(1d) and nope == 1",
            "'where' operator: Failed to resolve scalar expression named 'nope'",
            id="where",
        ),
        pytest.param(
            "DeviceInfo | project nope",
            "'project' operator: Failed to resolve scalar expression named 'nope'",
            id="project",
        ),
        pytest.param(
            "DeviceInfo | project-away Name | extend x = strcat(Name, 'a|b')",
            "'extend' operator: Failed to resolve scalar expression named 'Name'",
            id="dropped-column",
        ),
        pytest.param(
            "DeviceInfo | summarize count() by nope",
            "'summarize' operator: Failed to resolve scalar expression named 'nope'",
            id="summarize",
        ),
        pytest.param("DeviceInfo | where foo(Name)", "Unknown function: 'foo'", id="function"),
        pytest.param(
            "DeviceInfo | where Name > 5",
            "Cannot compare values of types string and long. Try adding explicit casts",
            id="types",
        ),
        pytest.param("let x = 1;", "No tabular expression statement found", id="no-expression"),
    ],
)
def test_names_that_do_not_resolve_are_semantic_errors(
    engine: Engine, kql: str, message: str
) -> None:
    """The service names the operator and the name."""
    error = refusal(engine, kql)

    assert type(error) is KqlSemanticError
    assert str(error) == message


def test_errors_say_where(engine: Engine) -> None:
    """Line and column count from 1, in the text as it was sent."""
    error = refusal(engine, "let a = 1;\n(DeviceInfo) // a comment\n| where nope == a")

    assert isinstance(error, KqlSemanticError)
    assert (error.line, error.column) == (3, 9)


@pytest.mark.parametrize(
    "kql",
    [
        pytest.param("DeviceInfo | evaluate autocluster()", id="plugin"),
        pytest.param("DeviceInfo | reduce by Name", id="operator"),
        pytest.param(
            "DeviceInfo | where geo_point_to_geohash(1.0, 2.0) == ''", id="known-function"
        ),
        pytest.param("DeviceInfo | take 1; DeviceInfo | take 2", id="two-results"),
    ],
)
def test_the_emulators_own_limits_are_told_apart(engine: Engine, kql: str) -> None:
    """What the service may well run is not blamed on the query."""
    error = refusal(engine, kql)

    assert isinstance(error, KqlUnsupportedError)
    assert str(error).startswith("The emulator cannot run this query, though the service may: ")
