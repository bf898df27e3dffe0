"""The settings, parsed once into frozen types. Past this module there is no string to look up."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting import kql
from tap_m365hunting.dialects import CLOUDS, DIALECTS, Dialect
from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.instants import Instant
from tap_m365hunting.settings import NOT_YET, SETTINGS
from tap_m365hunting.sources import INGESTION_COLUMN, INGESTION_TIME, stream_name, text_of
from tap_m365hunting.validation import problems

#: The stream of one record a window; no query may take its name.
COVERAGE_STREAM: Final = "hunting_windows"

_DEFAULTS: Final = {
    name: declared["default"]
    for name, declared in SETTINGS["properties"].items()
    if "default" in declared
}
_READ_UTF8: Final = partial(Path.read_text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class HuntingQuery:
    """One configured query: one stream.

    `query` is the text as the user wrote it, or as the tap wrote it for a whole table. Column names
    are the query's own. `start` is the first instant wanted, `None` for as far back as there is
    data.
    """

    name: str
    query: kql.Query
    method: str | None
    replication_key: str | None
    primary_keys: tuple[str, ...]
    lookback: timedelta
    start: Instant | None
    unsafe_window: bool

    def assess(self, columns: Iterable[tuple[str, str]] | None = None) -> kql.Verdict:
        """Say how the query will be read; more surely with the result's columns and types."""
        return kql.assess(
            self.query,
            method=self.method,
            cursor=self.replication_key,
            unsafe=self.unsafe_window,
            columns=columns,
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the service is and who asks."""

    dialect: Dialect
    url: str
    authority: str
    scope: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Rations:
    """What the tap may use of the tenant's quotas."""

    calls_per_minute: int
    calls_per_hour: int
    share_percent: int
    max_wait: timedelta


@dataclass(frozen=True, slots=True)
class Reading:
    """Which rows are read, and how they are written."""

    row_cap: int
    settle: timedelta
    retention: timedelta
    end: Instant | None
    on_stream_error: Literal["continue", "stop"]
    on_unreadable_window: Literal["stop", "skip"]
    schema_drift: Literal["evolve", "freeze", "fail"]
    dynamic_as: Literal["string", "json"]
    column_names: Literal["safe", "as_is"]
    row_id: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run is told."""

    connection: Connection
    rations: Rations
    reading: Reading
    queries: tuple[HuntingQuery, ...]

    @classmethod
    def parse(
        cls,
        given: Mapping[str, Any],
        *,
        schema: Mapping[str, Any] = SETTINGS,
        read: Callable[[Path], str] = _READ_UTF8,
    ) -> Self:
        """Check the settings and give them types; `read` reads a query file.

        Raises:
            ConfigValidationError: something is wrong; `errors` names everything that is.
        """
        queries = _Queries(given, read)
        wrong = [
            *problems(given, schema, not_yet=NOT_YET),
            *_date_problems(given),
            *_url_problems(given),
            *queries.problems,
        ]
        if wrong:
            raise _refused(wrong, schema)
        said = _DEFAULTS | {key: value for key, value in given.items() if value is not None}
        parsed = tuple(queries.parsed(said))
        if unfit := [*_unfit(parsed)]:
            raise _refused(unfit, schema)
        return cls(_connection(said), _rations(said), _reading(said), parsed)


def _refused(wrong: list[str], schema: Mapping[str, Any]) -> ConfigValidationError:
    msg = "Config validation failed"
    return ConfigValidationError(msg, errors=wrong, schema=dict(schema))


def _unfit(queries: Iterable[HuntingQuery]) -> Iterator[str]:
    """Yield why windows would change what a query means."""
    for number, query in enumerate(queries):
        for problem in query.assess().problems:
            if problem.severity == "error":
                where = f"line {problem.line}, column {problem.column}"
                yield f"queries[{number}] ({query.name}): {where}: {problem.message}"


def _connection(said: Mapping[str, Any]) -> Connection:
    dialect, cloud = DIALECTS[said["api"]], CLOUDS[said["cloud"]]
    place = cloud.endpoints[dialect.name]
    return Connection(
        dialect=dialect,
        url=dialect.url(said.get("api_url", place.url)),
        authority=said.get("authority_url", cloud.authority).rstrip("/"),
        scope=place.scope,
        tenant_id=said["tenant_id"],
        client_id=said["client_id"],
        client_secret=said["client_secret"],
        timeout=timedelta(seconds=said["request_timeout_seconds"]),
    )


def _rations(said: Mapping[str, Any]) -> Rations:
    return Rations(
        calls_per_minute=said["max_calls_per_minute"],
        calls_per_hour=said["max_calls_per_hour"],
        share_percent=said["quota_share_percent"],
        max_wait=timedelta(minutes=said["max_wait_minutes"]),
    )


def _reading(said: Mapping[str, Any]) -> Reading:
    return Reading(
        row_cap=said["max_rows_per_call"],
        settle=timedelta(minutes=said["settle_minutes"]),
        retention=timedelta(days=said["retention_days"]),
        end=_instant(said.get("end_date")),
        on_stream_error=said["on_stream_error"],
        on_unreadable_window=said["on_unreadable_window"],
        schema_drift=said["schema_drift"],
        dynamic_as=said["dynamic_as"],
        column_names=said["column_names"],
        row_id=said["row_id"],
    )


def _instant(text: str | None) -> Instant | None:
    return None if text is None else Instant.parse(text)


def _date_problems(given: Mapping[str, Any]) -> Iterator[str]:
    dates: dict[str, Instant] = {}
    for key in {"start_date", "end_date"} & given.keys():
        try:
            dates[key] = Instant.parse(str(given[key]))
        except ValueError as error:
            yield f"{key}: {error}"
    if "end_date" not in given:
        return
    if "start_date" not in given:
        yield "end_date: needs start_date, since a backfill reads [start_date, end_date)"
    elif len(dates) > 1 and dates["start_date"] >= dates["end_date"]:
        yield "end_date: must be after start_date"


def _url_problems(given: Mapping[str, Any]) -> Iterator[str]:
    for key in ("api_url", "authority_url"):
        if key in given and not _is_https(str(given[key])):
            yield f"{key}: must be https://HOST, since a secret or a token is sent to it"


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.netloc)


class _Queries:
    """The `queries` setting: what is wrong with it, then the queries that it holds."""

    def __init__(self, given: Mapping[str, Any], read: Callable[[Path], str]) -> None:
        listed = given.get("queries")
        self._listed = [
            (number, query)
            for number, query in enumerate(listed if isinstance(listed, list) else [])
            if isinstance(query, Mapping)
        ]
        self._texts: dict[int, kql.Query] = {}
        self.problems = [*self._texts_read(read), *self._keys_misused(), *self._names_taken()]

    def parsed(self, said: Mapping[str, Any]) -> Iterator[HuntingQuery]:
        """Give the queries their types; only when there are no problems."""
        for number, query in self._listed:
            minutes = query.get("lookback_minutes", said["lookback_minutes"])
            yield HuntingQuery(
                name=stream_name(query),
                query=self._texts[number],
                method=query.get("replication_method"),
                replication_key=_cursor(query),
                primary_keys=tuple(query.get("primary_keys", ())),
                lookback=timedelta(minutes=minutes),
                start=_instant(query.get("start_date", said.get("start_date"))),
                unsafe_window=query.get("unsafe_window", False),
            )

    def _texts_read(self, read: Callable[[Path], str]) -> Iterator[str]:
        for number, query in self._listed:
            # a key of a wrong type has been named by the check against the schema
            texts = {key: value for key, value in query.items() if isinstance(value, str)}
            try:
                self._texts[number] = kql.read(text_of(texts, read=read))
            except QueryTextError as error:
                yield f"{_named(number, query)}: line {error.line}, column {error.column}: {error}"
            except ValueError as error:
                yield f"queries[{number}].{error}"

    def _keys_misused(self) -> Iterator[str]:
        for number, query in self._listed:
            if query.get("replication_key") == INGESTION_TIME and "table" not in query:
                yield (
                    f"queries[{number}].replication_key: ingestion_time is exact only where it is "
                    "read, at a table; use `table`, or a datetime column of the result"
                )
            try:
                _instant(query.get("start_date"))
            except (TypeError, ValueError) as error:
                yield f"queries[{number}].start_date: {error}"

    def _names_taken(self) -> Iterator[str]:
        names = [(number, stream_name(query)) for number, query in self._listed]
        folded = Counter(name.lower() for _, name in names)
        for number, name in names:
            if name.lower() == COVERAGE_STREAM:
                yield f"queries[{number}].name: {name!r} is the tap's own stream; choose another"
            elif name and folded[name.lower()] > 1:
                yield f"queries[{number}].name: {name!r} is taken twice, case aside"


def _named(number: int, query: Mapping[str, Any]) -> str:
    return f"queries[{number}] ({stream_name(query)})"


def _cursor(query: Mapping[str, Any]) -> str | None:
    """Return the cursor's column: ingestion time is read into a column of its own."""
    named = query.get("replication_key")
    return INGESTION_COLUMN if named == INGESTION_TIME else named
