"""Rows as each API writes them, beside the truth that they stand for.

A `Cell` holds a value of one column type in three forms. The encoders here are written from what
the service was seen to send, and share nothing with the tap.
"""

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

BAG_TYPE = "#microsoft.graph.security.dynamicColumnValue"
LIST_TYPE = "#Collection(String)"
TICKS_PER_DAY = 864_000_000_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: as a record should hold it, and as either API writes it (`sidecar` for Graph)."""

    truth: Any
    graph: Any
    defender: Any
    sidecar: str | None = None


NULL = Cell(truth=None, graph={}, defender=None)


def _same(value: Any) -> Cell:  # noqa: ANN401 - any JSON
    return Cell(value, value, value)


def _moment(ticks: int) -> Cell:
    whole = datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)  # noqa: DTZ001 - text only
    fraction = ticks % 10_000_000
    stem = whole.isoformat(timespec="seconds")
    if fraction == 0:
        short = f"{stem}Z"
    elif fraction % 10_000 == 0:
        short = f"{stem}.{fraction // 10_000:03}Z"
    else:
        short = f"{stem}.{fraction:07}Z"
    return Cell(f"{stem}.{fraction:07}Z", short, short)


def _span(ticks: int) -> Cell:
    days, left = divmod(abs(ticks), TICKS_PER_DAY)
    seconds, fraction = divmod(left, 10_000_000)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    sign = "-" if ticks < 0 else ""
    tail = f".{fraction:07}" if fraction else ""
    kusto = f"{sign}{f'{days}.' if days else ''}{hours:02}:{minutes:02}:{seconds:02}{tail}"
    return Cell(kusto, f"{sign}P{days}DT{hours}H{minutes}M{seconds}{tail}S", kusto)


def _boolean(value: bool) -> Cell:  # noqa: FBT001 - the value itself
    return Cell(value, int(value), int(value), "#SByte")


def _double(value: float) -> Cell:
    if math.isfinite(value):
        return _same(value)
    name = "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"
    return Cell(None, name, name.replace("INF", "Infinity"))


def _graph_element(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return json.dumps(value) if isinstance(value, dict) else _graph_dynamic(value)


def _graph_dynamic(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Write a dynamic value as Graph does: typed bags, sidecars, objects in lists as text."""
    if isinstance(value, list):
        return [_graph_element(element) for element in value]
    if not isinstance(value, dict):
        return value
    bag = {"@odata.type": BAG_TYPE}
    for key, cell in value.items():
        if isinstance(cell, list):
            bag[f"{key}@odata.type"] = LIST_TYPE
        bag[key] = _graph_dynamic(cell)
    return bag


def _dynamic(value: Any) -> Cell:  # noqa: ANN401 - any JSON
    nested = isinstance(value, dict | list)
    text = json.dumps(value) if nested and len(value) % 2 else value
    sidecar = LIST_TYPE if isinstance(value, list) else None
    return Cell(value, _graph_dynamic(value), text, sidecar)


texts = st.text(max_size=12)
_json_safe = texts.filter(lambda text: text.lstrip()[:1] not in ("{", "["))
_keys = texts.filter(lambda text: "@odata." not in text)
_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | _json_safe
dynamics = st.recursive(
    _scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=5,
).filter(lambda value: value is not None)

_ticks = st.integers(0, TICKS_PER_DAY * 3_650_000)
CELLS: Mapping[str, st.SearchStrategy[Cell]] = {
    "String": texts.map(_same),
    "DateTime": _ticks.map(_moment) | _ticks.map(lambda t: _moment(t // 10_000 * 10_000)),
    "SByte": st.booleans().map(_boolean),
    "Boolean": st.booleans().map(_same),
    "Int32": st.integers(-(2**31), 2**31 - 1).map(_same),
    "Int64": st.integers(-(2**63), 2**63 - 1).map(lambda n: Cell(n, n, n, "#Int64")),
    "Double": st.floats().map(_double),
    "SqlDecimal": st.decimals(allow_nan=False, allow_infinity=False, places=12).map(
        lambda d: Cell(d, d, str(d))
    ),
    "Guid": st.uuids().map(UUID.__str__).map(_same),
    "TimeSpan": st.integers(-(2**62), 2**62).map(_span),
    "Object": dynamics.map(_dynamic),
}
TYPES = tuple(CELLS)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of cells in the order of the columns."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]

    def truths(self) -> list[dict[str, Any]]:
        """The rows as records should hold them, dynamic values nested."""
        names = [name for name, _ in self.columns]
        return [dict(zip(names, (c.truth for c in row), strict=True)) for row in self.rows]

    def graph(self, *, shuffled: random.Random | None = None, indent: int = -1) -> bytes:
        """The body as Graph writes it; `shuffled` puts the keys of all objects in any order."""
        schema = [{"name": name, "type": kind} for name, kind in self.columns]
        rows = [self._graph_row(row) for row in self.rows]
        return _body({"@odata.context": "x", "schema": schema, "results": rows}, shuffled, indent)

    def defender(self, *, shuffled: random.Random | None = None) -> bytes:
        """The body as Defender's own API writes it."""
        schema = [{"Name": name, "Type": kind} for name, kind in self.columns]
        names = [name for name, _ in self.columns]
        rows = [dict(zip(names, (c.defender for c in row), strict=True)) for row in self.rows]
        return _body({"Stats": {}, "Schema": schema, "Results": rows}, shuffled, -1)

    def _graph_row(self, row: Sequence[Cell]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for (name, _), cell in zip(self.columns, row, strict=True):
            if cell.sidecar:
                out[f"{name}@odata.type"] = cell.sidecar
            out[name] = cell.graph
        return out


def _mixed(value: Any, order: random.Random) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_mixed(element, order) for element in value]
    if isinstance(value, dict):
        keys = order.sample(list(value), len(value))
        return {key: _mixed(value[key], order) for key in keys}
    return value


def _body(value: Any, shuffled: random.Random | None, indent: int) -> bytes:  # noqa: ANN401 - any JSON
    mixed = value if shuffled is None else _mixed(value, shuffled)
    text = msgspec.json.Encoder(decimal_format="number").encode(mixed)
    return text if indent < 0 else msgspec.json.format(text, indent=indent)


_wild = st.text(min_size=1, max_size=8).filter(lambda name: "@odata." not in name)
_tame = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,7}", fullmatch=True)


def _distinct(name: str) -> str:
    return name.upper().casefold()


@st.composite
def tables(draw: st.DrawFn, *, types: Sequence[str] = TYPES, max_rows: int = 3) -> Table:
    """Draw a table of any columns; no two of its names are the same but for case."""
    names = draw(st.sampled_from([_wild, _tame]))
    named = draw(st.lists(names, min_size=1, max_size=4, unique_by=_distinct))
    return _table(draw, [(name, draw(st.sampled_from(types))) for name in named], max_rows)


@st.composite
def full_tables(draw: st.DrawFn, *, max_rows: int = 2) -> Table:
    """Draw a table with a column of every type."""
    return _table(draw, [(f"A{kind}", kind) for kind in TYPES], max_rows)


def _table(draw: st.DrawFn, columns: Sequence[tuple[str, str]], max_rows: int) -> Table:
    cells = st.tuples(*(_nullable(kind) for _, kind in columns))
    return Table(tuple(columns), tuple(draw(st.lists(cells, min_size=1, max_size=max_rows))))


def _nullable(kind: str) -> st.SearchStrategy[Cell]:
    return CELLS[kind] if kind in ("String", "Object") else CELLS[kind] | st.just(NULL)
