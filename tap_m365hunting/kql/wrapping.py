"""The texts sent to the service: a query bounded by a window, counted, or probed for columns.

Pure. The user's own statements are in every text as written, but without blank lines outside
strings; lines added by the tap stand apart.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql.literals import column_text, datetime_text, timespan_text
from tap_m365hunting.kql.query import WINDOW_NAMES, Query
from tap_m365hunting.planning.windows import HashPart, TimeWindow
from tap_m365hunting.printable import quoted

# A schema does not depend on the window; any will do.
_ANY_WINDOW: Final = TimeWindow(
    Instant.parse("2026-01-01T00:00:00Z"), Instant.parse("2026-01-02T00:00:00Z")
)
# The sum over as many rows as an integer of 64 bits has room for: two billion.
_CHECKSUM_RANGE: Final = 2**32
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def probe(query: Query) -> str:
    """Ask for the columns and no rows."""
    return _wrapped(query, "take 0", window=_ANY_WINDOW)


def window(query: Query, cursor: str, window: TimeWindow, part: HashPart | None = None) -> str:
    """Ask for the rows with a cursor in the window, oldest first."""
    order = f"order by {column_text(cursor)} asc"
    return _wrapped(query, _bounds(cursor, window), *_hash(part), order, window=window)


def count(query: Query, cursor: str, window: TimeWindow, width: timedelta) -> str:
    """Ask for the number of rows, `__rows`, in each `__bin` of the window, oldest first.

    Bins without rows are not in the answer. Kusto's bins start at multiples of the width.
    """
    bins = (
        f"summarize __rows = count() by __bin = bin({column_text(cursor)}, {timespan_text(width)})"
    )
    return _wrapped(query, _bounds(cursor, window), bins, "order by __bin asc", window=window)


def total(
    query: Query,
    cursor: str | None = None,
    window: TimeWindow | None = None,
    *,
    checksum: bool = False,
) -> str:
    """Ask for the number of rows as `__rows`: in the window, or without a cursor all of them.

    A query that uses the window's names itself needs the window, and no cursor. With `checksum`
    the sum of a hash of each row, `__checksum`, comes along: rows in any order have the same one,
    and other rows another, but once in four billion times.
    """
    bounds = [_bounds(cursor, window)] if cursor and window else []
    sums = f"count(), __checksum = sum({_row_hash(_CHECKSUM_RANGE)})" if checksum else "count()"
    return _wrapped(query, *bounds, f"summarize __rows = {sums}", window=window)


def oldest(query: Query, cursor: str | None, window: TimeWindow) -> str:
    """Ask for the number of rows in the window, `__rows`, and the oldest cursor, `__oldest`."""
    first = f", __oldest = min({column_text(cursor)})" if cursor else ""
    bounds = [_bounds(cursor, window)] if cursor else []
    return _wrapped(query, *bounds, f"summarize __rows = count(){first}", window=window)


def nulls(query: Query, cursor: str) -> str:
    """Ask for the number of rows without a cursor, `__rows`, and the oldest cursor, `__oldest`.

    No window ever holds rows without a cursor.
    """
    column = column_text(cursor)
    found = f"__rows = countif(isnull({column})), __oldest = min({column})"
    return _wrapped(query, f"summarize {found}")


def keys(
    query: Query, cursor: str | None, window: TimeWindow | None, columns: Sequence[str]
) -> str:
    """Ask if the columns tell the rows of a window apart: how many `__rows`, and `__keys`.

    `__nulls` are the rows with a null among the columns. Without a cursor the query bounds itself
    by the window, or is asked for all its rows.
    """
    names = [column_text(column) for column in columns]
    null = " or ".join(f"isnull({name})" for name in names)
    bounds = [_bounds(cursor, window)] if cursor and window else []
    return _wrapped(
        query,
        *bounds,
        f"summarize __rows = count(), __nulls = countif({null}) by {', '.join(names)}",
        "summarize __rows = sum(__rows), __keys = count(), __nulls = sum(__nulls)",
        window=window,
    )


def whole(query: Query, part: HashPart | None = None) -> str:
    """Ask for all rows, by the text as it stands, or for one hash part of the rows."""
    if part is not None:
        return _wrapped(query, *_hash(part))
    return _joined(query.lines(0, len(query.text)))


def windowed(query: Query, window: TimeWindow, part: HashPart | None = None) -> str:
    """Ask for the rows selected by the query itself between `window_start` and `window_end`."""
    if part is not None:
        return _wrapped(query, *_hash(part), window=window)
    return _definitions(window) + whole(query)


def table_query(name: str, *, ingestion_time: bool = False) -> str:
    r"""Return the query for a whole table, with the time when each row arrived if wanted.

    Raises:
        QueryTextError: the name is not that of a table.

    >>> table_query("DeviceInfo", ingestion_time=True)
    'DeviceInfo\n| extend IngestionTime = ingestion_time()'
    """
    if not _PLAIN_NAME.fullmatch(name):
        msg = f"{quoted(name)} is no table's name; use `query` for anything else"
        raise QueryTextError(msg, line=1, column=1)
    return f"{name}\n| extend IngestionTime = ingestion_time()" if ingestion_time else name


def user_line(query: Query, sent: str, line: int) -> int:
    """Return the line of the user's text behind a line of a sent text.

    For a line added by the tap: the nearest line of the user's before it.
    """
    if f"let {query.hunt} = (\n" in sent:
        leading, final = _pieces(query)
        numbers = [number for number, _ in leading]
        numbers += [final[0][0], *(number for number, _ in final)]
    else:
        numbers = [number for number, _ in query.lines(0, len(query.text))]
    index = line - 1 - (len(WINDOW_NAMES) if query.windowed else 0)
    return numbers[min(max(index, 0), len(numbers) - 1)]


def _wrapped(query: Query, *stages: str, window: TimeWindow | None = None) -> str:
    leading, final = _pieces(query)
    head = _definitions(window) if window and query.windowed else ""
    lead = _on_its_own_line(_joined(leading))
    pipeline = "".join(f"\n| {stage}" for stage in stages)
    return f"{head}{lead}let {query.hunt} = (\n{_joined(final)}\n);\n{query.hunt}{pipeline}"


def _pieces(query: Query) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    start = query.tokens[query.final.start].start
    end = query.tokens[query.final.end - 1].end
    return query.lines(0, start), query.lines(start, end)


def _joined(lines: list[tuple[int, str]]) -> str:
    return "".join(piece for _, piece in lines)


def _on_its_own_line(text: str) -> str:
    return text if not text or text.endswith(("\n", "\r")) else f"{text}\n"


def _definitions(window: TimeWindow) -> str:
    start, end = WINDOW_NAMES
    return (
        f"let {start} = {datetime_text(window.start)};\nlet {end} = {datetime_text(window.end)};\n"
    )


def _bounds(cursor: str, window: TimeWindow) -> str:
    column = column_text(cursor)
    start, end = datetime_text(window.start), datetime_text(window.end)
    return f"where {column} >= {start} and {column} < {end}"


def _hash(part: HashPart | None) -> list[str]:
    return [f"where {_row_hash(part.of)} == {part.index}"] if part else []


def _row_hash(below: int) -> str:
    return f"hash(tostring(pack_all()), {below})"
