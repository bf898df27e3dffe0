"""The oddities that any tenant has all the time: odd commands, tools, mails and sign-ins.

The package holds the telling columns of each oddity; the other columns are made as those of rows
in bulk. The oddities of one group happen within minutes of each other, to one person on one device,
and again and again over the days before the anchor.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hunting_emulator.data import bulk
from hunting_emulator.engine import Engine

_FILE: Final = Path(__file__).parents[1] / "catalog" / "oddities.json"
# How long before the anchor a group happens; the first two for queries of the last hour or day.
_AGES: Final = tuple(timedelta(hours=hours) for hours in (0.6, 19, 76, 155, 290, 420, 560))
_WITHIN: Final = timedelta(minutes=10)
_ROWS_PER_AGE: Final = 10_000
_SYSTEM: Final = "C:\\Windows\\System32\\"

Told = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Oddities:
    """The oddities of a group in one table: their telling columns, a row each.

    `common` columns are the same in all rows, but for the `{Column}` of a row in their text. Each
    row happens so many `times` on an occasion.
    """

    table: str
    group: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    common: Mapping[str, str] = field(default_factory=dict)
    times: int = 1

    def values(self) -> Iterator[Told]:
        """Yield the telling values of each row."""
        for row in self.rows:
            own = dict(zip(self.columns, row, strict=True))
            common = {name: _filled(text, own) for name, text in self.common.items()}
            yield from [{**_completed(self.table, own), **common, **own}] * self.times


def _filled(text: str, own: Told) -> str:
    for name, value in own.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def read() -> tuple[Oddities, ...]:
    """Return the oddities of the package's catalog."""
    listed: list[dict[str, Any]] = json.loads(_FILE.read_text("utf-8"))
    return tuple(Oddities(**entry) for entry in listed)


def add(engine: Engine, *, anchor: datetime, rows: int, seed: int, tables: Sequence[str]) -> None:
    """Let the oddities happen in these tables, once for each ten thousand `rows` of the tenant."""
    population = max(10, min(2_000, rows // 500))
    ages = _AGES[: rows // _ROWS_PER_AGE]
    listed = read() if ages else ()
    for table in sorted({oddities.table for oddities in listed} & set(tables)):
        told = [row for group in _groups(listed, table) for row in _told(group, anchor, ages)]
        bulk.tell(
            engine.store,
            engine.tables[table],
            told,
            seed=seed,
            people=population,
            devices=population,
        )


def _groups(listed: Sequence[Oddities], table: str) -> Iterator[tuple[int, str, list[Told]]]:
    """Yield the number, the name and the rows of each group that has rows in the table."""
    names = sorted({oddities.group for oddities in listed})
    for number, name in enumerate(names, start=1):
        of_group = [o for o in listed if o.table == table and o.group == name]
        rows = [values for oddities in of_group for values in oddities.values()]
        if rows:
            yield number, name, rows


def _told(
    group: tuple[int, str, list[Told]], anchor: datetime, ages: Sequence[timedelta]
) -> Iterator[bulk.Told]:
    """Yield a group's rows on each occasion; their numbers are the same in every table."""
    number, name, rows = group
    step = _WITHIN / len(rows)
    for occasion, age in enumerate(ages):
        for place, values in enumerate(rows):
            key = number * 1_000_000 + occasion * 10_000 + place
            yield bulk.Told(key, f"{name} {occasion}", anchor - age + place * step, values)


def _completed(table: str, own: Told) -> Told:
    complete = _COMPLETED.get(table)
    return {} if complete is None else complete(own)


def _process(values: Told) -> Told:
    file, starter = str(values["FileName"]), str(values["InitiatingProcessFileName"])
    folder = "/usr/bin/" if "." not in file else _SYSTEM
    return {
        "FolderPath": folder + file,
        "ProcessVersionInfoOriginalFileName": file,
        "InitiatingProcessCommandLine": starter,
        "InitiatingProcessParentFileName": "explorer.exe",
    }


def _initiated(values: Told) -> Told:
    starter = str(values.get("InitiatingProcessFileName", ""))
    return {"InitiatingProcessVersionInfoOriginalFileName": starter}


_COMPLETED: Final = MappingProxyType(
    {
        "DeviceProcessEvents": _process,
        "DeviceNetworkEvents": _initiated,
        "DeviceFileEvents": _initiated,
    }
)
