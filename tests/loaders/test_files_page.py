"""The SQL of docs/files.md over what the tap writes."""

import duckdb
import pytest

from tests.loaders.cases import CASES
from tests.loaders.comparison import compared_with_truth, loaded
from tests.loaders.conftest import MakeLoader
from tests.loaders.files import Files
from tests.loaders.runs import Runs


@pytest.mark.parametrize("name", ["new-column", "names", "instants"])
def test_tables_hold_what_the_service_had(name: str, make_loader: MakeLoader, runs: Runs) -> None:
    """Each row is there once after two runs, typed, with all its digits and late columns."""
    case = next(case for case in CASES if case.name == name)
    files = make_loader(Files, case)

    loaded(files, case, runs)

    assert compared_with_truth(files, case) == set()


def test_without_new_files_nothing_changes(make_loader: MakeLoader, runs: Runs) -> None:
    """A file is read once; where none is new, the SQL fails and the tables stay."""
    case = next(case for case in CASES if case.name == "new-column")
    files = make_loader(Files, case)
    loaded(files, case, runs)

    with pytest.raises(duckdb.Error, match="NULL list"):
        files.read_new()

    assert compared_with_truth(files, case) == set()
