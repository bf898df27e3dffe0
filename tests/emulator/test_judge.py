"""With Microsoft's parser at hand the emulator is as strict as the service."""

import sys
from subprocess import run

import pytest

from hunting_emulator.engine import (
    Engine,
    KqlError,
    KqlSemanticError,
    KqlSyntaxError,
    KqlUnsupportedError,
)
from hunting_emulator.parser.folder import installed
from hunting_emulator.tables import Table

pytestmark = pytest.mark.skipif(
    installed() is None, reason="Microsoft's parser is not here; hunting-emulator parser install"
)
NOW = "2026-03-01T00:00:00Z"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Two tables with one row."""
    devices = {"Timestamp": "datetime", "Name": "string", "Build": "long", "Users": "dynamic"}
    engine = Engine(
        tables=(
            Table.of("Device", devices),
            Table.of("Mail", {"Timestamp": "datetime", "Name": "string", "Build": "string"}),
        )
    )
    engine.load("Device", [{"Timestamp": "2026-02-28T00:00:00Z", "Name": "a", "Build": 7}])
    return engine


def refusal(engine: Engine, kql: str) -> KqlError:
    """Return the error that a query ends in."""
    with pytest.raises(KqlError) as caught:
        engine.run(kql, now=NOW)
    return caught.value


@pytest.mark.parametrize(
    ("kql", "message"),
    [
        ("Device | summarize Count()", "Unknown function: 'Count'"),
        ("print x = toString(1)", "Unknown function: 'toString'"),
        ("print x = Now()", "Unknown function: 'Now'"),
        ("Device | where Name = 'x'", "The expression must have the type bool"),
        (
            'Device | where Timestamp > "2026-01-01"',
            "Cannot compare values of types datetime and string. Try adding explicit casts",
        ),
        (
            "Device | where Name > 5",
            "Cannot compare values of types string and long. Try adding explicit casts",
        ),
        ("Device | project-rename X = Nope", "Column name expected"),
        ("Device | where strlen(Name)", "The expression must have the type bool"),
        ("print x=1, x=2", "A column with the name 'x' is already declared"),
        ("Device | project-away Nope", "Column name expected"),
        ("Nope", "Failed to resolve table or column expression named 'Nope'"),
        (
            "Device | project x = Name + 'a'",
            "The operator '+' is not defined for the operand types",
        ),
        ("Device | where Name has 5", "The operator 'has' is not defined for the operand types"),
        ("Device | sort by Nope", "'sort' operator: Failed to resolve scalar expression named"),
        ("Device | extend toupper(Name, 1)", "The function 'toupper' expects 1 argument"),
        ("device | take 1", "'take' operator: Failed to resolve table or column expression named"),
        ("Device | project name", "'project' operator: Failed to resolve scalar expression named"),
        (
            "Device | extend x = count()",
            "The aggregate function 'count' is not allowed in this context",
        ),
    ],
)
def test_slips_that_the_service_refuses_are_refused(engine: Engine, kql: str, message: str) -> None:
    """None of them is answered, and none is blamed on the emulator."""
    error = refusal(engine, kql)

    assert type(error) is KqlSemanticError
    assert message in str(error)


@pytest.mark.parametrize(
    "kql",
    [r'print "C:\Users\test"', "Device | TAKE 1", "Device | where Name == 'x", "print 'it''s"],
)
def test_text_that_is_no_kql_is_refused_as_such(engine: Engine, kql: str) -> None:
    """Captured phrases, and the place."""
    error = refusal(engine, kql)

    assert type(error) is KqlSyntaxError
    assert error.line == 1


def test_a_name_is_placed_where_the_parser_found_it(engine: Engine) -> None:
    """Line and column are those of the fault, not of the first word that is spelled so."""
    error = refusal(engine, "Device // Nope\n| where Name == 'Nope'\n| project Nope")

    assert isinstance(error, KqlSemanticError)
    assert (error.line, error.column) == (3, 11)


def test_what_the_parser_takes_is_never_refused_as_wrong(engine: Engine) -> None:
    """A text that only the emulator cannot run is the emulator's own limit."""
    error = refusal(engine, "Device | evaluate autocluster()")

    assert type(error) is KqlUnsupportedError


def test_columns_have_the_parsers_names_and_types(engine: Engine) -> None:
    """Where the translation gives a value of another type, the value is converted."""
    kql = "Device | project Build = toint(Build), Empty = dynamic(null), Text = tostring(Users)"

    result = engine.run(kql, now=NOW)

    assert [(c.name, c.type) for c in result.columns] == [
        ("Build", "int"),
        ("Empty", "dynamic"),
        ("Text", "string"),
    ]
    assert list(result.rows()) == [(7, None, "")]


def test_columns_that_invoke_names_are_no_values(engine: Engine) -> None:
    """The service takes a bare column there."""
    result = engine.run("Device | invoke FileProfile(Name, 100) | project Signer", now=NOW)

    assert [column.name for column in result.columns] == ["Signer"]


def test_without_the_parser_the_emulator_answers_as_best_it_can(engine: Engine) -> None:
    """No parser, no strictness: the translator decides alone."""
    alone = Engine(tables=engine.tables.values(), asked=lambda: None)

    assert list(alone.run("print x = toString(1)", now=NOW).rows()) == [("1",)]


def test_threads_that_ask_at_once_share_one_parser() -> None:
    """The first queries of two tenants come together; a thread that V8 does not know is fatal."""
    program = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from threading import Barrier\n"
        "from hunting_emulator.deadline import Deadline\n"
        "from hunting_emulator.engine import Engine\n"
        "from hunting_emulator.parser.judge import parser\n"
        "engine, together = Engine(tables=()), Barrier(6)\n"
        "def ask(_):\n"
        "    together.wait()\n"
        "    found = parser()\n"
        "    found.judge('print 1', {}, Deadline())\n"
        "    return found\n"
        "with ThreadPoolExecutor(6) as pool:\n"
        "    print(len({id(found) for found in pool.map(ask, range(6))}))\n"
        "parser().judge('print 2', {}, Deadline())\n"
    )

    ran = run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (0, "1\n"), ran.stderr
