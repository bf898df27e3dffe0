"""Follows one value of the settings to its type, and names the functions that are given it.

A function of the tap is given the value if one of its arguments is the value, or holds it: in a
mapping, a list, or a field. Comprehensions belong to the function around them; a generator is
entered once. Run with `python -m tests.guards.settings_pass` for the functions of each journey.
"""

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final

from msgspec import Struct

from tap_m365hunting.commands.report import report
from tap_m365hunting.configuration.config import RawSettings, Settings, read_utf8
from tap_m365hunting.instants import Instant

_PACKAGE: Final = "/tap_m365hunting/"
_DEEPEST: Final = 6


@dataclass(frozen=True, slots=True)
class Journey:
    """A value of some settings, and the way on which it is followed."""

    name: str
    settings: Mapping[str, Any]
    value: object
    way: Callable[[Mapping[str, Any]], object]

    def functions(self) -> list[str]:
        """Return the functions given the value, in the order in which they are entered."""
        return list(dict.fromkeys(followed(self.value, lambda: self.way(self.settings))))


def followed(value: object, run: Callable[[], object]) -> list[str]:
    """Return the place of each call that is given the value; the run is made twice.

    The first run fills the caches, so that both imports and compiled forms are left out.
    """
    run()
    entered = list[str]()
    generators = list[FrameType]()

    def enter(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or _PACKAGE not in code.co_filename or code.co_name.startswith("<"):
            return
        if code.co_flags & inspect.CO_GENERATOR:
            if frame in generators:
                return
            generators.append(frame)
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(_holds(frame.f_locals.get(name), value) for name in names):
            entered.append(f"{code.co_filename.rpartition(_PACKAGE)[2]}:{code.co_qualname}")

    sys.setprofile(enter)
    try:
        run()
    finally:
        sys.setprofile(None)
    return entered


def _holds(holder: object, value: object, depth: int = 0) -> bool:
    if holder is value:
        return True
    return depth < _DEEPEST and any(_holds(part, value, depth + 1) for part in _parts(holder))


def _parts(holder: object) -> Iterator[object]:
    if isinstance(holder, Mapping):
        yield from holder.values()
    elif isinstance(holder, list | tuple):
        yield from holder
    elif isinstance(holder, Struct):
        yield from (getattr(holder, name) for name in holder.__struct_fields__)
    elif is_dataclass(holder) and not isinstance(holder, type):
        yield from (getattr(holder, field.name) for field in fields(holder))


def journeys(folder: Path) -> Iterator[Journey]:
    """Yield the journeys; files of the settings are written into the folder."""
    query, tenants = folder / "alerts.kql", folder / "tenants.json"
    query.write_text("AlertInfo | project Timestamp, AlertId", "utf-8")
    tenants.write_text(json.dumps([{"tenant_id": "a"}, {"tenant_id": "b", "name": "B"}]), "utf-8")
    # no two settings share a value, and none is a number that Python keeps one of
    minutes, seconds, file = int("7201"), int("7202"), str(query)
    entry = {"name": "alerts", "query_file": file, "lookback_minutes": minutes}
    one = {
        "tenant_id": "t",
        "client_id": "c",
        "client_secret": "S3CRET",
        "start_date": "2026-01-01",
        "request_timeout_seconds": seconds,
        "queries": [entry],
    }
    many = {key: value for key, value in one.items() if key != "tenant_id"}
    many["tenants_file"] = str(tenants)

    def parse(settings: Mapping[str, Any]) -> object:
        return Settings.parse(settings, environment={})

    def check(settings: Mapping[str, Any]) -> object:
        return report(RawSettings.read(settings, environment={}), now=Instant(0))

    yield Journey("a setting of all queries, to its type", one, seconds, parse)
    yield Journey("the same, with a file of tenants", many, seconds, parse)
    yield Journey("a setting of a query, to its type", one, minutes, parse)
    yield Journey("a query's file, to its text and type", one, file, parse)
    yield Journey("a setting of a query, to the report of check", one, minutes, check)


def files_read(settings: Mapping[str, Any]) -> list[Path]:
    """Return the files that are read for the settings' types, in order."""
    read = list[Path]()

    def kept(path: Path) -> str:
        read.append(path)
        return read_utf8(path)

    Settings.parse(settings, read=kept, environment={})
    return read


def main() -> None:
    """Print the functions of each journey."""
    with TemporaryDirectory() as folder:
        for journey in journeys(Path(folder)):
            functions = journey.functions()
            print(f"{len(functions):>3} functions: {journey.name}")  # noqa: T201
            for function in functions:
                print(f"      {function}")  # noqa: T201


if __name__ == "__main__":
    main()
