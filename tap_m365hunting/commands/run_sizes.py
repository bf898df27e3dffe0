"""The size of a daily run, from the counts of a query's rows.

Pure. No query is looked at: counts say all that a prediction needs.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.commands import simulation
from tap_m365hunting.commands.documented_keys import Identity
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.commands.report import Facts
from tap_m365hunting.configuration.config import QuotaSettings, ReadSettings
from tap_m365hunting.instants import Instant, ticks
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.windows import TimeWindow

#: A run is taken to be one a day, as large as the days before it.
RUN: Final = timedelta(days=1)
_DAY_TICKS: Final = ticks(RUN)


class OverTime(Struct, frozen=True):
    """Rows over the latest days, and the window of a daily run at their end, with its lookback.

    `step` and `single` are the grid of the windows, as a `ResolvedQuery` has it.
    """

    density: Density
    run: TimeWindow
    step: timedelta | None
    single: bool


class RowCounts(Struct, frozen=True):
    """Counts of a query's rows; a whole table has no `over_time`.

    `cursor` is a column whose empty cells were counted: `nulls` are the rows without it, which no
    window holds. `unseen` is the retention of the settings, if the service does not show as much;
    `oldest` is then the oldest row shown. `offered` is the documented key as tried, `configured`
    that of the settings.
    """

    total: int
    over_time: OverTime | None = None
    cursor: str | None = None
    nulls: int = 0
    unseen: timedelta | None = None
    oldest: Instant | None = None
    offered: Identity | None = None
    configured: Identity | None = None


def sized(
    known: Facts, counts: RowCounts, read_settings: ReadSettings, quotas: QuotaSettings
) -> Facts:
    """Return the facts with the size of a run, as the settings have it read."""
    cap, over_time = read_settings.row_cap, counts.over_time
    if over_time is None:
        calls, rows = simulation.of_table(counts.total, row_cap=cap).calls, counts.total
    else:
        calls = _calls(over_time, cap, ahead=quotas.parallel_calls > 1)
        rows = over_time.density.expected(over_time.run)
    return replace(
        known,
        rows_a_day=_rows_a_day(over_time),
        rows_a_run=rows,
        calls_a_run=calls,
        minutes_a_run=simulation.minutes(calls, quotas),
        identity=counts.offered,
        configured=counts.configured,
    )


def _calls(counted: OverTime, row_cap: int, *, ahead: bool) -> int:
    return simulation.of_window(
        counted.run,
        counted.density,
        step=counted.step,
        single=counted.single,
        row_cap=row_cap,
        ahead=ahead,
    ).calls


def _rows_a_day(counted: OverTime | None) -> int | None:
    if counted is None:
        return None
    density = counted.density
    return round(density.total * _DAY_TICKS / (density.edges[-1] - density.edges[0]))


def remarks_of(counts: RowCounts) -> Iterator[Remark]:
    """Yield a warning for each thing in the counts that a user may not expect."""
    if counts.unseen:
        shown = (
            f"the oldest row that it shows is of {counts.oldest}"
            if counts.oldest
            else "it shows no row"
        )
        yield Remark(
            "warning",
            f"retention_days is {counts.unseen.days}, but {shown}. A first run tells what lies "
            "before as a gap, since nothing shows whether there was more",
        )
    if counts.nulls:
        yield Remark(
            "warning",
            f"Rows without a {counts.cursor}: {counts.nulls}. No window holds them, so they are "
            "never read. Fill it, as with coalesce(), or set replication_key to a column that all "
            "have",
        )
    if told := counts.configured and counts.configured.as_configured():
        yield Remark("warning", told)
