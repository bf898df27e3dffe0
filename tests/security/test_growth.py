"""Long texts and wide tables: a run comes to its end, as nothing grows with a square."""

from collections.abc import Callable

import pytest

from tests.security.hosts import reply
from tests.security.processes import CPU_SECONDS, Ran
from tests.security.world import World, rows_answer


def many_joins(world: World) -> Ran:
    """Judge a query; steps of the judge are counted in tests/kql."""
    query = "AlertInfo\n" + "| join AlertEvidence on AlertId\n" * 15_000
    queries = [{"name": "a", "query": query}]
    return world.check("--offline", level="info", seconds=300, queries=queries)


def many_columns(world: World) -> Ran:
    """Read a table with its catalog; looks at the catalog are counted in tests/wire."""
    columns = [{"name": "Timestamp", "type": "DateTime"}]
    columns += [{"name": f"C{number}", "type": "String"} for number in range(100_000)]
    wide = {"schema": columns, "results": []}
    world.api = lambda query: reply(rows_answer(query) if "__rows" in query else wide)
    catalog = world.folder / "catalog.json"
    catalog.write_bytes(world.tap("--discover", level="info", seconds=300).output)
    return world.tap("--catalog", str(catalog), level="info", seconds=300)


@pytest.mark.parametrize("run", [many_joins, many_columns])
def test_run_of_a_great_size_comes_to_its_end(world: World, run: Callable[[World], Ran]) -> None:
    """With steps by the square, it would take minutes."""
    world.environment[CPU_SECONDS] = "60"

    assert run(world).status == 0
