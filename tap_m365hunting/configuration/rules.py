"""The rules of the settings that no schema can state. Pure.

Each broken rule is a line that starts with the key at fault; no value of a secret is shown.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any, Final
from urllib.parse import urlsplit

from tap_m365hunting.configuration.batch_settings import batch_problems
from tap_m365hunting.configuration.queries import COVERAGE_STREAM
from tap_m365hunting.configuration.sources import INGESTION_TIME, SourcedQuery
from tap_m365hunting.configuration.validation import nearest
from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.timespan import DEFAULT_TIMESPAN
from tap_m365hunting.printable import shown_key
from tap_m365hunting.wire.dialects import DEFENDER

_DAY_MINUTES: Final = 24 * 60
# The parts that a URL may have, and the place of a service has not, a password among them.
_NO_PLACE: Final = re.compile(r"[\s@?#\\]")
_MAP_SOURCE: Final = "__source__"


def settings_problems(filled: Mapping[str, Any], streams: Collection[str]) -> Iterator[str]:
    """Yield a line for each rule broken by the settings, with defaults, around the queries.

    `streams` are the names of the queries' streams.
    """
    if filled.get("queries") == []:
        yield "queries: lists no query"
    yield from _settle_problems(filled["settle_minutes"], filled["retention_days"])
    for key in ("api_url", "authority_url"):
        yield from _url_problems(key, filled.get(key))
    yield from stream_map_problems(filled.get("stream_maps"), [COVERAGE_STREAM, *streams])
    if filled["api"] == DEFENDER.name:
        yield from _graph_problems(filled)
    yield from _date_problems(filled.get("start_date"), filled.get("end_date"))
    yield from batch_problems(filled.get("batch_config"))


def query_problems(queries: Sequence[SourcedQuery], end: object) -> Iterator[tuple[str, ...]]:
    """Yield the lines of each query's broken rules; a backfill ends at `end`."""
    taken = Counter(query.name.lower() for query in queries)
    for query in queries:
        yield (*_query_problems(query, taken[query.name.lower()], end),)


def stream_map_problems(maps: object, streams: Collection[str]) -> Iterator[str]:
    """Yield a line for each key that is for no stream; `*` and `?` in a key match as in a shell.

    A misspelt key would leave a column unmasked without a word.

    >>> list(stream_map_problems({"alrets": {}}, ["alerts"]))
    ["stream_maps.alrets: there is no such stream (did you mean 'alerts'?)"]
    """
    if not isinstance(maps, Mapping):
        return
    for key, definition in maps.items():
        source = _map_source(key, definition)
        if not key.startswith("__") and not any(fnmatch(name, source) for name in streams):
            yield f"stream_maps.{shown_key(key)}: there is no such stream{nearest(source, streams)}"


def _map_source(key: str, definition: Any) -> str:  # noqa: ANN401 - JSON
    named = definition.get(_MAP_SOURCE) if isinstance(definition, Mapping) else None
    return named if isinstance(named, str) else key


def _date_problems(start: object, end: object) -> Iterator[str]:
    (first, bad_start), (last, bad_end) = (_parsed(date) for date in (start, end))
    yield from (f"start_date: {why}" for why in bad_start)
    yield from (f"end_date: {why}" for why in bad_end)
    if end is None:
        return
    if start is None:
        yield "end_date: needs start_date, since a backfill reads [start_date, end_date)"
    elif first and last and first >= last:
        yield "end_date: must be after start_date"


def _parsed(date: object) -> tuple[Instant | None, list[str]]:
    """Return the instant of a date, and why a text is none; the schema names other types."""
    try:
        return (Instant.parse(date), []) if isinstance(date, str) else (None, [])
    except ValueError as error:
        return None, [str(error)]


def _settle_problems(settle: object, retention: object) -> Iterator[str]:
    """Yield spans under which every run ends well and reads no row."""
    if (
        isinstance(settle, int)
        and isinstance(retention, int)
        and settle >= retention * _DAY_MINUTES
    ):
        yield "settle_minutes: must be less than retention_days, or nothing is ever read"


def _url_problems(key: str, url: object) -> Iterator[str]:
    """Yield why an address is none that a secret may be sent to."""
    if not isinstance(url, str):
        return
    if not url.startswith("https://"):
        yield f"{key}: must be https://HOST, since a secret or a token is sent to it"
    elif not _is_place(url):
        yield (
            f"{key}: must be https://HOST, with a port and a path at most: no user or "
            "password, no ? or #"
        )
    elif key == "authority_url" and urlsplit(url).path.rstrip("/").lower().endswith("/adfs"):
        yield f"{key}: is that of AD FS, which has no tenants; give Entra ID's host"


def _is_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and not _NO_PLACE.search(url)


def _graph_problems(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings that only Graph has a place for in a call."""
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


def _query_problems(query: SourcedQuery, taken: int, end: object) -> Iterator[str]:
    given = query.given
    if given.get("replication_key") == INGESTION_TIME and "table" not in given:
        yield (
            "replication_key: ingestion_time is exact only where it is read, at a table; use "
            "`table`, or a datetime column of the result"
        )
    yield from _key_problems(given.get("primary_keys"))
    yield from _window_problems(given.get("window_minutes"))
    if query.name or "sigma_rule" not in given:  # streams of rules have the names of their files
        yield from _name_problems(query.name, taken)
    yield from _start_problems(given.get("start_date"), end)


def _key_problems(keys: object) -> Iterator[str]:
    columns = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    for column, times in Counter(columns).items():
        if times > 1:
            yield f"primary_keys: names {column!r} twice"


def _window_problems(minutes: object) -> Iterator[str]:
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


def _start_problems(start: object, end: object) -> Iterator[str]:
    """Yield the problems of a query's own start; `_date_problems` has those of the end."""
    (first, wrong), (last, _) = (_parsed(date) for date in (start, end))
    yield from (f"start_date: {why}" for why in wrong)
    if first and last and first >= last:
        yield "start_date: must be before end_date, or nothing is read"


def _name_problems(name: str, taken: int) -> Iterator[str]:
    if not name:
        yield "name: is required"
    elif name.lower() == COVERAGE_STREAM:
        yield f"name: {name!r} is the tap's own stream; choose another"
    elif taken > 1:
        yield f"name: {name!r} is taken twice, case aside"
