"""Counts the rows of the next run, and plays the run through with the counts."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from msgspec.structs import replace
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.singerlib import Catalog

from tap_m365hunting.commands import counting, simulation
from tap_m365hunting.commands.plans import StreamPlan
from tap_m365hunting.commands.probed_query import ProbedQuery
from tap_m365hunting.commands.simulation import Simulation
from tap_m365hunting.configuration.config import HuntingQuery, Settings
from tap_m365hunting.errors import TENANT_ERRORS, FatalSyncError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.state import StreamState
from tap_m365hunting.planning.timespan import Sight
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.sync.long_retention import (
    PROOF_CALLS,
    RunCall,
    asking,
    in_sight,
    needs_proof,
    scope_of,
    sight_of,
)
from tap_m365hunting.sync.reader import Call
from tap_m365hunting.sync.resolved_query import run_windows_of

#: The most bars that a histogram has.
BARS: Final = 60


def selected(queries: Iterable[HuntingQuery], catalog: Catalog) -> list[HuntingQuery]:
    """Return the queries read by a run with the catalog."""
    entries = {entry.tap_stream_id: entry for entry in catalog.streams}
    return [
        query
        for query in queries
        if query.name in entries and entries[query.name].metadata.resolve_selection().get((), True)
    ]


class Forecaster:
    """Plans a tenant's streams; each costs a probe and as a rule a count.

    `state` is the state at the start of the run.
    """

    def __init__(
        self,
        tenant_id: str,
        settings: Settings,
        run: RunCall,
        *,
        state: Mapping[str, Any],
        now: Instant,
    ) -> None:
        self._tenant_id = tenant_id
        self._partitioned = settings.partitioned
        self._quotas = settings.quotas
        self._read_settings = settings.read_settings
        self._run = run
        self._state = state
        self._now = now
        self._answered = False

    def stream(self, query: HuntingQuery) -> StreamPlan:
        """Plan a query.

        Raises:
            AuthenticationError, ConnectionSetupError, SignInError, UnreachableError: the service
                takes no call; the reason holds for every query.
        """
        try:
            probed = _fit(ProbedQuery.of(query, self._read_settings, self._run))
            self._answered = True
            if probed.verdict.mode is Mode.FULL_TABLE:
                return self._whole(probed)
            return self._windowed(probed)
        except TENANT_ERRORS as error:
            if not self._answered:  # else what is missing is this query's alone: a licence
                raise
            return StreamPlan(query.name, self._tenant_id, error=str(error))
        except SingerSDKError as error:
            return StreamPlan(query.name, self._tenant_id, error=str(error))

    def _whole(self, probed: ProbedQuery) -> StreamPlan:
        rows = counting.total(probed.resolved, None, self._asking(probed, None))
        played = simulation.of_table(rows, row_cap=self._read_settings.row_cap)
        return self._planned(probed, rows, played, ())

    def _run_windows(self, probed: ProbedQuery) -> tuple[RunWindows, Sight, int]:
        """Return the windows of the run, and how far the service shows rows, with its calls."""
        cursor, resolved = probed.verdict.cursor, probed.resolved
        run_windows = run_windows_of(
            probed.query,
            self._read_settings,
            resolved,
            saved=StreamState(self._state, probed.query.name, partitioned=self._partitioned),
            tenant_id=self._tenant_id,
            key=probed.shape.names[cursor] if cursor else None,
            now=self._now,
        )
        if not needs_proof(resolved, run_windows, self._now):
            return run_windows, Sight(spanned=resolved.spanned), 0
        sight = sight_of(resolved, self._run, self._now)
        return in_sight(run_windows, sight, self._now), sight, PROOF_CALLS

    def _windowed(self, probed: ProbedQuery) -> StreamPlan:
        run_windows, sight, proof = self._run_windows(probed)
        cap = self._read_settings.row_cap
        counted = [
            counting.over_time(
                probed.resolved,
                window,
                asking(self._run, scope_of(probed.resolved, sight, window.start, self._now)),
                row_cap=cap,
            )
            for window in run_windows.windows
        ]
        play = partial(
            simulation.of_window,
            step=probed.resolved.step,
            single=probed.resolved.single,
            row_cap=cap,
            ahead=self._quotas.parallel_calls > 1,
        )
        played = [
            play(window, rows) for window, rows in zip(run_windows.windows, counted, strict=True)
        ]
        run = Simulation(
            tuple(done for part in played for done in part.windows),
            proof + sum(part.calls for part in played),
        )
        rows = sum(density.total for density in counted)
        # the last span is the run's own; those before it are holes of earlier runs
        over_time = bool(counted) and probed.verdict.mode is Mode.INCREMENTAL
        bins = tuple(counting.rebinned(counted[-1], most=BARS)) if over_time else ()
        note = run_windows.void and f"The bookmark {run_windows.void}; all is read anew"
        return replace(self._planned(probed, rows, run, bins), note=note)

    def _asking(self, probed: ProbedQuery, start: Instant | None) -> Call:
        return asking(self._run, probed.resolved.scope(start, self._now))

    def _planned(
        self,
        probed: ProbedQuery,
        rows: int,
        played: Simulation,
        bins: tuple[tuple[TimeWindow, int], ...],
    ) -> StreamPlan:
        return StreamPlan(
            name=probed.query.name,
            tenant_id=self._tenant_id,
            rows=rows,
            calls=played.calls,
            minutes=simulation.minutes(played.calls, self._quotas),
            windows=tuple((done.window, done.rows) for done in played.windows),
            bins=bins,
            warnings=probed.verdict.warnings,
        )


def _fit(probed: ProbedQuery) -> ProbedQuery:
    """Return the query if fit to run.

    Raises:
        FatalSyncError: the query is not fit to run.
    """
    wrong = [remark.message for remark in probed.remarks if remark.severity == "error"]
    if wrong:
        raise FatalSyncError("; ".join(wrong))
    return probed
