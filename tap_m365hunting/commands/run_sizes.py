"""Counts the rows of checked queries, and predicts a daily run of each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from msgspec.structs import replace
from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.commands import counting, simulation
from tap_m365hunting.commands.documented_keys import Identity
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.remarks import Remark
from tap_m365hunting.commands.report import Facts, QueryReport
from tap_m365hunting.configuration.config import QuotaSettings, ReadSettings
from tap_m365hunting.errors import WindowTooLargeError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.spans import overlap
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.sync.long_retention import RunCall, asking
from tap_m365hunting.sync.reader import Call

#: A run is taken to be one a day, as large as the days before it.
RUN: Final = timedelta(days=1)
COUNTED_DAYS: Final = 7


class RunSizer:
    """Sizes the runs of a tenant's queries; each costs two counts, a whole table one more."""

    def __init__(
        self,
        read_settings: ReadSettings,
        quotas: QuotaSettings,
        run: RunCall,
        *,
        now: Instant,
    ) -> None:
        self._read_settings = read_settings
        self._quotas = quotas
        self._run = run
        self._now = now

    def sized(self, found: QueryReport) -> QueryReport:
        """Return the report with the size of a run, if the query is fit to run."""
        probed = found.probed
        if probed is None or not found.ok or found.facts is None:
            return found
        try:
            remarks = (*found.remarks, *self._null_cursors(probed))
            facts = self._facts(probed, found.facts)
            told = facts.configured.as_configured() if facts.configured else None
            remarks = (*remarks, *((Remark("warning", told),) if told else ()))
            return replace(found, remarks=remarks, facts=facts)
        except WindowTooLargeError as error:
            message = f"Its rows could not be counted, so nothing is predicted: {error}"
            return replace(found, remarks=(*found.remarks, Remark("warning", message)))
        except SingerSDKError as error:
            return replace(found, remarks=(*found.remarks, Remark("error", str(error))))

    def _null_cursors(self, probed: ProbedQuery) -> Iterator[Remark]:
        cursor = probed.verdict.cursor
        if probed.verdict.mode is not Mode.INCREMENTAL or cursor is None:
            return
        rows, oldest = counting.nulls(probed.resolved, cursor, self._asking(probed, None))
        yield from self._out_of_sight(probed, oldest)
        if rows:
            yield Remark(
                "warning",
                f"Rows without a {cursor}: {rows}. No window holds them, so they are never read. "
                "Fill it, as with coalesce(), or set replication_key to a column that all have",
            )

    def _out_of_sight(self, probed: ProbedQuery, oldest: Instant | None) -> Iterator[Remark]:
        """Say if the service shows less than a setting of more than 30 days expects."""
        retention = probed.resolved.retention
        if probed.resolved.spanned and (oldest is None or oldest > self._now - retention + RUN):
            shown = f"the oldest row that it shows is of {oldest}" if oldest else "it shows no row"
            yield Remark(
                "warning",
                f"retention_days is {retention.days}, but {shown}. A first run tells what lies "
                "before as a gap, since nothing shows whether there was more",
            )

    def _asking(self, probed: ProbedQuery, start: Instant | None) -> Call:
        return asking(self._run, probed.resolved.scope(start, self._now))

    def _facts(self, probed: ProbedQuery, known: Facts) -> Facts:
        if probed.verdict.mode is Mode.FULL_TABLE:
            return self._whole(probed, known)
        days = COUNTED_DAYS if probed.verdict.mode is Mode.INCREMENTAL else 1
        counted = self._counted(probed, min(timedelta(days=days), probed.query.retention))
        span = TimeWindow(Instant(counted.edges[0]), Instant(counted.edges[-1]))
        lookback = probed.query.lookback * (probed.verdict.mode is Mode.INCREMENTAL)
        window = overlap(TimeWindow(span.end - RUN - lookback, span.end), span) or span
        window = probed.resolved.whole_steps(window) or window
        run = simulation.of_window(
            probed.resolved,
            window,
            counted,
            row_cap=self._read_settings.row_cap,
            ahead=self._quotas.parallel_calls > 1,
        )
        return replace(
            known,
            rows_a_day=round(counted.total * _DAY_TICKS / span.ticks),
            rows_a_run=counted.expected(window),
            calls_a_run=run.calls,
            minutes_a_run=simulation.minutes(run.calls, self._quotas),
            identity=self._tried(probed, known.identity, counted),
            configured=self._tried(probed, _configured(probed), counted),
        )

    def _tried(
        self, probed: ProbedQuery, key: Identity | None, counted: Density | None
    ) -> Identity | None:
        """Count how far the columns are a key of the newest rows, or of a whole table."""
        if key is None:
            return None
        incremental = probed.verdict.mode is Mode.INCREMENTAL
        return key.tried(
            probed.resolved,
            probed.verdict.cursor if incremental else None,
            counted,
            self._asking(probed, self._now if counted else None),
            most=self._read_settings.row_cap,
        )

    def _counted(self, probed: ProbedQuery, width: timedelta) -> Density:
        end = self._now - probed.query.settle
        window, cap = TimeWindow(end - width, end), self._read_settings.row_cap
        call = self._asking(probed, window.start)
        return counting.over_time(probed.resolved, window, call, row_cap=cap)

    def _whole(self, probed: ProbedQuery, known: Facts) -> Facts:
        rows = counting.total(probed.resolved, None, self._asking(probed, None))
        run = simulation.of_table(rows, row_cap=self._read_settings.row_cap)
        return replace(
            known,
            rows_a_run=rows,
            calls_a_run=run.calls,
            minutes_a_run=simulation.minutes(run.calls, self._quotas),
            configured=self._tried(probed, _configured(probed), None),
        )


def _configured(probed: ProbedQuery) -> Identity | None:
    """Return the key that the settings name, if they name one."""
    return Identity(probed.shape.key) if probed.query.primary_keys else None


_DAY_TICKS: Final = TimeWindow(Instant(0), Instant(0) + RUN).ticks
