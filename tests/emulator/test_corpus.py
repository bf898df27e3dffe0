"""The queries in corpus/ run, and have the columns that Microsoft's parser finds.

They cover the operators and functions that published hunting queries use, one query a line.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hunting_emulator.engine import Engine, KqlError
from hunting_emulator.parser.folder import installed
from hunting_emulator.parser.judge import Judge, parser

FOLDER = Path(__file__).with_name("corpus")
NOW = "2026-03-01T00:00:00Z"
# told as the emulator's own limit; every other query is answered
LIMITS = frozenset({'DeviceEvents | parse kind=regex FileName with Name "[.]" Extension:string'})


def queries() -> Iterator[str]:
    """Yield every query."""
    for file in sorted(FOLDER.glob("*.kql")):
        for line in file.read_text("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.strip()


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The tables of the service, and no row."""
    return Engine()


@pytest.fixture(scope="module")
def alone() -> Engine:
    """The same, without Microsoft's parser."""
    return Engine(asked=lambda: None)


def test_the_corpus_is_large() -> None:
    """Three hundred queries, no two alike."""
    assert len(set(queries())) >= 300


@pytest.mark.skipif(installed() is None, reason="Microsoft's parser is not here")
@pytest.mark.parametrize("kql", sorted(set(queries()) - LIMITS))
def test_a_query_is_answered_with_the_parsers_columns(
    engine: Engine, alone: Engine, kql: str
) -> None:
    """Also without the parser, whose names and types are the emulator's own then."""
    asked = parser()
    assert asked is not None
    tables = {
        name: [(column.name, column.type) for column in table.columns]
        for name, table in engine.tables.items()
    }
    verdict = Judge(asked, tables).verdict(kql)

    result = engine.run(kql, now=NOW)
    own = alone.run(kql, now=NOW)

    list(result.rows())
    assert [(c.name, c.type) for c in result.columns] == [(c.name, c.type) for c in own.columns]
    if verdict is not None and verdict.columns:
        assert [(c.name, c.type) for c in result.columns] == list(verdict.columns)


@pytest.mark.parametrize("kql", sorted(LIMITS))
def test_a_limit_is_told_as_one(engine: Engine, kql: str) -> None:
    """It is not blamed on the query."""
    with pytest.raises(KqlError, match="The emulator cannot run this query"):
        engine.run(kql, now=NOW)
