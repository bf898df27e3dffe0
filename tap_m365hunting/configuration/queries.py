"""The configured queries: each read as far as possible, whatever the problems of the others."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from tap_m365hunting import kql
from tap_m365hunting.configuration.sigma import RuleRefusedError
from tap_m365hunting.configuration.sources import (
    INGESTION_COLUMN,
    INGESTION_TIME,
    expanded,
    stream_name,
    text_of,
)
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.instants import Instant

#: The stream of one record a window; no query may take its name.
COVERAGE_STREAM: Final = "hunting_windows"

_WINDOW_MINUTES: Final = 60
_DAY_MINUTES: Final = 24 * 60


class HuntingQuery(Struct, frozen=True):
    """One configured query: one stream.

    `query` is the text as the user wrote it, or as the tap wrote it for a whole table. Column names
    are the query's own. `start` is the first instant wanted, `None` for as far back as there is
    data. Windows end `settle` before now, and the service keeps rows for `retention`;
    with `reaches_back` a first run begins there. `window` is how wide windows are where the query
    bounds itself and has no bins.
    """

    name: str
    query: kql.Query
    method: str | None
    replication_key: str | None
    primary_keys: tuple[str, ...]
    lookback: timedelta
    start: Instant | None
    unsafe_window: bool
    settle: timedelta = timedelta(minutes=5)
    retention: timedelta = timedelta(days=30)
    reaches_back: bool = False
    workspace_id: str | None = None
    window: timedelta = timedelta(minutes=60)

    def assess(self, columns: Iterable[tuple[str, str]] | None = None) -> kql.Verdict:
        """Say how the query will be read; more surely with the result's columns and types."""
        return kql.assess(
            self.query,
            method=self.method,
            cursor=self.replication_key,
            unsafe=self.unsafe_window,
            columns=columns,
        )


class ListedQuery(Struct, frozen=True):
    """An entry of `queries`, right or wrong.

    `text` is the text found, `query` the parsed text; `unreadable` is the reason for no query.
    `refused` is the reason why a Sigma rule has no meaning for rows, no concern of other entries.
    `wrong` holds a line for each problem of the entry's keys.
    """

    number: int
    name: str
    text: str | None
    query: kql.Query | None
    unreadable: QueryTextError | None
    refused: str | None
    wrong: tuple[str, ...]
    _given: Mapping[str, Any]

    @property
    def problems(self) -> Iterator[str]:
        """All problems, in the words of the settings."""
        yield from self.wrong
        if error := self.unreadable:
            yield f"{self}: line {error.line}, column {error.column}: {error}"

    def __str__(self) -> str:
        return f"queries[{self.number}] ({self.name})"

    def named_in(self, lines: Iterable[str]) -> bool:
        """Say if one of the lines is about the entry."""
        return any(line.startswith(f"queries[{self.number}]") for line in lines)

    def parsed(self, said: Mapping[str, Any], *, without: Collection[str] = ()) -> HuntingQuery:
        """Give the entry its types, as if the keys in `without` were not given.

        All other keys must be as declared, and the text readable. `said` are the settings around
        the entry, with defaults.

        Raises:
            QueryTextError: there is no readable text.
        """
        if self.query is None:
            raise self.unreadable or QueryTextError("No text was found", line=1, column=1)
        given = {key: value for key, value in self._given.items() if key not in without}
        return HuntingQuery(
            name=self.name,
            query=self.query,
            method=given.get("replication_method"),
            replication_key=_cursor(given),
            primary_keys=tuple(given.get("primary_keys", ())),
            lookback=timedelta(minutes=given.get("lookback_minutes", said["lookback_minutes"])),
            start=instant(given.get("start_date", said.get("start_date"))),
            unsafe_window=given.get("unsafe_window", False),
            settle=timedelta(minutes=given.get("settle_minutes", said["settle_minutes"])),
            retention=timedelta(days=given.get("retention_days", said["retention_days"])),
            reaches_back="retention_days" in given,
            workspace_id=given.get("workspace_id"),
            window=timedelta(minutes=given.get("window_minutes", _WINDOW_MINUTES)),
        )


def listed_queries(
    settings: Mapping[str, Any], *, read: Callable[[Path], str]
) -> tuple[ListedQuery, ...]:
    """Read every valid entry of `queries`; `read` reads a query file."""
    listed = settings.get("queries")
    entries = [
        (number, {key: value for key, value in query.items() if value is not None})
        for number, entry in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(entry, Mapping)
        for query in expanded(entry)
    ]
    taken = Counter(_name(entry).lower() for _, entry in entries)
    end = settings.get("end_date")
    return tuple(
        _listed(number, entry, [*_misused(entry, taken, end)], read) for number, entry in entries
    )


def instant(text: str | None) -> Instant | None:
    """Read a date of the settings."""
    return None if text is None else Instant.parse(text)


def _listed(
    number: int, entry: Mapping[str, Any], misused: list[str], read: Callable[[Path], str]
) -> ListedQuery:
    text = query = unreadable = refused = None
    wrong = list[str]()
    try:
        text = text_of(_texts(entry), read=read)
        query = kql.read(text)
    except QueryTextError as error:
        unreadable = error
    except RuleRefusedError as error:
        refused = f"queries[{number}].{error}"
    except ValueError as error:
        wrong.append(str(error))
    lines = tuple(f"queries[{number}].{line}" for line in [*wrong, *misused])
    return ListedQuery(number, _name(entry), text, query, unreadable, refused, lines, entry)


def _texts(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys with text; keys of a wrong type are named by the check of the schema."""
    return {key: value for key, value in entry.items() if isinstance(value, str)}


def _name(entry: Mapping[str, Any]) -> str:
    return stream_name(_texts(entry))


def _misused(entry: Mapping[str, Any], taken: Counter[str], end: object) -> Iterator[str]:
    yield from _cursor_misused(entry)
    yield from _keys_misused(entry.get("primary_keys"))
    yield from _window_misused(entry.get("window_minutes"))
    yield from _start_misused(_texts(entry).get("start_date"), end)
    if _name(entry) or "sigma_rule" not in entry:  # streams of rules have the names of their files
        yield from _name_misused(_name(entry), taken[_name(entry).lower()])


def _cursor_misused(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry.get("replication_key") == INGESTION_TIME and "table" not in entry:
        yield (
            "replication_key: ingestion_time is exact only where it is read, at a table; use "
            "`table`, or a datetime column of the result"
        )


def _keys_misused(keys: object) -> Iterator[str]:
    columns = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    for column, times in Counter(columns).items():
        if times > 1:
            yield f"primary_keys: names {column!r} twice"


def _window_misused(minutes: object) -> Iterator[str]:
    """Yield why windows would not start at the same times each day."""
    if (
        isinstance(minutes, int)
        and minutes > 0
        and _DAY_MINUTES % minutes
        and minutes % _DAY_MINUTES
    ):
        near = [m for m in range(1, _DAY_MINUTES + 1) if not _DAY_MINUTES % m]
        fit = min(near, key=lambda m: abs(m - minutes))
        yield f"window_minutes: must divide a day or be whole days (nearest: {fit})"


def _start_misused(start: str | None, end: object) -> Iterator[str]:
    """Yield the problems of a query's own start; `_date_problems` has those of the end."""
    try:
        first = instant(start)
    except ValueError as error:
        yield f"start_date: {error}"
        return
    with suppress(ValueError):
        if first and isinstance(end, str) and first >= Instant.parse(end):
            yield "start_date: must be before end_date, or nothing is read"


def _name_misused(name: str, taken: int) -> Iterator[str]:
    if not name:
        yield "name: is required"
    elif name.lower() == COVERAGE_STREAM:
        yield f"name: {name!r} is the tap's own stream; choose another"
    elif taken > 1:
        yield f"name: {name!r} is taken twice, case aside"


def _cursor(entry: Mapping[str, Any]) -> str | None:
    """Return the cursor's column: ingestion time is read into a column of its own."""
    named = entry.get("replication_key")
    return INGESTION_COLUMN if named == INGESTION_TIME else named
