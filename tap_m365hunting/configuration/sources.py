"""A configured query's text: given directly, in a file, or made for a whole table."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from tap_m365hunting.configuration import sigma
from tap_m365hunting.configuration.files import not_kql, shown_name, text_from
from tap_m365hunting.kql import table_query

#: Where a query's text may come from; each query names exactly one.
SOURCES: Final = ("query", "query_file", "table", "sigma_rule")

#: The replication key of a table stream that bookmarks when rows came in, not when they happened.
INGESTION_TIME: Final = "ingestion_time"

#: The column that holds it.
INGESTION_COLUMN: Final = "IngestionTime"

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def stream_name(query: Mapping[str, Any]) -> str:
    """Return the stream's name; a table's defaults to the table in snake case.

    >>> stream_name({"table": "DeviceTvmSoftwareVulnerabilitiesKB"})
    'device_tvm_software_vulnerabilities_kb'
    """
    return str(query.get("name") or _WORD_START.sub("_", query.get("table", "")).lower())


def text_of(query: Mapping[str, str], *, read: Callable[[Path], str]) -> str:
    """Return the KQL text of a query with a single source.

    Raises:
        ValueError: there is no such text; the message starts with the key at fault.
    """
    source = _source_of(query)
    match source:
        case "query_file":
            text = _file(query[source], read)
        case "table":
            text = _table(query[source], ingestion=query.get("replication_key") == INGESTION_TIME)
        case "sigma_rule":
            text = _rule(query[source], read)
        case _:
            text = query[source]
    if not text.strip():
        msg = f"{source}: is empty"
        raise ValueError(msg)
    if kind := not_kql(text):
        msg = f"{source}: holds {kind}, and no KQL"
        raise ValueError(msg)
    return text


def expanded(query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the queries of an entry: one for each Sigma rule, else the entry itself.

    A faulty entry is left unchanged; `text_of` then names the fault. A stream of a single rule may
    be named, streams of a folder are named after their rules.
    """
    if not isinstance(query.get("sigma_rule"), str):
        yield query
        return
    try:
        files = sigma.files(query["sigma_rule"])
    except (OSError, ValueError):
        yield query
        return
    for name, file in files.items():
        alone = {"name": query["name"]} if len(files) == 1 and "name" in query else {}
        yield {**query, "name": name, "sigma_rule": str(file), **alone}


def _rule(name: str, read: Callable[[Path], str]) -> str:
    """Return the KQL of a rule; a folder has an entry for each rule."""
    try:
        (file,) = sigma.files(name).values()
    except (OSError, ValueError) as error:
        msg = f"sigma_rule: {error}"
        raise ValueError(msg) from error
    try:
        return sigma.to_kql(text_from(partial(read, file)))
    except ValueError as error:
        msg = f"sigma_rule: {file}: {error}"
        missing = isinstance(error, sigma.ExtraMissingError)
        raise (ValueError if missing else sigma.RuleRefusedError)(msg) from error


def _source_of(query: Mapping[str, str]) -> str:
    given = [key for key in SOURCES if key in query]
    if len(given) != 1:
        msg = f"query: give one of {', '.join(SOURCES)}; given: {', '.join(given) or 'none'}"
        raise ValueError(msg)
    return given[0]


def _file(name: str, read: Callable[[Path], str]) -> str:
    try:
        return text_from(partial(read, Path(name)))
    except ValueError as error:
        msg = f"query_file: {shown_name(name)} {error}"
        raise ValueError(msg) from error


def _table(name: str, *, ingestion: bool) -> str:
    try:
        return table_query(name, ingestion_time=ingestion)
    except ValueError as error:
        msg = f"table: {error}"
        raise ValueError(msg) from error
