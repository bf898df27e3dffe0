"""A run played through, with counted rows in the place of the service.

Pure. The planner is the real planner; only the answers are made up. The places of rows inside a bin
are unknown, so a window's own rows are an estimate, and the sum is the count.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from tap_m365hunting.configuration.config import QuotaSettings
from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.table_planner import TablePlanner
from tap_m365hunting.planning.windows import (
    Ask,
    CountAsk,
    ReadAsk,
    TimeWindow,
    WindowAnswer,
    WindowDone,
)
from tap_m365hunting.service.quota import MINUTE, TenantQuota

#: The assumed duration of a call, in seconds; no document has a figure.
SECONDS_A_CALL: Final = 3.0


class Simulation(Struct, frozen=True):
    """The windows in the order of time, and the calls for them, counts included."""

    windows: tuple[WindowDone, ...]
    calls: int


def of_window(
    window: TimeWindow,
    density: Density,
    *,
    step: timedelta | None,
    single: bool,
    row_cap: int,
    ahead: bool,
) -> Simulation:
    """Play the reading of a window through, planned as in a run; `ahead` with calls in parallel.

    `step` and `single` are the grid of the windows, as a `ResolvedQuery` has it.
    """
    planner = Planner(window, row_cap=row_cap, step=step, single=single, ahead=ahead)
    return rehearse(planner, density, row_cap=row_cap)


def of_table(rows: int, *, row_cap: int) -> Simulation:
    """Play the reading of a whole table through."""
    return rehearse(TablePlanner(row_cap=row_cap), Density((0, 1), (rows,)), row_cap=row_cap)


def rehearse(planner: Planner | TablePlanner, density: Density, *, row_cap: int) -> Simulation:
    """Play a planner through a span with the rows of a density."""
    calls = 0
    done = list[WindowDone]()
    while (ask := planner.next()) is not None:
        calls += 1
        if isinstance(ask, CountAsk):
            planner.counted(ask, _counts(density, ask))
        else:
            planner.answered(ask, _answer(density, ask, row_cap))
        done += planner.drain()
    return Simulation((*done, *planner.drain()), calls)


def minutes(calls: int, quotas: QuotaSettings, *, first: int = 0) -> float:
    """Return the duration of so many calls under the quotas, the `first` of them in sequence.

    The others go out as many at the same time as the settings allow.
    """
    quota = TenantQuota.of_calls(
        per_minute=quotas.calls_per_minute,
        per_hour=quotas.calls_per_hour,
        share_percent=quotas.share_percent,
    )
    now = end = 0.0
    free = [0.0] * quotas.parallel_calls
    for call in range(calls):
        # until when the one that is free next was busy; behind it all the first ones
        now = max(now, heappop(free), end if call <= first else 0.0)
        while wait := quota.take(now):
            now += wait
        end = now + SECONDS_A_CALL
        heappush(free, end)
    return max(free) / MINUTE


def together(takes: Sequence[float], parallel: int) -> float:
    """Return the duration of all tasks, so many at the same time, in their order.

    >>> together([3, 1, 1, 1], parallel=2)
    3.0
    """
    free = [0.0] * parallel
    for each in takes:
        heappush(free, heappop(free) + each)
    return max(free)


def _counts(density: Density, ask: CountAsk) -> Mapping[Instant, int]:
    window = _window(density, ask)
    if ask.bin is None:
        return {window.start: density.expected(window)}
    width = ticks(ask.bin)
    starts = range(window.start.ticks // width * width, window.end.ticks, width)
    bins = {Instant(start): _part(window, start, start + width) for start in starts}
    counts = {start: density.expected(part) for start, part in bins.items()}
    return {start: rows for start, rows in counts.items() if rows}


def _part(window: TimeWindow, start: int, end: int) -> TimeWindow:
    return TimeWindow(max(window.start, Instant(start)), min(window.end, Instant(end)))


def _answer(density: Density, ask: ReadAsk, row_cap: int) -> WindowAnswer:
    window = _window(density, ask)
    rows = density.expected(window)
    if ask.part:
        index, of = ask.part.index, ask.part.of
        return WindowAnswer(min(row_cap, rows * (index + 1) // of - rows * index // of))
    if rows < row_cap or ask.window is None:
        return WindowAnswer(min(row_cap, rows))
    before = density.before(window.start.ticks)
    newest = density.point(before + row_cap - 1)
    newest = min(max(newest, window.start.ticks + 1), window.end.ticks - 1)
    used = min(density.before(newest) - before, row_cap - 1)
    return WindowAnswer(row_cap, Instant(newest), held=row_cap - used)


def _window(density: Density, ask: Ask) -> TimeWindow:
    whole = TimeWindow(Instant(density.edges[0]), Instant(density.edges[-1]))
    return ask.window or whole
