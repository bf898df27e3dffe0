"""A wide catalog costs what it is wide, and not the square of that."""

from collections.abc import Callable

import pytest

from tests.security.hosts import reply
from tests.security.processes import Ran
from tests.security.world import COLUMNS, World, rows_answer

#: By the square, eight times the size takes up to 64 times the processor's time.
TIMES = 8


def taken(run: Callable[[int], Ran], size: int) -> float:
    """Return how much more processor time the larger of two sizes takes."""
    small, large = run(size), run(size * TIMES)
    assert (small.status, large.status) == (0, 0)
    return large.cpu_seconds / small.cpu_seconds


@pytest.mark.parametrize("size", [100, 3_000])
@pytest.mark.parametrize("names", ["safe", "as_is"])
def test_columns_of_a_catalog_cost_no_square(world: World, names: str, size: int) -> None:
    """A projection may be of any width."""

    def run(count: int) -> Ran:
        columns = [COLUMNS[0], *({"name": f"C{n}", "type": "String"} for n in range(count))]
        world.api = lambda query: reply(
            rows_answer(query) if "__rows" in query else {"schema": columns, "results": []}
        )
        catalog = world.folder / "catalog.json"
        found = world.tap("--discover", level="info", seconds=300, column_names=names)
        catalog.write_bytes(found.output)
        given = ("--catalog", str(catalog))
        return world.tap(*given, level="info", seconds=300, column_names=names)

    assert taken(run, size) < 12
