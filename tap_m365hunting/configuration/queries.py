"""The configured queries: each read as far as possible, whatever the problems of the others."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, Self

from msgspec import Struct

from tap_m365hunting import kql
from tap_m365hunting.configuration.settings import DEFAULTS
from tap_m365hunting.configuration.sources import INGESTION_COLUMN, INGESTION_TIME, SourcedQuery
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.instants import Instant

#: The stream of one record a window; no query may take its name.
COVERAGE_STREAM: Final = "hunting_windows"

_WINDOW_MINUTES: Final = 60


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

    @classmethod
    def of(cls, source: SourcedQuery, broken: Iterable[str]) -> Self:
        """Read the text of an entry; `broken` are the lines of the rules that it breaks."""
        query = unreadable = None
        try:
            query = None if source.text is None else kql.read(source.text)
        except QueryTextError as error:
            unreadable = error
        return cls(
            number=source.number,
            name=source.name,
            text=source.text,
            query=query,
            unreadable=unreadable,
            refused=source.refused,
            wrong=tuple(
                f"queries[{source.number}].{line}"
                for line in (*filter(None, [source.fault]), *broken)
            ),
            _given=source.given,
        )

    @property
    def problems(self) -> Iterator[str]:
        """All problems, in the words of the settings."""
        yield from self.wrong
        if error := self.unreadable:
            yield f"{self}: line {error.line}, column {error.column}: {error}"

    def __str__(self) -> str:
        return f"queries[{self.number}] ({self.name})"

    def parsed(self, filled: Mapping[str, Any], *, without: Collection[str] = ()) -> HuntingQuery:
        """Give the entry its types, as if the keys in `without` were not given.

        All other keys must be as declared, and the text readable. `filled` are the settings around
        the entry, with defaults.

        Raises:
            QueryTextError: there is no readable text.
        """
        if self.query is None:
            raise self.unreadable or QueryTextError("No text was found", line=1, column=1)
        given = {key: value for key, value in self._given.items() if key not in without}
        cursor = given.get("replication_key")
        start = given.get("start_date", filled.get("start_date"))
        return HuntingQuery(
            name=self.name,
            query=self.query,
            method=given.get("replication_method"),
            # ingestion time is read into a column of its own
            replication_key=INGESTION_COLUMN if cursor == INGESTION_TIME else cursor,
            primary_keys=tuple(given.get("primary_keys", ())),
            lookback=timedelta(minutes=given.get("lookback_minutes", filled["lookback_minutes"])),
            start=start and Instant.parse(start),
            unsafe_window=given.get("unsafe_window", False),
            settle=timedelta(minutes=given.get("settle_minutes", filled["settle_minutes"])),
            retention=timedelta(days=given.get("retention_days", filled["retention_days"])),
            reaches_back="retention_days" in given,
            workspace_id=given.get("workspace_id"),
            window=timedelta(minutes=given.get("window_minutes", _WINDOW_MINUTES)),
        )


def windowing_problems(queries: Iterable[ListedQuery], wrong: Iterable[str]) -> Iterator[str]:
    """Yield the problems of each query, and of its windows if it has no others.

    `wrong` are the lines about all settings.
    """
    lines = [line for query in queries for line in query.problems]
    yield from lines
    for query in queries:
        named = any(line.startswith(f"queries[{query.number}]") for line in (*wrong, *lines))
        if not named and not query.refused:
            # how a query may be read hangs on no setting around it
            for problem in query.parsed(DEFAULTS).assess().problems:
                if problem.severity == "error":
                    place = f"line {problem.line}, column {problem.column}"
                    yield f"{query}: {place}: {problem.message}"
