"""A query resolved into a way of reading: mode, cursor, and the text to send for each ask.

Pure.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from msgspec import Struct
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery, ReadSettings, Settings
from tap_m365hunting.errors import FatalSyncError, QueryRejectedError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.id_columns import IdColumns
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.spans import Timing, span_between
from tap_m365hunting.planning.state import WINDOW_END, StreamState
from tap_m365hunting.planning.timespan import DEFAULT_TIMESPAN, reaches_beyond, timespan
from tap_m365hunting.planning.windows import Ask, CountAsk, TimeWindow
from tap_m365hunting.wire.dialects import CallScope
from tap_m365hunting.wire.schema import WINDOW_START, Column, Shape

_SECOND: Final = timedelta(seconds=1)
# A run that waits longer is a run with a misspelt date.
_LONGEST_WAIT: Final = timedelta(days=1)


class ResolvedQuery(Struct, frozen=True):
    """A query with the way in which it is read.

    `cursor` is named as in the query; windows are whole multiples of `bin`, if not `None`. A
    WINDOWED query has windows of the same `width` otherwise, and rows of the `identity`.
    """

    query: kql.Query
    mode: Mode
    cursor: str | None
    bin: timedelta | None = None
    retention: timedelta = DEFAULT_TIMESPAN
    workspace_id: str | None = None
    width: timedelta = timedelta(minutes=60)
    identity: kql.RowIdentity = kql.OTHER

    @property
    def spanned(self) -> bool:
        """Whether data may lie further back than a call sees without a `Timespan`."""
        return self.retention > DEFAULT_TIMESPAN

    def scope(self, start: Instant | None, now: Instant) -> CallScope:
        """Return the scope of a call for rows from `start` on; `None` for a whole table."""
        beyond = self.spanned and (start is None or reaches_beyond(start, now))
        return CallScope(timespan(self.retention, now) if beyond else None, self.workspace_id)

    @property
    def step(self) -> timedelta | None:
        """The grid of the windows; `None` if windows may start and end anywhere."""
        return self.bin or (self.width if self.mode is Mode.WINDOWED else None)

    @property
    def single(self) -> bool:
        """Whether each step is asked for alone: two together would give other rows."""
        return self.mode is Mode.WINDOWED and not self.identity.additive

    @property
    def by(self) -> tuple[str, ...] | None:
        """The `by` columns of the query's aggregate, if rows are aggregated."""
        return self.identity.by if self.mode is Mode.WINDOWED else None

    @property
    def bin_column(self) -> str | None:
        """The column of a row's bin, if rows carry one."""
        bins = self.identity.bins if self.mode is Mode.WINDOWED else ()
        return bins[0] if bins else None

    @property
    def window_start(self) -> bool:
        """Whether a row is known by its window, and so must name the window."""
        carried = self.identity.whole or self.identity.bins
        return self.mode is Mode.WINDOWED and not carried

    @property
    def fingerprint(self) -> str:
        """The text remembered in the state for the query."""
        return kql.fingerprint(self.query, self.mode)

    def whole_steps(self, window: TimeWindow) -> TimeWindow | None:
        """Return the part of a window made of whole steps."""
        return span_between(window.start.ceil(self.step), window.end.floor(self.step))

    def text(self, ask: Ask) -> str:
        """Return the KQL of an ask."""
        cursor = self.cursor if self.mode is Mode.INCREMENTAL else None
        if isinstance(ask, CountAsk):
            if cursor and ask.window and ask.bin:
                return kql.count(self.query, cursor, ask.window, ask.bin)
            return kql.total(self.query, cursor, ask.window, checksum=ask.checksum)
        if cursor and ask.window:
            return kql.window(self.query, cursor, ask.window, ask.part)
        if ask.window:
            return kql.windowed(self.query, ask.window, ask.part)
        return kql.whole(self.query, ask.part)


def resolve(
    query: HuntingQuery, columns: Iterable[Column] | None = None
) -> tuple[kql.Verdict, ResolvedQuery]:
    """Say how a configured query is read: for certain once the result's columns are known."""
    pairs = None if columns is None else [(column.name, column.type) for column in columns]
    verdict = query.assess(pairs)
    return verdict, ResolvedQuery(
        query.query,
        verdict.mode,
        verdict.cursor,
        verdict.bin,
        retention=query.retention,
        workspace_id=query.workspace_id,
        width=query.window,
        identity=verdict.identity,
    )


@contextmanager
def in_user_lines(query: kql.Query, sent: str) -> Iterator[None]:
    """Let a refusal name the line in the user's own text instead of the sent text.

    Raises:
        QueryRejectedError: the refusal, with the user's line in the message.
    """
    try:
        yield
    except QueryRejectedError as error:
        if error.line is None:
            raise
        line = kql.user_line(query, sent, error.line)
        msg = f"{error} (line {line} of the query)"
        raise QueryRejectedError(msg, text=error.text, line=line, table=error.table) from error


def id_columns_of(
    query: HuntingQuery,
    resolved: ResolvedQuery,
    saved: StreamState,
    tenant_id: str,
) -> IdColumns:
    """Return the makers of ids for the query's rows in a tenant, given the stream's state.

    Raises:
        FatalSyncError: the state is not of the tap's form.
    """
    with _readable(query.name):
        return IdColumns.read(
            saved.part(),
            saved.of(tenant_id),
            query=resolved.fingerprint,
            tenant_id=tenant_id,
        )


@contextmanager
def _readable(stream: str) -> Iterator[None]:
    """Name the stream in errors about its state.

    Raises:
        FatalSyncError: the state is not of the tap's form.
    """
    try:
        yield
    except (KeyError, ValueError) as error:
        msg = f"The state of stream {stream} cannot be read: {error}; mend it or remove it"
        raise FatalSyncError(msg) from error


def run_windows_of(
    query: HuntingQuery,
    read_settings: ReadSettings,
    resolved: ResolvedQuery,
    *,
    saved: StreamState,
    tenant_id: str,
    key: str | None,
    now: Instant,
) -> RunWindows:
    """Return the windows for a run to read of the query in a tenant, given the stream's state.

    `key` is the replication key.

    Raises:
        FatalSyncError: the state is not of the tap's form.
    """
    part = tenant_id if saved.partitioned else None
    with _readable(query.name):
        return RunWindows.of(
            saved.part(part),
            key or WINDOW_END,
            _timing(query, read_settings, resolved),
            query=resolved.fingerprint,
            now=now,
            tenant_id=None if saved.partitioned else tenant_id,
            elsewhere=saved.elsewhere(part),
        )


def check_bounds(settings: Settings, *, now: float) -> None:
    """Hold the bounds of a run against the time, in seconds since 1970, and its queries' steps.

    Raises:
        ConfigValidationError: a bound cannot be honoured; `errors` names the nearest usable bound.
    """
    at, reading = Instant.of_seconds(now), settings.read_settings
    wrong = [
        f"{query.name}: {problem}"
        for query in settings.queries
        for problem in bound_problems(query, reading, now=at)
    ]
    if wrong:
        msg = "Bounds in time that cannot be honoured"
        raise ConfigValidationError(msg, errors=wrong, schema={})


def bound_problems(
    query: HuntingQuery, read_settings: ReadSettings, *, now: Instant
) -> Iterator[str]:
    """Yield why a query's bounds cannot be honoured, each with the nearest that can be.

    The bounds are held against the time at which a run that waits for its end begins.
    """
    _, resolved = resolve(query)
    if resolved.mode is not Mode.FULL_TABLE:
        timing = _timing(query, read_settings, resolved)
        yield from timing.problems(_begin(timing, read_settings, now))


def begin_of(settings: Settings, *, now: Instant) -> Instant:
    """Return when a run begins to read: now, or once the rows before its end are settled."""
    reading = settings.read_settings
    resolved = [(query, resolve(query)[1]) for query in settings.queries]
    timings = [_timing(q, reading, r) for q, r in resolved if r.mode is not Mode.FULL_TABLE]
    return max((_begin(timing, reading, now) for timing in timings), default=now)


def _begin(timing: Timing, read_settings: ReadSettings, now: Instant) -> Instant:
    settled = timing.settled_from(now)
    waits = read_settings.on_unsettled_end == "wait" and now < settled <= now + _LONGEST_WAIT
    return settled.ceil(_SECOND) if waits else now  # as finely as a run looks at the clock


def _timing(query: HuntingQuery, read_settings: ReadSettings, resolved: ResolvedQuery) -> Timing:
    return Timing(
        start_date=query.start,
        end_date=read_settings.end,
        # a window that is read again would be another window, and its sums other rows
        lookback=timedelta(0) if resolved.mode is Mode.WINDOWED else query.lookback,
        settle=query.settle,
        retention=query.retention,
        reaches_back=query.reaches_back,
        step=resolved.step,
    )


def key_of(
    query: HuntingQuery, read_settings: ReadSettings, resolved: ResolvedQuery
) -> tuple[str, ...]:
    """Return the columns of the key, by their own names; empty where `_row_id` is the key."""
    if query.primary_keys or read_settings.row_id or resolved.by is None:
        return query.primary_keys
    return (*resolved.by, *(WINDOW_START,) * resolved.window_start)


def shape_of(
    query: HuntingQuery,
    read_settings: ReadSettings,
    resolved: ResolvedQuery,
    columns: Iterable[Column],
    *,
    known: Iterable[str] = (),
    tenant: tuple[str, ...] = (),
) -> Shape:
    """Name the columns of a query's answer by the settings; `tenant` are the tenant's columns."""
    return Shape.of(
        columns,
        column_names=read_settings.column_names,
        dynamic_as=read_settings.dynamic_as,
        key=key_of(query, read_settings, resolved),
        tenant=tenant,
        row_id=read_settings.row_id,
        known=known,
        window=resolved.window_start,
    )
