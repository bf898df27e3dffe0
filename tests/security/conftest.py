"""A world for each test: a service, a login, an identity endpoint, all of them ours."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.security.faults import FAULT, faults
from tests.security.hosts import Authority
from tests.security.processes import Processes
from tests.security.world import HEADER, World

# `make test` takes so many-th of the cases of each test, `make security` all
EVERY = 1 if os.environ.get("SECURITY") else 6


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave most cases to `make security`."""
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    chosen = set(_some(mine))
    left = [item for item in mine if item not in chosen]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def _some(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield every so many-th case of each test, the first among them."""
    met: dict[str, int] = {}
    for item in items:
        name = item.nodeid.partition("[")[0]
        number = met[name] = met.get(name, -1) + 1
        if number % EVERY == 0:
            yield item


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """The commands, loaded."""
    with Processes(tmp_path_factory.mktemp("output")) as processes:
        yield processes


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs all hosts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def world(
    processes: Processes,
    authority: Authority,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Iterator[World]:
    """A world in which all is well, until a test changes a part."""
    processes.ran.clear()
    with World.made(processes, authority, tmp_path) as world:
        yield world
        # an endpoint that needs no header cannot know it
        known = HEADER in world.environment.values()
        for fault in sorted({fault for ran in processes.ran for fault in faults(ran, known=known)}):
            record_property(FAULT, fault)
