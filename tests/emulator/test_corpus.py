"""The queries in corpus/ run, and have the columns that Microsoft's parser finds.

They cover the operators and functions that published hunting queries use, one query a line.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hunting_emulator.deadline import Deadline
from hunting_emulator.engine import Engine, KqlError
from hunting_emulator.kql import complaints
from hunting_emulator.parser.folder import installed
from hunting_emulator.parser.judge import Judge, parser

FOLDER = Path(__file__).with_name("corpus")
NOW = "2026-03-01T00:00:00Z"
# told as the emulator's own limit; every other query is answered
LIMITS = frozenset(
    {
        'DeviceEvents | parse kind=regex FileName with Name "[.]" Extension:string',
        'search "mimikatz"',
    }
)


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


def test_the_corpus_is_large() -> None:
    """Three hundred queries, no two alike."""
    assert len(set(queries())) >= 300


@pytest.mark.skipif(installed() is None, reason="Microsoft's parser is not here")
@pytest.mark.parametrize("kql", sorted(set(queries()) - LIMITS))
def test_a_query_is_answered_with_the_parsers_columns(engine: Engine, kql: str) -> None:
    """The parser takes it, the emulator answers it, and their columns are the same."""
    asked = parser()
    assert asked is not None
    tables = {
        name: [(column.name, column.type) for column in table.columns]
        for name, table in engine.tables.items()
        if not table.sentinel
    }
    verdict = Judge(asked, tables).verdict(complaints.judged(kql), Deadline())
    assert verdict is not None
    assert verdict.complaints == ()

    result = engine.run(kql, now=NOW)

    list(result.rows())
    if verdict.columns:
        assert [(c.name, c.type) for c in result.columns] == list(verdict.columns)


@pytest.mark.parametrize("kql", sorted(LIMITS))
def test_a_limit_is_told_as_one(engine: Engine, kql: str) -> None:
    """It is not blamed on the query."""
    with pytest.raises(KqlError, match="The emulator cannot run this query"):
        engine.run(kql, now=NOW)
