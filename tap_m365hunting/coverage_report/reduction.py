"""SQL that leaves little of many windows, for any database.

Pure. Three statements, in words that databases share: bounds of complete time, incomplete windows,
and sums in which a window counts once. The database does the work on millions of rows; few come
out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from tap_m365hunting.coverage_report.tallies import FailedAttempt, Sums, Tallies
from tap_m365hunting.coverage_report.window_records import UNKNOWN, ticks_of
from tap_m365hunting.errors import UnusableInputError

Sql = str
Row = Sequence[Any]

#: Columns without which a table is none of `hunting_windows`.
REQUIRED: Final = ("run_id", "stream", "tenant_id", "window_start", "window_end", "status")
#: Columns that a table may lack, as one of an earlier version does.
OPTIONAL: Final = (
    "rows", "late_rows", "calls", "retries", "wait_seconds", "message", "finished_at"
)  # fmt: skip
# A null that is a number, which every database can sum.
_ABSENT: Final = "NULLIF(0, 0)"
_MS: Final = 1000


def chosen(table: Sql, columns: Mapping[str, Sql], *, shown: str) -> Sql:
    """Return a SELECT of the columns under names that no database reserves.

    `columns` has the quoted name for each of the table's names in lower case; a tenant's id is to
    be a text in lower case. A message calls the table as `shown`.

    Raises:
        UnusableInputError: a required column is missing.
    """
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise UnusableInputError([f"{shown} has no column {', '.join(missing)}"])
    named = [f"{columns.get(name, _ABSENT)} AS w_{name}" for name in (*REQUIRED, *OPTIONAL)]
    return f"SELECT {', '.join(named)} FROM {table}"


def reduce(
    tallies: Tallies,
    ask: Callable[[Sql], Iterable[Row]],
    windows: Sql,
    *,
    text: Sql = "{}",
    ordered: bool = False,
) -> None:
    """Add the windows to the tallies.

    `windows` is a SELECT of `chosen`; `text` turns a time into an argument of `ticks_of`;
    `ordered` says that the database compares the windows' times as times, so that it can join
    windows that overlap. Else each bound of such windows comes out.

    Raises:
        ValueError: a time is no instant, or a window ends before its start.
    """
    for stream, tenant, at, weight in ask((_spans if ordered else _bounds)(windows, text)):
        tallies.of(_name(stream), _name(tenant)).bound(_bound(stream, at), int(weight))
    for stream, tenant, start, end, status, message, finished in ask(_failures(windows, text)):
        failure = FailedAttempt(_ticks(finished), status or UNKNOWN, message or "")
        window = _bound(stream, start), _bound(stream, end)
        tallies.of(_name(stream), _name(tenant)).fail(*window, failure)
    for stream, tenant, *sums, backwards, finished in ask(_sums(windows, text)):
        if backwards:
            msg = f"a window of {stream} has a window_start after its window_end, or lacks a time"
            raise ValueError(msg)
        tally = tallies.of(_name(stream), _name(tenant))
        costs = _sums_of(sums)
        tally.sums.add(costs, windows=costs.windows)
        tally.finished = max(tally.finished, _ticks(finished))


def _bounds(windows: Sql, text: Sql) -> Sql:
    complete = f"FROM ({windows}) w WHERE w_status = 'complete'"
    bounds = (
        f"SELECT w_stream, w_tenant_id, w_window_start AS w_bound, 1 AS w_weight {complete}"
        f" UNION ALL SELECT w_stream, w_tenant_id, w_window_end, -1 {complete}"
    )
    return (
        f"SELECT w_stream, w_tenant_id, {text.format('w_bound')}, w_weight FROM ("
        f"SELECT w_stream, w_tenant_id, w_bound, SUM(w_weight) AS w_weight FROM ({bounds}) b"
        " GROUP BY w_stream, w_tenant_id, w_bound HAVING SUM(w_weight) <> 0) g"
    )


def _spans(windows: Sql, text: Sql) -> Sql:
    """Return the starts of time without a gap, and the end of each: the one before the next start.

    One pass in order of the starts, since a second one would sort again.
    """
    complete = f"FROM ({windows}) w WHERE w_status = 'complete'"
    before = (
        "MAX(w_window_end) OVER (PARTITION BY w_stream, w_tenant_id ORDER BY w_window_start"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    starts = (
        "SELECT * FROM (SELECT w_stream, w_tenant_id, w_window_start,"
        f" {before} AS w_before {complete}) s WHERE w_before IS NULL OR w_window_start > w_before"
    )
    names = "w_stream, w_tenant_id"
    return (
        f"SELECT {names}, {text.format('w_bound')}, w_weight FROM (WITH starts AS ({starts})"
        f" SELECT {names}, w_window_start AS w_bound, 1 AS w_weight FROM starts"
        f" UNION ALL SELECT {names}, w_before, -1 FROM starts WHERE w_before IS NOT NULL"
        f" UNION ALL SELECT {names}, MAX(w_window_end), -1 {complete} GROUP BY {names}) b"
    )


def _failures(windows: Sql, text: Sql) -> Sql:
    names = "w_stream, w_tenant_id, w_window_start, w_window_end, w_status, w_message"
    shown = _as_text(names, text)
    return (
        f"SELECT {shown}, {text.format('w_finished')} FROM ("
        f"SELECT {names}, MAX(w_finished_at) AS w_finished FROM ({windows}) w"
        f" WHERE w_status <> 'complete' OR w_status IS NULL GROUP BY {names}) g"
    )


def _as_text(names: Sql, text: Sql) -> Sql:
    times = ("w_window_start", "w_window_end")
    return ", ".join(text.format(n) if n in times else n for n in names.split(", "))


def _sums(windows: Sql, text: Sql) -> Sql:
    numbers = ("w_rows", "w_late_rows", "w_calls", "w_retries", "w_wait_seconds")
    record = "w_run_id, w_stream, w_tenant_id, w_window_start, w_window_end, w_status"
    once = f"SELECT DISTINCT {record}, w_finished_at, {', '.join(numbers)} FROM ({windows}) w"
    return (
        f"SELECT w_stream, w_tenant_id, w_windows, {', '.join(numbers)}, w_backwards,"
        f" {text.format('w_last')}"
        " FROM (SELECT w_stream, w_tenant_id, COUNT(*) AS w_windows,"
        f" {', '.join(f'SUM({name}) AS {name}' for name in numbers)}, MAX(w_finished_at) AS w_last,"
        " MAX(CASE WHEN w_window_start <= w_window_end THEN 0 ELSE 1 END) AS w_backwards"
        f" FROM ({once}) o GROUP BY w_stream, w_tenant_id) g"
    )


def _sums_of(row: Row) -> Sums:
    windows, rows, late_rows, calls, retries, wait_seconds = row
    return Sums(
        int(windows),
        int(rows or 0),
        None if late_rows is None else int(late_rows),
        int(calls or 0),
        int(retries or 0),
        round((wait_seconds or 0) * _MS),
    )


def _name(value: object) -> str:
    """Return a stream's name or a tenant's id, of which a loader may have made a UUID."""
    return "" if value is None else str(value)


def _bound(stream: object, time: object) -> int:
    try:
        return ticks_of(time)
    except ValueError as error:
        msg = f"a window of {stream} lacks a time: {error}"
        raise ValueError(msg) from error


def _ticks(finished: object) -> int:
    return ticks_of(finished) if finished is not None else 0
