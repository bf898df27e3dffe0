"""The settings, parsed once into frozen types. Past this module there is no string to look up."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self

from msgspec import Struct
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.addresses import url_problems
from tap_m365hunting.configuration.files import READ_UTF8
from tap_m365hunting.configuration.queries import (
    COVERAGE_STREAM,
    HuntingQuery,
    ListedQuery,
    instant,
    listed_queries,
)
from tap_m365hunting.configuration.settings import SETTINGS
from tap_m365hunting.configuration.stream_maps import stream_map_problems
from tap_m365hunting.configuration.tenants import Connection, Tenant, TenantList, partitioned
from tap_m365hunting.configuration.validation import problems
from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.timespan import DEFAULT_TIMESPAN
from tap_m365hunting.wire.dialects import DEFENDER

__all__ = [
    "DEFAULTS",
    "READ_UTF8",
    "Connection",
    "HuntingQuery",
    "QuotaSettings",
    "RawSettings",
    "ReadSettings",
    "Settings",
    "Tenant",
]

#: The value of each setting that need not be given.
DEFAULTS: Final = {
    name: declared["default"]
    for name, declared in SETTINGS["properties"].items()
    if "default" in declared
}
_DAY_MINUTES: Final = 24 * 60
_DATES: Final = ("start_date", "end_date")


class QuotaSettings(Struct, frozen=True):
    """The tap's share of a tenant's quotas, and the number of calls at the same time."""

    calls_per_minute: int
    calls_per_hour: int
    share_percent: int
    max_wait: timedelta
    parallel_calls: int


class ReadSettings(Struct, frozen=True):
    """Which rows are read, and how they are written."""

    row_cap: int
    settle: timedelta
    retention: timedelta
    end: Instant | None
    on_stream_error: Literal["continue", "stop"]
    on_unreadable_window: Literal["stop", "skip"]
    on_changing_rows: Literal["stop", "take"]
    schema_drift: Literal["evolve", "freeze", "fail"]
    dynamic_as: Literal["string", "json"]
    column_names: Literal["safe", "as_is"]
    row_id: bool


class Settings(Struct, frozen=True):
    """All settings of a run.

    There is at least one tenant; `partitioned` marks tenants given as a list, so that state and
    rows name the tenant. `refused_rules` are Sigma rules without a meaning for rows: the reasons,
    by the names of their streams.
    """

    tenants: tuple[Tenant, ...]
    partitioned: bool
    parallel_tenants: int
    quotas: QuotaSettings
    read_settings: ReadSettings
    queries: tuple[HuntingQuery, ...]
    refused_rules: Mapping[str, str] = {}

    @property
    def connection(self) -> Connection:
        """The first tenant's connection, for settings common to all tenants."""
        return self.tenants[0].connection

    @classmethod
    def parse(
        cls,
        given: Mapping[str, Any],
        *,
        schema: Mapping[str, Any] = SETTINGS,
        read: Callable[[Path], str] = READ_UTF8,
        environment: Mapping[str, str] = os.environ,
    ) -> Self:
        """Check the settings and give them types; `read` reads files of queries and tenants.

        The environment may name the file of a federated token.

        Raises:
            ConfigValidationError: the settings are wrong; `errors` has a line for every problem.
        """
        raw = RawSettings.read(given, schema=schema, read=read, environment=environment)
        wrong = [*raw.wrong, *raw.query_problems()]
        refused = {query.name: query.refused for query in raw.queries if query.refused}
        if len(refused) == len(raw.queries):
            wrong += refused.values()
        if wrong:
            msg = "Config validation failed"
            raise ConfigValidationError(msg, errors=wrong, schema=dict(schema))
        fit = [query for query in raw.queries if not query.refused]
        return cls.from_valid(raw, [query.parsed(raw.with_defaults) for query in fit], refused)

    @classmethod
    def from_valid(
        cls,
        raw: "RawSettings",
        queries: Iterable[HuntingQuery],
        refused_rules: Mapping[str, str] | None = None,
    ) -> Self:
        """Give types to settings without problems, for some of their queries."""
        filled = raw.with_defaults
        return cls(
            tenants=tuple(tenant.parsed(filled, raw.environment) for tenant in raw.tenants.tenants),
            partitioned=partitioned(filled),
            parallel_tenants=filled["max_parallel_tenants"],
            quotas=_quotas(filled),
            read_settings=_read_settings(filled),
            queries=tuple(queries),
            refused_rules=refused_rules or {},
        )


class RawSettings(Struct, frozen=True):
    """The given settings, after every file named there was read, once.

    `with_defaults` are the settings without nulls and with defaults; `wrong` holds a line for each
    problem, the texts of the queries aside.
    """

    with_defaults: Mapping[str, Any]
    queries: tuple[ListedQuery, ...]
    tenants: TenantList
    wrong: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def read(
        cls,
        given: Mapping[str, Any],
        *,
        schema: Mapping[str, Any] = SETTINGS,
        read: Callable[[Path], str] = READ_UTF8,
        environment: Mapping[str, str] = os.environ,
        online: bool = True,
    ) -> Self:
        """Read the queries and tenants of the settings; `read` reads a file.

        For a look at the queries alone, with no call (not `online`), nothing needs to name a tenant
        or to say how to sign in.
        """
        stated = {key: value for key, value in given.items() if value is not None}
        tenants = TenantList.read(stated, read=read, needed=online)
        queries = listed_queries(given, read=read)
        wrong = (
            *problems(given, schema),
            *tenants.problems(environment, needed=online),
            *_date_problems(stated),
            *_nothing_to_read(stated),
            *url_problems(stated),
            *stream_map_problems(
                stated.get("stream_maps"), [COVERAGE_STREAM, *(query.name for query in queries)]
            ),
            *_graph_problems(stated),
        )
        return cls(DEFAULTS | stated, queries, tenants, wrong, environment)

    def query_problems(self) -> Iterator[str]:
        """Yield the problems of each query's text, and of its windows if there are no others."""
        lines = [line for query in self.queries for line in query.problems]
        yield from lines
        for query in self.queries:
            if not query.refused and not query.named_in([*self.wrong, *lines]):
                yield from _unfit(query)


def _unfit(listed: ListedQuery) -> Iterator[str]:
    """Yield the reasons why windows would change the meaning of a query."""
    for problem in listed.parsed(DEFAULTS).assess().problems:
        if problem.severity == "error":
            yield f"{listed}: line {problem.line}, column {problem.column}: {problem.message}"


def _quotas(filled: Mapping[str, Any]) -> QuotaSettings:
    return QuotaSettings(
        calls_per_minute=filled["max_calls_per_minute"],
        calls_per_hour=filled["max_calls_per_hour"],
        share_percent=filled["quota_share_percent"],
        max_wait=timedelta(minutes=filled["max_wait_minutes"]),
        parallel_calls=filled["max_parallel_calls"],
    )


def _read_settings(filled: Mapping[str, Any]) -> ReadSettings:
    return ReadSettings(
        row_cap=filled["max_rows_per_call"],
        settle=timedelta(minutes=filled["settle_minutes"]),
        retention=timedelta(days=filled["retention_days"]),
        end=instant(filled.get("end_date")),
        on_stream_error=filled["on_stream_error"],
        on_unreadable_window=filled["on_unreadable_window"],
        on_changing_rows=filled["on_changing_rows"],
        schema_drift=filled["schema_drift"],
        dynamic_as=filled["dynamic_as"],
        column_names=filled["column_names"],
        row_id=filled["row_id"],
    )


def _date_problems(given: Mapping[str, Any]) -> Iterator[str]:
    dates: dict[str, Instant] = {}
    for key in _DATES:
        try:
            dates |= _date(given, key)
        except ValueError as error:
            yield f"{key}: {error}"
    if "end_date" not in given:
        return
    if "start_date" not in given:
        yield "end_date: needs start_date, since a backfill reads [start_date, end_date)"
    elif len(dates) > 1 and dates["start_date"] >= dates["end_date"]:
        yield "end_date: must be after start_date"


def _date(given: Mapping[str, Any], key: str) -> dict[str, Instant]:
    text = given.get(key)
    return {key: Instant.parse(text)} if isinstance(text, str) else {}


def _nothing_to_read(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield settings under which every run ends well and reads no row."""
    if given.get("queries") == []:
        yield "queries: lists no query"
    filled = {**DEFAULTS, **given}
    settle, retention = filled["settle_minutes"], filled["retention_days"]
    if (
        isinstance(settle, int)
        and isinstance(retention, int)
        and settle >= retention * _DAY_MINUTES
    ):
        yield "settle_minutes: must be less than retention_days, or nothing is ever read"


def _graph_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings that only Graph has a place for in a call."""
    if given.get("api") != DEFENDER.name:
        return
    queries = given.get("queries")
    entries = [("", given)] + [
        (f"queries[{number}].", entry)
        for number, entry in enumerate(queries if isinstance(queries, list) else ())
        if isinstance(entry, Mapping)
    ]
    for place, entry in entries:
        days = entry.get("retention_days")
        if isinstance(days, int) and days > DEFAULT_TIMESPAN.days:
            yield (
                f"{place}retention_days: the Defender API shows {DEFAULT_TIMESPAN.days} days; "
                "set api to graph for more"
            )
        if entry.get("workspace_id") is not None:
            yield f"{place}workspace_id: the Defender API has no workspaces; set api to graph"
