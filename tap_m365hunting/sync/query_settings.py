"""What the settings say of one query: which time it is read for, how its columns are named.

Pure.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from tap_m365hunting.configuration.config import HuntingQuery, Reading
from tap_m365hunting.errors import FatalSyncError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.partitions import elsewhere, state_of
from tap_m365hunting.planning.run_windows import Agenda
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.planning.state import WINDOW_END
from tap_m365hunting.sync.resolved_query import Hunt
from tap_m365hunting.wire.schema import Column, Shape


def agenda_of(
    query: HuntingQuery,
    reading: Reading,
    hunt: Hunt,
    *,
    state: Mapping[str, Any],
    tenant_id: str,
    partitioned: bool,
    key: str | None,
    now: Instant,
) -> Agenda:
    """Return what a run is to read of the query in a tenant, given the tap's whole state.

    `partitioned` says that it has a part for each tenant; `key` is the replication key.

    Raises:
        FatalSyncError: the state is none that this tap writes.
    """
    part = tenant_id if partitioned else None
    try:
        return Agenda.of(
            state_of(state, query.name, part),
            key or WINDOW_END,
            _timing(query, reading, hunt),
            query=hunt.fingerprint,
            now=now,
            tenant_id=None if partitioned else tenant_id,
            elsewhere=elsewhere(state, query.name, part),
        )
    except (KeyError, ValueError) as error:
        msg = f"The state of stream {query.name} cannot be read: {error}; mend it or remove it"
        raise FatalSyncError(msg) from error


def _timing(query: HuntingQuery, reading: Reading, hunt: Hunt) -> Timing:
    return Timing(
        start_date=query.start,
        end_date=reading.end,
        # a window that is read again would be another window, and its sums other rows
        lookback=timedelta(0) if hunt.mode is Mode.WINDOWED else query.lookback,
        settle=reading.settle,
        retention=reading.retention,
        step=hunt.step,
    )


def shape_of(
    query: HuntingQuery,
    reading: Reading,
    columns: Iterable[Column],
    *,
    known: Iterable[str] = (),
    tenant: tuple[str, ...] = (),
) -> Shape:
    """Name the columns of a query's answer by the settings; `tenant` are those of its tenant."""
    return Shape.of(
        columns,
        column_names=reading.column_names,
        dynamic_as=reading.dynamic_as,
        key=query.primary_keys,
        tenant=tenant,
        row_id=reading.row_id,
        known=known,
    )
