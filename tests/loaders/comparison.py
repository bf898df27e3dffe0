"""What a loader holds, beside what it has to hold."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.loaders.cases import Case
from tests.loaders.limits import changed, written
from tests.loaders.loaders import Held, Jsonl, Loader
from tests.loaders.runs import Runs, states
from tests.loaders.truth import Stream

STAYS = "A row that is gone at the source stays"
Record = Mapping[str, Any]


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
    stay = stream.passed + (0 if loader.drops else stream.gone)
    return [nothing | record for record in (*first[:stay], *second)]


def expected(loader: Loader, stream: Stream) -> tuple[list[dict[str, Any]], set[str]]:
    """Return the rows as this loader stores them, and its limits that they meet."""
    rows: list[dict[str, Any]] = []
    met = {STAYS} if stream.gone and loader.keeps == "each row once" and not loader.drops else set()
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


def compared_with_truth(loader: Loader, case: Case) -> set[str]:
    """Assert that each value is there, but for the loader's limits; return those that were met."""
    met: set[str] = set()
    for stream in case.streams:
        rows, limits = expected(loader, stream)
        held = loader.held(stream)
        if held is None:
            assert (type(loader), rows) == (Jsonl, []), f"nothing of {stream.name}"
            continue
        met |= limits
        assert differences(held.rows, rows) == [], stream.name
        assert set(held.columns) == {*map(loader.column, stream.kinds), "_row_id"}
        assert held.types == typed(loader, stream), stream.name
        assert ids(loader, held)
    return met
