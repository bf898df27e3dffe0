"""Counts rows for a look at a query; no row is fetched."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from tap_m365hunting import kql
from tap_m365hunting.errors import ServiceError, WindowTooLargeError
from tap_m365hunting.instants import Instant, canonical, ticks
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.density import MOST_BINS, Density
from tap_m365hunting.planning.windows import CountAsk, TimeWindow
from tap_m365hunting.sync.reader import Call
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.sync.result_rows import rows_counted
from tap_m365hunting.wire.answer import QueryResult

#: Widths of bins; each is a multiple of those before it, so fine bins add up to wide ones.
WIDTHS: Final = (
    timedelta(seconds=1),
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=10),
    timedelta(days=100),
    timedelta(days=1000),
)
# A count that is too costly is asked for again in halves, so many times over.
_HALVINGS: Final = 4
_COUNTED: Final = ("__rows", "__keys", "__nulls")


def over_time(resolved: ResolvedQuery, window: TimeWindow, call: Call, *, row_cap: int) -> Density:
    """Count a window per bin; the windows of WINDOWED have no bins, so their rows count as even."""
    if resolved.mode is Mode.WINDOWED:
        return even(window, total(resolved, window, call))
    return density(resolved, window, call, row_cap=row_cap)


def density(resolved: ResolvedQuery, window: TimeWindow, call: Call, *, row_cap: int) -> Density:
    """Count a window per bin; a single call, if the service can answer at once.

    Raises:
        WindowTooLargeError: even a sixteenth of the window is too costly to count.
    """
    width = fitting(window, most=min(MOST_BINS, row_cap - 3))
    return Density.of(window, width, _counts(resolved, window, call, width, _HALVINGS))


def even(window: TimeWindow, rows: int) -> Density:
    """Return rows with a known sum, spread evenly."""
    return Density((window.start.ticks, window.end.ticks), (rows,))


def total(resolved: ResolvedQuery, window: TimeWindow | None, call: Call) -> int:
    """Count the rows of a window, or of the whole result."""
    with call(resolved.text(CountAsk(window))) as answer:
        return sum(_number(row, "__rows") for row in answer.rows)


def nulls(resolved: ResolvedQuery, cursor: str, call: Call) -> tuple[int, Instant | None]:
    """Count the rows without a cursor, outside every window; return the oldest cursor, too."""
    with call(kql.nulls(resolved.query, cursor)) as answer:
        row = next(answer.rows, {})
    oldest = canonical(str(row.get("__oldest") or ""))
    return _number(row, "__rows"), Instant.parse(oldest) if oldest else None


def keys(
    resolved: ResolvedQuery,
    cursor: str | None,
    window: TimeWindow | None,
    columns: Sequence[str],
    call: Call,
) -> tuple[int, int, int]:
    """Count the rows of a window, the distinct keys, and the rows with a null in the key."""
    with call(kql.keys(resolved.query, cursor, window, columns)) as answer:
        found = next(answer.rows, {})
    rows, different, nulls = (_number(found, name) if found.get(name) else 0 for name in _COUNTED)
    return rows, different, nulls


def fitting(window: TimeWindow, *, most: int, least: timedelta = WIDTHS[0]) -> timedelta:
    """Return the narrowest width, not below `least`, for at most so many bins."""
    fits = (w for w in WIDTHS if w >= least and window.ticks // ticks(w) + 2 <= most)
    return next(fits, WIDTHS[-1])


def rebinned(counted: Density, *, most: int) -> Iterable[tuple[TimeWindow, int]]:
    """Yield the rows in wider bins, empty bins included; the outer bins may be cut."""
    window = TimeWindow(Instant(counted.edges[0]), Instant(counted.edges[-1]))
    width = ticks(fitting(window, most=most))
    for start in range(window.start.ticks // width * width, window.end.ticks, width):
        low, high = max(window.start, Instant(start)), min(window.end, Instant(start + width))
        part = TimeWindow(low, high)
        yield part, counted.expected(part)


def _counts(
    resolved: ResolvedQuery, window: TimeWindow, call: Call, width: timedelta, halvings: int
) -> Counter[Instant]:
    try:
        with call(resolved.text(CountAsk(window, width))) as answer:
            return Counter(_bins(answer))
    except WindowTooLargeError:
        if not halvings or window.ticks < ticks(width):
            raise
    counts = Counter[Instant]()
    for half in window.halves():
        counts.update(_counts(resolved, half, call, width, halvings - 1))
    return counts


def _bins(answer: QueryResult) -> dict[Instant, int]:
    return {_bin(row): _number(row, "__rows") for row in answer.rows}


def _bin(row: Mapping[str, object]) -> Instant:
    try:
        return Instant.parse(str(row["__bin"]))
    except (KeyError, ValueError) as error:
        raise _no_count(row) from error


def _number(row: Mapping[str, object], column: str) -> int:
    """Return a number of a count.

    Raises:
        ServiceError: the service has answered without a number.
    """
    try:
        return rows_counted(row[column])
    except (KeyError, ValueError) as error:
        raise _no_count(row) from error


def _no_count(row: Mapping[str, object]) -> ServiceError:
    columns = ", ".join(row) or "none"
    return ServiceError(f"A count was answered with a row that is no count; its columns: {columns}")
