"""Counts what the next run would read, and plays the run through with the counts."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.singerlib import Catalog

from tap_m365hunting.commands import counting
from tap_m365hunting.commands.inquiry import Inquiry
from tap_m365hunting.commands.plans import StreamPlan
from tap_m365hunting.commands.simulation import Rehearsal, minutes, rehearse
from tap_m365hunting.configuration.config import HuntingQuery, Settings
from tap_m365hunting.errors import AuthenticationError, FatalSyncError, SignInError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.hash_parts import TablePlanner
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.sync.query_settings import agenda_of
from tap_m365hunting.sync.reader import Call

#: The most bars that a histogram has.
BARS: Final = 60


def selected(queries: Iterable[HuntingQuery], catalog: Catalog) -> list[HuntingQuery]:
    """Return the queries that a run with this catalog reads."""
    entries = {entry.tap_stream_id: entry for entry in catalog.streams}
    return [
        query
        for query in queries
        if query.name in entries and entries[query.name].metadata.resolve_selection().get((), True)
    ]


class Forecaster:
    """Plans one tenant's streams; each costs a probe and as a rule one count.

    `state` is the state that the run would start from.
    """

    def __init__(
        self,
        tenant_id: str,
        settings: Settings,
        call: Call,
        *,
        state: Mapping[str, Any],
        now: Instant,
    ) -> None:
        self._tenant_id = tenant_id
        self._partitioned = settings.partitioned
        self._rations = settings.rations
        self._reading = settings.reading
        self._call = call
        self._state = state
        self._now = now
        self._answered = False

    def stream(self, query: HuntingQuery) -> StreamPlan:
        """Plan a query.

        Raises:
            AuthenticationError, SignInError: the service takes no call; it holds for every query.
        """
        try:
            inquiry = _fit(Inquiry.of(query, self._reading, self._call))
            self._answered = True
            if inquiry.verdict.mode is Mode.FULL_TABLE:
                return self._whole(inquiry)
            return self._windowed(inquiry)
        except (AuthenticationError, SignInError) as error:
            if not self._answered:  # else what is missing is this query's alone: a licence
                raise
            return StreamPlan(query.name, self._tenant_id, error=str(error))
        except SingerSDKError as error:
            return StreamPlan(query.name, self._tenant_id, error=str(error))

    def _whole(self, inquiry: Inquiry) -> StreamPlan:
        rows = counting.total(inquiry.hunt, None, self._call)
        cap = self._reading.row_cap
        table = counting.even(TimeWindow.at(self._now), rows)
        played = rehearse(TablePlanner(row_cap=cap), table, row_cap=cap)
        return self._planned(inquiry, rows, played, ())

    def _windowed(self, inquiry: Inquiry) -> StreamPlan:
        cursor = inquiry.verdict.cursor
        agenda = agenda_of(
            inquiry.query,
            self._reading,
            inquiry.hunt,
            state=self._state,
            tenant_id=self._tenant_id,
            partitioned=self._partitioned,
            key=inquiry.shape.names[cursor] if cursor else None,
            now=self._now,
        )
        counted = [self._counted(inquiry, window) for window in agenda.windows]
        played = [
            rehearse(
                self._planner(inquiry, window),
                rows,
                row_cap=self._reading.row_cap,
            )
            for window, rows in zip(agenda.windows, counted, strict=True)
        ]
        run = Rehearsal(
            tuple(done for part in played for done in part.windows),
            sum(part.calls for part in played),
        )
        rows = sum(density.total for density in counted)
        # the last span is the run's own; those before it are holes of earlier runs
        over_time = bool(counted) and inquiry.verdict.mode is Mode.INCREMENTAL
        bins = tuple(counting.rebinned(counted[-1], most=BARS)) if over_time else ()
        note = agenda.void and f"The bookmark {agenda.void}; all is read anew"
        return replace(self._planned(inquiry, rows, run, bins), note=note)

    def _planner(self, inquiry: Inquiry, window: TimeWindow) -> Planner:
        return Planner(
            window,
            row_cap=self._reading.row_cap,
            step=inquiry.hunt.step,
            ahead=self._rations.parallel_calls > 1,
        )

    def _counted(self, inquiry: Inquiry, window: TimeWindow) -> Density:
        if inquiry.verdict.mode is Mode.WINDOWED:
            return counting.even(window, counting.total(inquiry.hunt, window, self._call))
        cap = self._reading.row_cap
        return counting.density(inquiry.hunt, window, self._call, row_cap=cap)

    def _planned(
        self,
        inquiry: Inquiry,
        rows: int,
        played: Rehearsal,
        bins: tuple[tuple[TimeWindow, int], ...],
    ) -> StreamPlan:
        return StreamPlan(
            name=inquiry.query.name,
            tenant_id=self._tenant_id,
            rows=rows,
            calls=played.calls,
            minutes=minutes(played.calls, self._rations),
            windows=tuple((done.window, done.rows) for done in played.windows),
            bins=bins,
        )


def _fit(inquiry: Inquiry) -> Inquiry:
    """Return the query if it may run.

    Raises:
        FatalSyncError: it may not.
    """
    wrong = [remark.message for remark in inquiry.remarks if remark.severity == "error"]
    if wrong:
        raise FatalSyncError("; ".join(wrong))
    return inquiry
