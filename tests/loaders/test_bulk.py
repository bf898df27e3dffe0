"""The project's own loader behind the tap; `make loaders` tries it on every case."""

import pytest

from tests.loaders.bulk import Bulk
from tests.loaders.cases import CASES
from tests.loaders.comparison import compared_with_truth, loaded
from tests.loaders.conftest import MakeLoader
from tests.loaders.runs import Runs

NAMES = ("new-column", "snapshot", "names", "numbers", "instants", "texts", "dynamic-json-scalars")


@pytest.mark.parametrize("name", NAMES)
def test_tables_hold_what_the_service_had(name: str, make_loader: MakeLoader, runs: Runs) -> None:
    """Each row is there once after two runs, with every digit, late columns included."""
    case = next(case for case in CASES if case.name == name)
    loader = make_loader(Bulk, case)

    loaded(loader, case, runs)

    assert compared_with_truth(loader, case) == set()
