"""What real loaders hold after the tap's runs, read back by query. Run by `make loaders`."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.loaders.cases import CASES, Case
from tests.loaders.conftest import MakeLoader
from tests.loaders.limits import changed, written
from tests.loaders.loaders import INSTALLED, LOADERS, Held, Jsonl, Loader
from tests.loaders.runs import Runs, states
from tests.loaders.truth import Stream

pytestmark = pytest.mark.skipif(INSTALLED is None, reason="`make loaders` runs it")

Record = Mapping[str, Any]
Note = Callable[[str, object], None]


def loaded(loader: Loader, case: Case, runs: Runs) -> None:
    """Load both runs; the loader passes on the state that says so."""
    rows = any(stream.rows for stream in case.streams)
    for lines in runs.of(case):
        done = loader.load(lines)
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        passed_on = json.loads(done.stdout.splitlines()[-1])
        assert passed_on == states(lines)[-1 if rows else loader.idle]


def kept(loader: Loader, stream: Stream) -> list[dict[str, Any]]:
    """Return the records that a loader has to hold after both runs."""
    first, second = stream.first(), stream.second()
    if loader.keeps == "every run":
        return [*first, *second]
    if loader.keeps == "the last run":
        return second
    nothing = dict.fromkeys(stream.kinds)
    return [nothing | record for record in (*first[: stream.passed], *second)]


def expected(loader: Loader, stream: Stream) -> tuple[list[dict[str, Any]], set[str]]:
    """Return the rows as this loader stores them, and its limits that they meet."""
    rows, met = [], set()
    for record in kept(loader, stream):
        held, limits = changed(record, stream.kinds, loader.limits)
        rows.append({loader.column(name): value for name, value in held.items()})
        met |= {limit.about for limit in limits}
    return rows, met


def compared(rows: Sequence[Record]) -> list[list[tuple[str, str]]]:
    """Return rows in a form and an order that can be compared, without the tap's own id."""
    return sorted(
        sorted((name, written(value)) for name, value in row.items() if name != "_row_id")
        for row in rows
    )


def differences(found: Sequence[Record], wanted: Sequence[Record]) -> list[str]:
    """Say what differs, at most so much of it that a person reads it."""
    pairs = zip(compared(found), compared(wanted), strict=False)
    cells = [
        f"{left[0]}: {left[1][:150]!r} is not {right[0]}: {right[1][:150]!r}"
        for row, other in pairs
        for left, right in zip(row, other, strict=False)
        if left != right
    ]
    widths = [
        f"{len(row)} and {len(other)} columns"
        for row, other in zip(compared(found), compared(wanted), strict=False)
        if len(row) != len(other)
    ]
    counts = [] if len(found) == len(wanted) else [f"{len(found)} rows, not {len(wanted)}"]
    return [*counts, *widths, *cells][:20]


def ids(loader: Loader, held: Held) -> bool:
    """Say whether the rows have ids, each its own where the loader keeps each row once."""
    found = [row["_row_id"] for row in held.rows]
    once = len(found) == len(set(found)) or loader.keeps == "every run"
    return once and all(isinstance(row_id, str) and row_id for row_id in found)


def typed(loader: Loader, stream: Stream) -> dict[str, str] | None:
    """Return the type of each column, which comes from the service's schema and not from values."""
    if not loader.types:
        return None
    dynamic = "dynamic, nested" if stream.nested else "dynamic"
    kinds = {
        name: dynamic if kind == "dynamic" else kind
        for name, kind in (*stream.kinds.items(), ("_row_id", "string"))
    }
    return {loader.column(name): loader.types[kind] for name, kind in kinds.items()}


def pairs(*, refused: bool) -> list[Any]:
    """Return the cases with the loaders that load them, or that do not."""
    return [
        pytest.param(kind, case, id=f"{case.name}-{kind.name}")
        for case in CASES
        for kind in LOADERS
        if (case.name in kind.refuses) is refused
    ]


@pytest.mark.parametrize(("kind", "case"), pairs(refused=False))
def test_loader_holds_what_the_service_had(
    kind: type[Loader], case: Case, make_loader: MakeLoader, runs: Runs, record_property: Note
) -> None:
    """After two runs each value is there, but for what the loader is known to change."""
    loader = make_loader(kind, case)

    loaded(loader, case, runs)

    met: set[str] = set()
    for stream in case.streams:
        rows, limits = expected(loader, stream)
        held = loader.held(stream)
        if held is None:
            assert (kind, rows) == (Jsonl, []), f"nothing of {stream.name}"
            continue
        met |= limits
        assert differences(held.rows, rows) == [], stream.name
        assert set(held.columns) == {*map(loader.column, stream.kinds), "_row_id"}
        assert held.types == typed(loader, stream), stream.name
        assert ids(loader, held)
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
