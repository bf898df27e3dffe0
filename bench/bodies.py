"""Answers of every kind, made at random: columns of all types, odd cells, odd ways to write JSON.

Pure but for the random numbers it is given.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

_WORDS: Final = (
    "", " ", "x", 'cmd.exe /c "dir"', "C:\\Users\\pc", "\u4f60\u597d", "\U0001f600", "a\tb",
    "a\u2028b", "\x7f", "\x00", "{", '"{', '{"a":1}', ' [1, {"b": null}]', '},{"Timestamp":', "]}",
    '"results":[', "null", "true", "0", "5", "-5.50", "1e5", "NaN", "@odata.type", "/", "\ufffd",
)  # fmt: skip
_NUMBERS: Final = (
    0, 1, -1, 2, 255, 2**31, 2**53 + 1, -(2**63), 2**63, 2**64 - 1, 2**64, 10**30,
    0.0, -0.0, 0.1, 1.10, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 123456789.125,
)  # fmt: skip
_ODDITIES: Final[tuple[Any, ...]] = (
    {}, [], None, True, "", 0, 2, -7, 2**70, 0.5, "x", {"a": 1}, ["{}"], "NaN", "-INF", "1.5",
    {"@odata.type": "#x"}, [[]],
)  # fmt: skip
_MOMENTS: Final = ("Z", ".1Z", ".123Z", ".1234567Z", ".9999999Z", ".0000000Z")
_ODD_MOMENTS: Final = ("2026-13-45T99:99:99.9999999Z", "2026-01-01", "0001-01-01T00:00:00Z", "now")
BAG: Final = "#microsoft.graph.security.dynamicColumnValue"


def _text(random: Random) -> str:
    return "".join(random.choice(_WORDS) for _ in range(random.choice((0, 1, 1, 1, 2, 9))))


def _moment(random: Random) -> str:
    if random.random() < 0.02:
        return random.choice(_ODD_MOMENTS)
    return f"2026-03-{random.randint(1, 28):02}T{random.randint(0, 23):02}:00:00" + random.choice(
        _MOMENTS if random.random() < 0.1 else (".1234567Z", ".7654321Z")
    )


def _dynamic(random: Random, depth: int = 3) -> Any:  # noqa: ANN401 - JSON
    """Make a value as Graph writes it: bags with their types, objects in lists as text."""
    kind = random.randrange(8) if depth else random.randrange(4)
    if kind in {4, 5, 6}:
        bag: dict[str, Any] = {"@odata.type": BAG} if random.random() < 0.5 else {}
        for _ in range(random.randrange(4)):
            key, value = _text(random), _dynamic(random, depth - 1)
            if isinstance(value, list):
                bag[f"{key}@odata.type"] = "#Collection(String)"
            bag[key] = value
        return bag
    if kind == 7:
        values = [_dynamic(random, depth - 1) for _ in range(random.randrange(4))]
        return [json.dumps(v) if isinstance(v, dict) else v for v in values]
    return random.choice((_text(random), random.choice(_NUMBERS), None, random.random() < 0.5))


def _guid(random: Random) -> str:
    form = "%08x-0000-4000-8000-%012x" if random.random() < 0.9 else "%08X0000400080000%012X"
    return form % (random.getrandbits(32), random.getrandbits(48))


def _span(random: Random) -> str:
    return random.choice(("00:00:05", "-1.02:03:04.5000000", "P1DT2H3M4.5S", "PT0S", "", "soon"))


def _integer(bits: int) -> Callable[[Random], int]:
    return lambda random: random.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1))


def _double(random: Random) -> Any:  # noqa: ANN401 - JSON
    return random.choice((random.random(), *_NUMBERS))


def _decimal(random: Random) -> Any:  # noqa: ANN401 - JSON
    return random.choice((random.random(), f"{random.getrandbits(100)}.{random.getrandbits(9)}", 7))


#: Makes a cell of a type; the types' names are the engine's.
CELLS: Final[Mapping[str, Callable[[Random], Any]]] = {
    "String": _text,
    "DateTime": _moment,
    "SByte": lambda random: random.randrange(2),
    "Boolean": lambda random: random.random() < 0.5,
    "Int32": _integer(32),
    "Int64": _integer(64),
    "Double": _double,
    "SqlDecimal": _decimal,
    "Guid": _guid,
    "TimeSpan": _span,
    "Object": _dynamic,
    "Geography": _text,
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns by name, with their types, and rows."""

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]

    def outer(self, *, graph: bool = True) -> dict[str, Any]:
        """Return the answer's outer object, with the keys of one dialect or the other."""
        name, kind, schema, rows = (
            ("name", "type", "schema", "results")
            if graph
            else ("Name", "Type", "Schema", "Results")
        )
        columns = [{name: column, kind: type_} for column, type_ in self.columns.items()]
        return {schema: columns, rows: self.rows}


def sheet(random: Random, columns: Mapping[str, str], rows: int, *, odd: float = 0.0) -> Sheet:
    """Make rows of the columns; of the cells, `odd` many (0 to 1) do not fit, or are not there."""
    return Sheet(columns, [_row(random, columns, odd) for _ in range(rows)])


def _row(random: Random, columns: Mapping[str, str], odd: float) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, type_ in columns.items():
        if random.random() < odd:
            if random.random() < 0.5:
                continue
            row[name] = random.choice(_ODDITIES)
        elif type_ not in {"String", "Object"} and random.random() < 0.2:
            row[name] = {}
        else:
            if type_ in {"Int64", "SByte"}:
                row[f"{name}@odata.type"] = f"#{type_}"
            row[name] = CELLS[type_](random)
    return row


def written(random: Random, outer: Mapping[str, Any]) -> bytes:
    """Write JSON as somebody might: spaced, escaped, in any order of keys, with a mark before."""
    style: dict[str, Any] = random.choice(
        ({"separators": (",", ":")}, {"separators": (",", ":")}, {}, {"indent": 1})
    )
    items = list(outer.items())
    if random.random() < 0.2:
        random.shuffle(items)
    if random.random() < 0.3:
        items = [(key, _mixed(random, value)) for key, value in items]
    items.insert(random.randrange(len(items) + 1), ("Stats", {"results": [1], "x": "]}"}))
    text = json.dumps(dict(items), ensure_ascii=random.random() < 0.5, **style)
    mark = "\ufeff" if random.random() < 0.02 else ""
    return f"{mark}{text}".encode("utf-8", "replace")


def _mixed(random: Random, value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_mixed(random, element) for element in value]
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: _mixed(random, value[key]) for key in keys}
    return value
