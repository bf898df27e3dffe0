"""One run of one query in one tenant: the windows to read, and the calls under way."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import Final, TypeAlias

from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting import kql
from tap_m365hunting.configuration.sources import INGESTION_COLUMN
from tap_m365hunting.errors import FatalSyncError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.table_planner import TablePlanner
from tap_m365hunting.planning.timespan import Sight
from tap_m365hunting.planning.windows import Ask, CountAsk
from tap_m365hunting.service.client import CallContext
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.long_retention import in_sight, needs_proof, scope_of, sight_of
from tap_m365hunting.sync.prefetch import OpenCall, Prefetch
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.sync.result_rows import counts_of
from tap_m365hunting.wire.dialects import DEFENDER_ENDS, CallScope

#: Says what there is to read, told the time.
RunWindowsOf: TypeAlias = Callable[[Instant], RunWindows]

_ALL_TIME: Final = Instant(0)
# as finely as the service tells its own time
_SECOND: Final = timedelta(seconds=1)


class PartitionSync:
    """The calls of one query in one tenant, the oldest window first.

    A partition begins with the first call asked for, perhaps before the partition's turn. `effort`
    adds up the retries and waits of the calls.
    """

    def __init__(
        self,
        resolved: ResolvedQuery,
        service: TenantService,
        prefetch: Prefetch,
        run_windows_of: RunWindowsOf,
        *,
        row_cap: int,
        take_changed: bool = False,
    ) -> None:
        self.resolved = resolved
        self.service = service
        self.effort = CallContext()
        self._prefetch = prefetch
        self._run_windows_of = run_windows_of
        self._row_cap = row_cap
        self._take_changed = take_changed
        self._begun: Instant | None = None
        self._sight = Sight(spanned=resolved.spanned)
        self._planner: Planner | TablePlanner | None = None
        self._out = dict[OpenCall, Ask]()
        self.left = False
        self._proven = False

    @property
    def tenant_id(self) -> str:
        """The tenant with the quotas for the calls."""
        return self.service.tenant_id

    @property
    def begun(self) -> Instant:
        """The time of the first call: later rows need not be among the rows read."""
        return self._begun or self.service.now()

    @cached_property
    def run_windows(self) -> RunWindows:
        """The windows to read, as of the first call.

        Raises:
            FatalSyncError: the state cannot be read.
        """
        now = self.service.now().floor(_SECOND)
        found = self._run_windows_of(now)
        if not needs_proof(self.resolved, found, now):
            return found
        self._sight = sight_of(self.resolved, self.service.run, now)
        return in_sight(found, self._sight, now)

    def reached(self, margin: timedelta) -> Instant | None:
        """Return the end of the part read, if no farther from the edge of retention."""
        now = self.service.now()
        if self.resolved.mode is Mode.FULL_TABLE:
            return None
        try:
            run_windows = self._run_windows_of(now)
        except SingerSDKError:  # it is told when the stream has its turn
            return None
        at = next((window.start for window in run_windows.windows), None)
        if isinstance(self._planner, Planner):
            at = self._planner.complete_until
        edge = now - run_windows.timing.retention
        return at if not self.left and at and at < edge + margin else None

    def resume(self) -> None:
        """Have the turn again."""
        self._prefetch.turn(self)

    def windows(self) -> Iterator[Planner]:
        """Have the turn: yield the planner of each window of the run, with its calls under way.

        Raises:
            FatalSyncError: the state cannot be read.
        """
        self._prefetch.turn(self)
        for planner in self._windows:
            self._planner = planner
            yield planner

    def table(self) -> TablePlanner:
        """Take the turn: return the planner of a whole table."""
        self._prefetch.turn(self)
        return self._table

    def next_call(self) -> OpenCall | None:
        """Return the next call to make, if known."""
        if self.left:
            return None
        try:
            planner = self._planner or self._first()
        except SingerSDKError:
            return None  # it is raised again, and told, when the sweep has its turn
        ask = planner.next() if planner else None
        return self._opened(ask) if ask else None

    def check(self, rows: int) -> None:
        """Hold the number of rows of a window, or a table, against the proof that rows are shown.

        Raises:
            FatalSyncError: no row came, without proof that the service has no row.
        """
        self.service.has_rows |= rows > 0
        if rows == 0 and not self.service.has_rows and self.service.has_ended:
            msg = (
                f"The Defender API returns no data from {DEFENDER_ENDS} on, and every answer of "
                "this run is empty, so nothing of it is complete; set api to graph"
            )
            raise FatalSyncError(msg)
        begins = self.resolved.cursor == INGESTION_COLUMN and not self._proven
        self._proven = True
        if rows == 0 and begins and self.run_windows.bookmark.value is None:
            self._refuse_nulls()

    def _refuse_nulls(self) -> None:
        """Ask, before a first bookmark is set, if the service has rows outside any window.

        Raises:
            FatalSyncError: there are such rows.
        """
        text = kql.nulls(self.resolved.query, INGESTION_COLUMN)
        with self.service.run(text) as answer:
            counts, _ = counts_of(answer, CountAsk(None))
        if rows := sum(counts.values()):
            msg = (
                f"The service has no ingestion_time for {rows} rows, so no window ever holds them; "
                "set replication_key to a datetime column of the table"
            )
            raise FatalSyncError(msg)

    def take(self) -> tuple[Ask, OpenCall] | None:
        """Return the call for the oldest window; `None` with no call out or to make."""
        self._prefetch.fill()
        if not self._out:
            self._prefetch.need(self)
        oldest = min(((ask, call) for call, ask in self._out.items()), key=_start, default=None)
        if oldest:
            self._prefetch.wait(oldest[1])
        return oldest

    def used(self, call: OpenCall) -> None:
        """Take a call from the count, and add up the cost.

        Another call may take the place, but not before the state for the rows is written.
        """
        del self._out[call]
        self.effort.retries += call.context.retries
        self.effort.wait_seconds += call.context.wait_seconds
        self._prefetch.done(call)

    def fill(self) -> None:
        """Make the calls allowed now, for this partition or for partitions behind."""
        self._prefetch.fill()

    def leave(self) -> None:
        """Want no more answers, nor make calls."""
        self.left = True
        self._planner = None
        self._prefetch.leave(self, tuple(self._out))
        self._out.clear()

    def _first(self) -> Planner | TablePlanner | None:
        if self.resolved.mode is Mode.FULL_TABLE:
            return self._table
        return next(iter(self._windows), None)

    @cached_property
    def _table(self) -> TablePlanner:
        return TablePlanner(row_cap=self._row_cap, take_changed=self._take_changed)

    @cached_property
    def _windows(self) -> list[Planner]:
        ahead = self._prefetch.calls > 1
        return [
            Planner(
                window,
                row_cap=self._row_cap,
                step=self.resolved.step,
                ahead=ahead,
                take_changed=self._take_changed,
                single=self.resolved.single,
                timing=self.run_windows.timing,
                as_far_back=self.run_windows.as_far_back,
            )
            for window in self.run_windows.windows
        ]

    def _scope(self, ask: Ask) -> CallScope:
        start = ask.window.start if ask.window else None
        return scope_of(self.resolved, self._sight, start, self.service.now())

    def _opened(self, ask: Ask) -> OpenCall:
        self._begun = self.begun
        call = OpenCall(self.resolved.text(ask), self.service.run, self._scope(ask))
        self._out[call] = ask
        return call


def _start(out: tuple[Ask, OpenCall]) -> Instant:
    window = out[0].window
    return window.start if window else _ALL_TIME
