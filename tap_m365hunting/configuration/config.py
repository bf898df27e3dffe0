"""The settings, parsed once into frozen types. Past this module there is no string to look up."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from msgspec import Struct
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.files import READ_UTF8
from tap_m365hunting.configuration.queries import HuntingQuery, ListedQuery, instant, listed_queries
from tap_m365hunting.configuration.settings import SETTINGS
from tap_m365hunting.configuration.tenants import Connection, Tenant, TenantList, partitioned
from tap_m365hunting.configuration.validation import problems
from tap_m365hunting.instants import Instant

__all__ = [
    "READ_UTF8",
    "Connection",
    "HuntingQuery",
    "QuotaSettings",
    "ReadSettings",
    "Settings",
    "Tenant",
    "setting_problems",
    "stated",
]

_DEFAULTS: Final = {
    name: declared["default"]
    for name, declared in SETTINGS["properties"].items()
    if "default" in declared
}
_DAY_MINUTES: Final = 24 * 60
_DATES: Final = ("start_date", "end_date")
# The parts that a URL may have, and the place of a service has not, a password among them.
_NO_PLACE: Final = re.compile(r"[\s@?#\\]")


class QuotaSettings(Struct, frozen=True):
    """What the tap may use of a tenant's quotas, and how many calls at the same time."""

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
    """Everything that a run is told.

    There is at least one tenant; `partitioned` says that they were given as a list, so that state
    and rows name theirs.
    """

    tenants: tuple[Tenant, ...]
    partitioned: bool
    parallel_tenants: int
    quotas: QuotaSettings
    read_settings: ReadSettings
    queries: tuple[HuntingQuery, ...]

    @property
    def connection(self) -> Connection:
        """The first tenant's, for what holds for all of them."""
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
            ConfigValidationError: something is wrong; `errors` names everything that is.
        """
        queries = listed_queries(given, read=read)
        wrong = [*setting_problems(given, schema, read=read, environment=environment)]
        wrong += [line for query in queries for line in query.problems]
        sound = [query for query in queries if not query.named_in(wrong)]
        wrong += [line for query in sound for line in _unfit(query)]
        if wrong:
            msg = "Config validation failed"
            raise ConfigValidationError(msg, errors=wrong, schema=dict(schema))
        said = stated(given)
        parsed = [query.parsed(said) for query in queries]
        return cls.right(given, parsed, read=read, environment=environment)

    @classmethod
    def right(
        cls,
        given: Mapping[str, Any],
        queries: Iterable[HuntingQuery],
        *,
        read: Callable[[Path], str] = READ_UTF8,
        environment: Mapping[str, str] = os.environ,
    ) -> Self:
        """Give types to settings with which nothing is wrong, for some of their queries."""
        said = stated(given)
        listed = TenantList.read(said, read=read).tenants
        return cls(
            tenants=tuple(tenant.parsed(said, environment) for tenant in listed),
            partitioned=partitioned(said),
            parallel_tenants=said["max_parallel_tenants"],
            quotas=_quotas(said),
            read_settings=_read_settings(said),
            queries=tuple(queries),
        )


def stated(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with their defaults filled in."""
    return _DEFAULTS | {key: value for key, value in given.items() if value is not None}


def setting_problems(
    given: Mapping[str, Any],
    schema: Mapping[str, Any],
    *,
    read: Callable[[Path], str] = READ_UTF8,
    environment: Mapping[str, str] = os.environ,
    online: bool = True,
) -> Iterator[str]:
    """Yield what is wrong with the settings, the meaning of their queries aside.

    For a look at the queries alone, with no call, nothing needs to name a tenant or to say how to
    sign in.
    """
    yield from problems(given, schema)
    given = {key: value for key, value in given.items() if value is not None}
    tenants = TenantList.read(given, read=read, needed=online)
    yield from tenants.problems(environment, needed=online)
    yield from _date_problems(given)
    yield from _nothing_to_read(given)
    yield from _url_problems(given)


def _unfit(listed: ListedQuery) -> Iterator[str]:
    """Yield why windows would change what a query means."""
    for problem in listed.parsed(_DEFAULTS).assess().problems:
        if problem.severity == "error":
            yield f"{listed}: line {problem.line}, column {problem.column}: {problem.message}"


def _quotas(said: Mapping[str, Any]) -> QuotaSettings:
    return QuotaSettings(
        calls_per_minute=said["max_calls_per_minute"],
        calls_per_hour=said["max_calls_per_hour"],
        share_percent=said["quota_share_percent"],
        max_wait=timedelta(minutes=said["max_wait_minutes"]),
        parallel_calls=said["max_parallel_calls"],
    )


def _read_settings(said: Mapping[str, Any]) -> ReadSettings:
    return ReadSettings(
        row_cap=said["max_rows_per_call"],
        settle=timedelta(minutes=said["settle_minutes"]),
        retention=timedelta(days=said["retention_days"]),
        end=instant(said.get("end_date")),
        on_stream_error=said["on_stream_error"],
        on_unreadable_window=said["on_unreadable_window"],
        on_changing_rows=said["on_changing_rows"],
        schema_drift=said["schema_drift"],
        dynamic_as=said["dynamic_as"],
        column_names=said["column_names"],
        row_id=said["row_id"],
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
    """Yield what would make every run end well and read nothing."""
    if given.get("queries") == []:
        yield "queries: lists no query"
    said = stated(given)
    settle, retention = said["settle_minutes"], said["retention_days"]
    if (
        isinstance(settle, int)
        and isinstance(retention, int)
        and settle >= retention * _DAY_MINUTES
    ):
        yield "settle_minutes: must be less than retention_days, or nothing is ever read"


def _url_problems(given: Mapping[str, Any]) -> Iterator[str]:
    for key in ("api_url", "authority_url"):
        url = given.get(key)
        if not isinstance(url, str):
            continue
        if not url.startswith("https://"):
            yield f"{key}: must be https://HOST, since a secret or a token is sent to it"
        elif not _is_place(url):
            yield (
                f"{key}: must be https://HOST, with a port and a path at most: no user or "
                "password, no ? or #"
            )


def _is_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and not _NO_PLACE.search(url)
