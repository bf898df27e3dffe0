"""The entries of `queries` with their texts: given, in a file, or made for a whole table."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.configuration import sigma
from tap_m365hunting.configuration.file_names import shown_name
from tap_m365hunting.configuration.files import text_from
from tap_m365hunting.configuration.foreign_texts import not_kql
from tap_m365hunting.kql import table_query

#: Where a query's text may come from; each query names exactly one.
SOURCES: Final = ("query", "query_file", "table", "sigma_rule")

#: The replication key of a table stream that bookmarks when rows came in, not when they happened.
INGESTION_TIME: Final = "ingestion_time"

#: The column that holds it.
INGESTION_COLUMN: Final = "IngestionTime"

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class SourcedQuery(Struct, frozen=True):
    """An entry of `queries`, right or wrong, with its text.

    `given` are the entry's keys without nulls, one source among them; a folder of Sigma rules makes
    an entry of each rule. Without a text, `fault` is the reason, or `refused` for a Sigma rule
    without a meaning for rows.
    """

    number: int
    name: str
    given: Mapping[str, Any]
    text: str | None = None
    fault: str | None = None
    refused: str | None = None


def sourced_queries(listed: object, *, read: Callable[[Path], str]) -> tuple[SourcedQuery, ...]:
    """Find the text of each entry of `queries`; `read` reads a file, once."""
    return tuple(
        _sourced(number, entry, fault, read)
        for number, given in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(given, Mapping)
        for entry, fault in _expanded({k: v for k, v in given.items() if v is not None})
    )


def _sourced(
    number: int, given: Mapping[str, Any], fault: str | None, read: Callable[[Path], str]
) -> SourcedQuery:
    # keys of a wrong type are named by the check of the schema
    texts = {key: value for key, value in given.items() if isinstance(value, str)}
    found = SourcedQuery(number, _stream_name(texts), given)
    try:
        return replace(found, text=_text(texts, fault, read))
    except sigma.RuleRefusedError as error:
        return replace(found, refused=f"queries[{number}].{error}")
    except ValueError as error:
        return replace(found, fault=str(error))


def _stream_name(query: Mapping[str, str]) -> str:
    """Return the stream's name; a table's defaults to the table in snake case.

    >>> _stream_name({"table": "DeviceTvmSoftwareVulnerabilitiesKB"})
    'device_tvm_software_vulnerabilities_kb'
    """
    return query.get("name") or _WORD_START.sub("_", query.get("table", "")).lower()


def _expanded(query: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Yield the queries of an entry: one for each Sigma rule, else the entry itself.

    The second of each pair is the reason for finding no rule. A stream of a single rule may be
    named, streams of a folder are named after their rules.
    """
    if not isinstance(query.get("sigma_rule"), str):
        yield query, None
        return
    try:
        files = sigma.files(query["sigma_rule"])
    except (OSError, ValueError) as error:
        yield query, f"sigma_rule: {error}"
        return
    for name, file in files.items():
        alone = {"name": query["name"]} if len(files) == 1 and "name" in query else {}
        yield {**query, "name": name, "sigma_rule": str(file), **alone}, None


def _text(query: Mapping[str, str], fault: str | None, read: Callable[[Path], str]) -> str:
    """Return the KQL text of a query with a single source; `fault` is that of a Sigma rule.

    Raises:
        ValueError: there is no such text; the message starts with the key at fault.
    """
    source = _source_of(query)
    if fault:
        raise ValueError(fault)
    match source:
        case "table":
            text = _table(query[source], ingestion=query.get("replication_key") == INGESTION_TIME)
        case "query_file":
            text = _file(query[source], read)
        case "sigma_rule":
            text = _rule(Path(query[source]), read)
        case _:
            text = query[source]
    kind = not_kql(text)
    if kind or not text.strip():
        msg = f"{source}: holds {kind}, and no KQL" if kind else f"{source}: is empty"
        raise ValueError(msg)
    return text


def _source_of(query: Mapping[str, str]) -> str:
    given = [key for key in SOURCES if key in query]
    if len(given) != 1:
        msg = f"query: give one of {', '.join(SOURCES)}; given: {', '.join(given) or 'none'}"
        raise ValueError(msg)
    return given[0]


def _table(name: str, *, ingestion: bool) -> str:
    try:
        return table_query(name, ingestion_time=ingestion)
    except ValueError as error:
        msg = f"table: {error}"
        raise ValueError(msg) from error


def _file(name: str, read: Callable[[Path], str]) -> str:
    try:
        return text_from(partial(read, Path(name)))
    except ValueError as error:
        msg = f"query_file: {shown_name(name)} {error}"
        raise ValueError(msg) from error


def _rule(file: Path, read: Callable[[Path], str]) -> str:
    try:
        return sigma.to_kql(text_from(partial(read, file)))
    except ValueError as error:
        msg = f"sigma_rule: {file}: {error}"
        missing = isinstance(error, sigma.ExtraMissingError)
        raise (ValueError if missing else sigma.RuleRefusedError)(msg) from error
