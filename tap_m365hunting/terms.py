"""What the settings say of one query: which time it is read for, how its columns are named.

Pure.
"""

from collections.abc import Iterable
from datetime import timedelta

from tap_m365hunting.configuration.config import HuntingQuery, Reading
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.wire.schema import Column, Shape


def timing_of(query: HuntingQuery, reading: Reading, mode: Mode) -> Timing:
    """Return what bounds a run of the query in time."""
    return Timing(
        start_date=query.start,
        end_date=reading.end,
        # a window that is read again would be another window, and its sums other rows
        lookback=timedelta(0) if mode is Mode.WINDOWED else query.lookback,
        settle=reading.settle,
        retention=reading.retention,
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
