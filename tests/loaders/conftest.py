"""What the loaders write into: one server, and a folder for each load."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import pytest

from tests.loaders.cases import Case
from tests.loaders.loaders import Loader, Postgres
from tests.loaders.postgres import Server, serving
from tests.loaders.runs import Runs

Kind = TypeVar("Kind", bound=Loader)


class MakeLoader(Protocol):
    """Makes a loader over an empty place for a case."""

    def __call__(self, kind: type[Kind], case: Case) -> Kind:
        """Make one."""


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The tap's output."""
    return Runs(tmp_path_factory.mktemp("singer"))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with serving() as running:
        yield running


@pytest.fixture
def make_loader(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> MakeLoader:
    """Return what makes a loader over an empty place; the server starts when one asks for it."""

    def make(kind: type[Kind], case: Case) -> Kind:
        folder = tmp_path_factory.mktemp(case.name.replace("-", "_"), numbered=True)
        if issubclass(kind, Postgres):
            return kind(folder, request.getfixturevalue("server"))
        return kind(folder)

    return make
