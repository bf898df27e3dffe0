"""Values on their way into DuckDB.

Pure. Every value goes in as text and is cast there, so that 64-bit integers and 100 ns survive.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from hunting_emulator.kql import times

DUCKDB_TYPES: Final[Mapping[str, str]] = {
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP_NS",
    "decimal": "DECIMAL(38,9)",
    "dynamic": "JSON",
    "guid": "UUID",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "string": "VARCHAR",
    "timespan": "INTERVAL",
}


def wire_text(value: object, kind: str) -> str | None:
    """Return a JSON-like value as the text that `cast` reads; nothing is `None`.

    A string in a dynamic column is a dynamic string, not JSON text; other values in a string column
    become JSON text.

    Raises:
        ValueError: a datetime or timespan that is none.

    >>> wire_text("2026-01-01T00:00:00.1234567Z", "datetime"), wire_text(True, "bool")
    ('2026-01-01 00:00:00.1234567', 'true')
    """
    if value is None or (value == "" and kind not in {"string", "dynamic"}):
        return None
    return _TEXTS.get(kind, str)(value)


def cast(expression: str, kind: str) -> str:
    """Write the SQL that reads `wire_text`'s text; a missing string is empty, never null."""
    if kind == "string":
        return f"coalesce({expression}, '')"
    if kind == "timespan":
        return f"to_microseconds(CAST({expression} AS BIGINT))"
    return f"CAST({expression} AS {DUCKDB_TYPES[kind]})"


def _datetime(value: object) -> str:
    moment = times.of(value if isinstance(value, datetime) else str(value))
    if not times.holds(moment):
        msg = f"{value!r} lies outside the years 1678 to 2261 that the emulator can hold"
        raise ValueError(msg)
    return moment


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_TEXTS: Final[Mapping[str, Callable[[object], str]]] = {
    "bool": lambda value: "true" if value else "false",
    "datetime": _datetime,
    "dynamic": _json,
    "string": lambda value: value if isinstance(value, str) else _json(value),
    "int": lambda value: str(int(str(value))),
    "long": lambda value: str(int(str(value))),
    "timespan": lambda value: str(times.span_microseconds(str(value))),
}
