"""The settings, parsed once into frozen types. Past this module there is no string to look up."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self

from msgspec import Struct
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.batch_settings import BatchSettings
from tap_m365hunting.configuration.files import read_utf8
from tap_m365hunting.configuration.queries import (
    HuntingQuery,
    ListedQuery,
    windowing_problems,
)
from tap_m365hunting.configuration.rules import query_problems, settings_problems
from tap_m365hunting.configuration.settings import DEFAULTS, SETTINGS
from tap_m365hunting.configuration.sources import sourced_queries
from tap_m365hunting.configuration.tenants import Connection, Tenant, TenantList
from tap_m365hunting.configuration.validation import problems
from tap_m365hunting.instants import Instant

__all__ = [
    "DEFAULTS",
    "Connection",
    "HuntingQuery",
    "QuotaSettings",
    "RawSettings",
    "ReadSettings",
    "Settings",
    "Tenant",
    "read_utf8",
]

_LISTS: Final = frozenset({"queries", "tenants"})


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
    on_unsettled_end: Literal["stop", "wait"]
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
    by the names of their streams. `cautions` are oddities of files that the settings name.
    """

    tenants: tuple[Tenant, ...]
    partitioned: bool
    parallel_tenants: int
    quotas: QuotaSettings
    read_settings: ReadSettings
    queries: tuple[HuntingQuery, ...]
    refused_rules: Mapping[str, str] = {}
    batches: BatchSettings | None = None
    outcome_file: Path | None = None
    cautions: tuple[str, ...] = ()

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
        read: Callable[[Path], str] = read_utf8,
        environment: Mapping[str, str] = os.environ,
    ) -> Self:
        """Check the settings and give them types; `read` reads files of queries and tenants.

        The environment may name the file of a federated token.

        Raises:
            ConfigValidationError: the settings are wrong; `errors` has a line for every problem.
        """
        raw = RawSettings.read(given, schema=schema, read=read, environment=environment)
        wrong = [*raw.wrong, *windowing_problems(raw.queries, raw.wrong)]
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
            partitioned=raw.tenants.partitioned,
            parallel_tenants=filled["max_parallel_tenants"],
            quotas=_quotas(filled),
            read_settings=read_settings_of(filled),
            queries=tuple(queries),
            refused_rules=refused_rules or {},
            batches=BatchSettings.parse(batches)
            if (batches := filled.get("batch_config"))
            else None,
            outcome_file=Path(file) if (file := filled.get("outcome_file")) else None,
            cautions=raw.cautions,
        )


class RawSettings(Struct, frozen=True):
    """The given settings, after every file named there was read, once.

    `with_defaults` are the settings around queries and tenants, without nulls and with defaults;
    `wrong` holds a line for each problem, the texts of the queries aside, and `cautions` a line for
    each oddity of a file that the settings name.
    """

    with_defaults: Mapping[str, Any]
    queries: tuple[ListedQuery, ...]
    tenants: TenantList
    wrong: tuple[str, ...]
    environment: Mapping[str, str]
    cautions: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        given: Mapping[str, Any],
        *,
        schema: Mapping[str, Any] = SETTINGS,
        read: Callable[[Path], str] = read_utf8,
        environment: Mapping[str, str] = os.environ,
        online: bool = True,
    ) -> Self:
        """Read the queries and tenants of the settings; `read` reads a file.

        For a look at the queries alone, with no call (not `online`), nothing needs to name a tenant
        or to say how to sign in.
        """
        stated = {key: value for key, value in given.items() if value is not None}
        filled = DEFAULTS | stated
        sourced = sourced_queries(stated.get("queries"), read=read)
        tenants = TenantList.read(stated, read=read, needed=online)
        wrong = (
            *problems(given, schema),
            *tenants.problems(environment, needed=online),
            *settings_problems(filled, [query.name for query in sourced]),
        )
        broken = query_problems(sourced, stated.get("end_date"))
        around = {key: value for key, value in filled.items() if key not in _LISTS}
        listed = tuple(map(ListedQuery.of, sourced, broken))
        told = tuple(tenants.cautions(environment))
        return cls(around, listed, tenants, wrong, environment, told)


def _quotas(filled: Mapping[str, Any]) -> QuotaSettings:
    return QuotaSettings(
        calls_per_minute=filled["max_calls_per_minute"],
        calls_per_hour=filled["max_calls_per_hour"],
        share_percent=filled["quota_share_percent"],
        max_wait=timedelta(minutes=filled["max_wait_minutes"]),
        parallel_calls=filled["max_parallel_calls"],
    )


def read_settings_of(filled: Mapping[str, Any]) -> ReadSettings:
    """Return how all queries are read, from settings that are right and whole."""
    end = filled.get("end_date")
    return ReadSettings(
        row_cap=filled["max_rows_per_call"],
        settle=timedelta(minutes=filled["settle_minutes"]),
        retention=timedelta(days=filled["retention_days"]),
        end=end and Instant.parse(end),
        on_unsettled_end=filled["on_unsettled_end"],
        on_stream_error=filled["on_stream_error"],
        on_unreadable_window=filled["on_unreadable_window"],
        on_changing_rows=filled["on_changing_rows"],
        schema_drift=filled["schema_drift"],
        dynamic_as=filled["dynamic_as"],
        column_names=filled["column_names"],
        row_id=filled["row_id"],
    )
