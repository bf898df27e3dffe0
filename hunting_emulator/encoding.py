"""Values of a result as the two APIs write them in JSON.

Pure. A row is put together from fragments, `"Name":value` with its sidecar before it, because a
100,000-row answer made of dictionaries would cost several times as much.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, Final

import msgspec

from hunting_emulator.settings import ApiName, Wire
from hunting_emulator.tables import Column

# Kusto's types by the .NET names that the Schema array uses; bool is SByte there, as captured.
SCHEMA_TYPES: Final = {
    "string": "String",
    "datetime": "DateTime",
    "bool": "SByte",
    "int": "Int32",
    "long": "Int64",
    "real": "Double",
    "decimal": "SqlDecimal",
    "guid": "Guid",
    "timespan": "TimeSpan",
    "dynamic": "Object",
}
_LARGEST_INT32: Final = 2**31 - 1
_BAG: Final = "#microsoft.graph.security.dynamicColumnValue"
_STRINGS: Final = "#Collection(String)"
_NONE: Final = b"{}"

Value = Any  # a cell is whatever its column's type says
Fragment = Callable[[Value], bytes]
Maker = Callable[[str, Wire], Fragment]
_encode: Final = msgspec.json.Encoder().encode


def row_encoder(
    columns: Sequence[Column], api: ApiName, wire: Wire
) -> Callable[[Sequence[Sequence[Value]]], Iterator[bytes]]:
    """Return a function from a batch of rows to the rows' JSON objects."""
    fragments = [_fragment(column, api, wire) for column in columns]

    def encode(rows: Sequence[Sequence[Value]]) -> Iterator[bytes]:
        cells = (
            map(fragment, cells)
            for fragment, cells in zip(fragments, zip(*rows, strict=True), strict=True)
        )
        for row in zip(*cells, strict=True):
            yield b"{" + b",".join(row) + b"}"

    return encode


def shortest(moment: str) -> str:
    """Write an instant's fraction as .NET does: none, 3 digits or 7.

    >>> [shortest(f"2026-03-01T00:00:00.{f}Z") for f in ("0000000", "9280000", "7688640")]
    ['2026-03-01T00:00:00Z', '2026-03-01T00:00:00.928Z', '2026-03-01T00:00:00.7688640Z']
    """
    if moment.endswith(".0000000Z"):
        return moment[:19] + "Z"
    return moment[:23] + "Z" if moment.endswith("0000Z") else moment


def annotated(value: Value) -> Value:
    """Return a dynamic value as OData writes an open type.

    A bag names the type at every level. A list may hold strings only, so other elements become JSON
    text.

    >>> annotated({"a": [1, {"b": None}]})["a"]
    ['1', '{"b":null}']
    """
    if isinstance(value, dict):
        return {"@odata.type": _BAG, **dict(_annotated_items(value))} if value else value
    if isinstance(value, list):
        return [v if v is None or isinstance(v, str) else _encode(v).decode() for v in value]
    return value


def _annotated_items(bag: dict[str, Value]) -> Iterator[tuple[str, Value]]:
    for name, value in bag.items():
        if isinstance(value, list):
            yield f"{name}@odata.type", _STRINGS
        yield name, annotated(value)


def _fragment(column: Column, api: ApiName, wire: Wire) -> Fragment:
    makers = _GRAPH if api == "graph" else _LEGACY
    return makers[column.type](column.name, wire)


def _number(value: Value) -> bytes:
    if isinstance(value, float) and not isfinite(value):
        return b'"NaN"' if isnan(value) else (b'"INF"' if value > 0 else b'"-INF"')
    return _encode(value)


def _key(name: str) -> bytes:
    return _encode(name) + b":"


def _sidecar(name: str, kind: str) -> bytes:
    return _encode(f"{name}@odata.type") + b":" + _encode(kind) + b","


def _nullable(null: bytes, write: Callable[[Value], bytes]) -> Maker:
    """Return the writer of a plain value, without a sidecar."""

    def make(name: str, _: Wire) -> Fragment:
        key, missing = _key(name), _key(name) + null
        return lambda value: missing if value is None else key + write(value)

    return make


def _moment(value: str) -> bytes:
    return b'"' + shortest(value).encode() + b'"'


def _text(value: Value) -> bytes:
    return _encode(str(value))


def _plain(value: Decimal | float | str) -> bytes:
    return f"{Decimal(value):f}".encode()


def _graph_bool(name: str, _: Wire) -> Fragment:
    key, null = _key(name), _key(name) + _NONE
    false, true = (_sidecar(name, "#SByte") + key + digit for digit in (b"0", b"1"))
    return lambda value: null if value is None else (true if value else false)


def _graph_long(name: str, wire: Wire) -> Fragment:
    # Captures show the sidecar at 2629759514 and none at 6308: what fits 32 bits goes without.
    key, null = _key(name), _key(name) + _NONE
    marked = _sidecar(name, "#Int64") + key
    floor = {"large": _LARGEST_INT32, "always": -1, "never": 2**64}[wire.int64_sidecars]

    def encode(value: int | None) -> bytes:
        if value is None:
            return null
        return (marked if abs(value) > floor else key) + b"%d" % value

    return encode


def _graph_decimal(name: str, _: Wire) -> Fragment:
    null, key = _key(name) + _NONE, _sidecar(name, "#Decimal") + _key(name)
    return lambda value: null if value is None else key + _plain(value)


def _graph_dynamic(name: str, _: Wire) -> Fragment:
    key, null = _key(name), _key(name) + _NONE
    listed = _sidecar(name, _STRINGS) + key

    def encode(value: Value) -> bytes:
        parsed = parsed_dynamic(value)
        if parsed is None:
            return null
        return (listed if isinstance(parsed, list) else key) + _encode(annotated(parsed))

    return encode


def _legacy_dynamic(name: str, wire: Wire) -> Fragment:
    key, null = _key(name), _key(name) + b"null"
    as_text = wire.legacy_dynamic == "text"

    def encode(value: Value) -> bytes:
        parsed = parsed_dynamic(value)
        if parsed is None:
            return null
        written = _encode(parsed)
        return key + (_encode(written.decode()) if as_text else written)

    return encode


def parsed_dynamic(value: Value) -> Value:
    """Return a dynamic cell as a JSON value; text that is no JSON is a string."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


_STRING: Final = _nullable(b'""', _encode)
_GRAPH: Final[Mapping[str, Maker]] = {
    "string": _STRING,
    "datetime": _nullable(_NONE, _moment),
    "bool": _graph_bool,
    "int": _nullable(_NONE, _number),
    "long": _graph_long,
    "real": _nullable(_NONE, _number),
    "decimal": _graph_decimal,
    "guid": _nullable(_NONE, _text),
    "timespan": _nullable(_NONE, _text),
    "dynamic": _graph_dynamic,
}
_LEGACY: Final[Mapping[str, Maker]] = {
    "string": _STRING,
    "datetime": _nullable(b"null", _moment),
    "bool": _nullable(b"null", lambda value: b"1" if value else b"0"),
    "int": _nullable(b"null", _number),
    "long": _nullable(b"null", _number),
    "real": _nullable(b"null", _number),
    "decimal": _nullable(b"null", lambda value: b'"' + _plain(value) + b'"'),
    "guid": _nullable(b"null", _text),
    "timespan": _nullable(b"null", _text),
    "dynamic": _legacy_dynamic,
}


def batches_as_json(
    batches: Iterable[Sequence[Sequence[Value]]],
    encode: Callable[[Sequence[Sequence[Value]]], Iterator[bytes]],
) -> Iterator[tuple[int, bytes]]:
    """Turn batches of rows into pieces of a JSON array, each with the number of rows."""
    comma = b""
    for rows in batches:
        if rows:
            yield len(rows), comma + b",".join(encode(rows))
            comma = b","
