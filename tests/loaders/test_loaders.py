"""What real loaders hold after the tap's runs, read back by query. Run by `make loaders`."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.loaders.bulk import Bulk
from tests.loaders.cases import CASES, Case
from tests.loaders.comparison import compared_with_truth, loaded
from tests.loaders.conftest import MakeLoader
from tests.loaders.files import Files
from tests.loaders.loaders import INSTALLED, LOADERS, Loader
from tests.loaders.runs import Runs

EVERY: Final[tuple[type[Loader], ...]] = (Bulk, *LOADERS, Files)
pytestmark = pytest.mark.skipif(INSTALLED is None, reason="`make loaders` runs it")

Note = Callable[[str, object], None]


def pairs(*, refused: bool) -> list[Any]:
    """Return the cases with the loaders that load them, or that do not."""
    return [
        pytest.param(kind, case, id=f"{case.name}-{kind.name}")
        for case in CASES
        for kind in EVERY
        if (case.name in kind.refuses) is refused
    ]


@pytest.mark.parametrize(("kind", "case"), pairs(refused=False))
def test_loader_holds_what_the_service_had(
    kind: type[Loader], case: Case, make_loader: MakeLoader, runs: Runs, record_property: Note
) -> None:
    """After two runs each value is there, but for what the loader is known to change."""
    loader = make_loader(kind, case)

    loaded(loader, case, runs)

    met = compared_with_truth(loader, case)
    record_property("result", json.dumps([case.name, kind.name, sorted(met)]))


@pytest.mark.parametrize(("kind", "case"), pairs(refused=True))
def test_loader_refuses_what_it_cannot_hold(
    kind: type[Loader], case: Case, make_loader: MakeLoader, runs: Runs, record_property: Note
) -> None:
    """What a loader cannot take fails its run: nothing is lost without a word."""
    loader = make_loader(kind, case)
    about, message = kind.refuses[case.name]

    done = loader.load(runs.of(case)[0])

    assert done.returncode != 0
    assert message in done.stderr.decode()
    record_property("result", json.dumps([case.name, kind.name, [about]]))
