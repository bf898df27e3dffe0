"""Long texts and wide tables: a run comes to its end, as nothing grows with a square."""

from tests.security.hosts import reply
from tests.security.world import World, rows_answer


def test_query_of_many_joins_is_judged(world: World) -> None:
    """Steps of the judge are counted in tests/kql; here the command ends."""
    query = "AlertInfo\n" + "| join AlertEvidence on AlertId\n" * 15_000

    ran = world.check("--offline", level="info", queries=[{"name": "a", "query": query}])

    assert ran.status == 0


def test_table_of_many_columns_is_read_with_its_catalog(world: World) -> None:
    """Looks at the catalog are counted in tests/wire; here the run ends."""
    columns = [{"name": "Timestamp", "type": "DateTime"}]
    columns += [{"name": f"C{number}", "type": "String"} for number in range(100_000)]
    wide = {"schema": columns, "results": []}
    world.api = lambda query: reply(rows_answer(query) if "__rows" in query else wide)
    catalog = world.folder / "catalog.json"
    catalog.write_bytes(world.tap("--discover", level="info").output)

    ran = world.tap("--catalog", str(catalog), level="info", seconds=90)

    assert ran.status == 0
