"""The proof that the service shows rows older than 30 days, counted before any use of such rows."""

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryRejectedError
from tap_m365hunting.instants import Instant, canonical
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.run_windows import RunWindows
from tap_m365hunting.planning.timespan import (
    DEFAULT_TIMESPAN,
    ShownRows,
    Sight,
    reaches_beyond,
    timespan,
)
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.service.client import CallContext
from tap_m365hunting.sync.reader import Call
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.sync.result_rows import OtherAnswerError, rows_counted
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.dialects import CallScope

_LOG: Final = logging.getLogger(__name__)

#: Counted without a `Timespan`, and with one.
PROOF_CALLS: Final = 2

#: Makes a call, as `TenantService.run` does.
RunCall: TypeAlias = Callable[[str, CallContext], QueryResult]


def asking(run: RunCall, scope: CallScope) -> Call:
    """Return the way to ask within a scope, for whoever has a text alone."""
    return lambda text: run(text, CallContext(scope))


def needs_proof(resolved: ResolvedQuery, run_windows: RunWindows, now: Instant) -> bool:
    """Say if a run would read rows out of sight for calls without a `Timespan`."""
    starts = (window.start for window in run_windows.windows)
    return resolved.spanned and any(reaches_beyond(start, now) for start in starts)


def sight_of(resolved: ResolvedQuery, run: RunCall, now: Instant) -> Sight:
    """Count all rows older than 30 days twice, without a `Timespan` and with one; two calls.

    Raises:
        SingerSDKError: as `run`, but for a refusal of the second call.
        OtherAnswerError: an answer holds no count.
    """
    window = TimeWindow(now - resolved.retention, now - DEFAULT_TIMESPAN)
    workspace = resolved.workspace_id
    plain = _shown(resolved, run, window, CallScope(None, workspace))
    try:
        spanned = _shown(
            resolved, run, window, CallScope(timespan(resolved.retention, now), workspace)
        )
    except QueryRejectedError as error:
        _LOG.warning("A Timespan of more than 30 days is refused: %s", error)
        spanned = None
    return Sight.of(plain, spanned, retention=resolved.retention, now=now)


def in_sight(run_windows: RunWindows, sight: Sight, now: Instant) -> RunWindows:
    """Return the windows shown by the service; the others are lost, and told as a gap."""
    if sight.why is None:
        return run_windows
    if not sight.spanned:
        return run_windows.kept_for(DEFAULT_TIMESPAN, now, sight.why)
    return run_windows.since(sight.since, sight.why) if sight.since else run_windows


def scope_of(
    resolved: ResolvedQuery, sight: Sight, start: Instant | None, now: Instant
) -> CallScope:
    """Return the scope of a call for rows from `start` on, `None` for a whole table."""
    if sight.spanned:
        return resolved.scope(start, now)
    return CallScope(workspace_id=resolved.workspace_id)


def _shown(
    resolved: ResolvedQuery, run: RunCall, window: TimeWindow, scope: CallScope
) -> ShownRows:
    incremental = resolved.mode is Mode.INCREMENTAL and resolved.cursor is not None
    cursor = resolved.cursor if incremental else None
    with run(kql.oldest(resolved.query, cursor, window), CallContext(scope)) as answer:
        row = next(answer.rows, {})
    try:
        return ShownRows(rows_counted(row.get("__rows")), _instant(row.get("__oldest")))
    except ValueError as error:
        msg = "A count of the rows older than 30 days was answered with something else"
        raise OtherAnswerError(msg) from error


def _instant(cell: object) -> Instant | None:
    return Instant.parse(canonical(str(cell)) or "") if cell else None
