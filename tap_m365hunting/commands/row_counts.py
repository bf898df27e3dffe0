"""Counts the rows of a checked query: of its latest days, or of a whole table; none is fetched."""

from datetime import timedelta
from typing import Final

from tap_m365hunting.commands import counting
from tap_m365hunting.commands.documented_keys import Identity
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.run_sizes import RUN, OverTime, RowCounts
from tap_m365hunting.configuration.config import ReadSettings
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.spans import overlap
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.sync.long_retention import RunCall, asking
from tap_m365hunting.sync.reader import Call

COUNTED_DAYS: Final = 7


class RowCounter:
    """Counts the rows of a tenant's queries: at most four calls for each."""

    def __init__(self, read_settings: ReadSettings, run: RunCall, *, now: Instant) -> None:
        self._row_cap = read_settings.row_cap
        self._run = run
        self._now = now

    def counted(self, probed: ProbedQuery, offered: Identity | None) -> RowCounts:
        """Count the rows of a query; try an offered key, and the configured key.

        Raises:
            SingerSDKError: the service has not counted.
        """
        if probed.verdict.mode is Mode.FULL_TABLE:
            total = counting.total(probed.resolved, None, self._asking(probed, None))
            return RowCounts(
                total,
                offered=self._tried(probed, offered, None),
                configured=self._tried(probed, _configured(probed), None),
            )
        nulls, unseen, oldest = self._without_cursor(probed)
        over_time = self._over_time(probed)
        return RowCounts(
            over_time.density.total,
            over_time,
            cursor=probed.verdict.cursor,
            nulls=nulls,
            unseen=unseen,
            oldest=oldest,
            offered=self._tried(probed, offered, over_time.density),
            configured=self._tried(probed, _configured(probed), over_time.density),
        )

    def _without_cursor(self, probed: ProbedQuery) -> tuple[int, timedelta | None, Instant | None]:
        """Count the rows without a cursor; look whether the service shows as much as is kept."""
        cursor, resolved = probed.verdict.cursor, probed.resolved
        if probed.verdict.mode is not Mode.INCREMENTAL or cursor is None:
            return 0, None, None
        nulls, oldest = counting.nulls(resolved, cursor, self._asking(probed, None))
        begin = self._now - resolved.retention + RUN
        short = resolved.spanned and (oldest is None or oldest > begin)
        return nulls, resolved.retention if short else None, oldest

    def _over_time(self, probed: ProbedQuery) -> OverTime:
        incremental = probed.verdict.mode is Mode.INCREMENTAL
        days = COUNTED_DAYS if incremental else 1
        density = self._density(probed, min(timedelta(days=days), probed.query.retention))
        span = TimeWindow(Instant(density.edges[0]), Instant(density.edges[-1]))
        lookback = probed.query.lookback * incremental
        run = overlap(TimeWindow(span.end - RUN - lookback, span.end), span) or span
        resolved = probed.resolved
        return OverTime(
            density, resolved.whole_steps(run) or run, step=resolved.step, single=resolved.single
        )

    def _density(self, probed: ProbedQuery, width: timedelta) -> Density:
        end = self._now - probed.query.settle
        window = TimeWindow(end - width, end)
        call = self._asking(probed, window.start)
        return counting.over_time(probed.resolved, window, call, row_cap=self._row_cap)

    def _tried(
        self, probed: ProbedQuery, key: Identity | None, density: Density | None
    ) -> Identity | None:
        """Count how far the columns are a key of the newest rows, or of a whole table."""
        if key is None:
            return None
        incremental = probed.verdict.mode is Mode.INCREMENTAL
        return key.tried(
            probed.resolved,
            probed.verdict.cursor if incremental else None,
            density,
            self._asking(probed, self._now if density else None),
            most=self._row_cap,
        )

    def _asking(self, probed: ProbedQuery, start: Instant | None) -> Call:
        return asking(self._run, probed.resolved.scope(start, self._now))


def _configured(probed: ProbedQuery) -> Identity | None:
    """Return the key that the settings name, if they name one."""
    return Identity(probed.shape.key) if probed.query.primary_keys else None
