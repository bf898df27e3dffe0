"""Events of the maps: each query run by the emulator over a day of a made-up company."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from hunting_emulator.data import generate
from hunting_emulator.engine import Engine
from hunting_emulator.tables import CATALOG
from siem_maps.fields import Map
from siem_maps.files import MAPS, map_file

ANCHOR: Final = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
TABLES: Final = tuple(dict.fromkeys(each.table for each in MAPS))
# columns that the service fills in every row; all others may be empty
FILLED: Final = {
    "AlertEvidence": ("AlertId",),
    "AlertInfo": ("AlertId",),
    "CloudAppEvents": ("ActionType", "Application"),
    "DeviceFileEvents": ("ActionType", "DeviceId", "FileName"),
    "EmailEvents": ("NetworkMessageId", "RecipientEmailAddress"),
    "IdentityLogonEvents": ("ActionType", "Application"),
    "UrlClickEvents": ("Url",),
}
_DEVICE: Final = ("ActionType", "DeviceId")

Event = Mapping[str, Any]


@cache
def company(table: str, rows: int) -> Engine:
    """Fill a table with a day of so many rows, and with rows that hardly say anything."""
    engine = Engine(tables=[CATALOG[table]])
    generate(engine, anchor=ANCHOR, rows=rows, days=1, days_ahead=0, tables={table: rows})
    engine.load(table, _bare(table))
    return engine


def _bare(table: str) -> Iterator[Mapping[str, object]]:
    """Yield a row of the least that the service fills, for each action that a map tells apart."""
    filled: dict[str, object] = dict.fromkeys(FILLED.get(table, _DEVICE), "user@contoso.com")
    for action in (
        "",
        "FileRenamed",
        "RegistryKeyDeleted",
        "RegistryValueSet",
        "InboundConnectionAccepted",
    ):
        named = {"ActionType": action} if "ActionType" in filled else {}
        yield {"Timestamp": "2026-03-01T10:00:00.1234567Z"} | filled | named


def answer(wanted: Map, rows: int) -> Iterator[dict[str, Any]]:
    """Yield the records of a map, as the tap writes them with `dynamic_as: json`."""
    result = company(wanted.table, rows).run(
        map_file(wanted).read_text("utf-8"), now=ANCHOR, retention_days=60
    )
    kinds = {column.name: column.type for column in result.columns}
    for row in result.rows():
        yield {
            name: json.loads(value)
            if kinds[name] == "dynamic" and isinstance(value, str)
            else value
            for name, value in zip(kinds, row, strict=True)
        }


@cache
def events(wanted: Map, rows: int) -> tuple[Event, ...]:
    """Return the records without the cursor and without columns that are null."""
    return tuple(
        {name: value for name, value in each.items() if value is not None and name != "Timestamp"}
        for each in answer(wanted, rows)
    )


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield path and value of all that is no object; a list is one value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
        if not value:
            yield path, value
    else:
        yield path, value


def map_name(wanted: Map) -> str:
    """Name a case by schema and table."""
    return f"{wanted.schema}-{wanted.table}"
