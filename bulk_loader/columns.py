"""Columns of a stream, with the SQL type of each, from the JSON Schema of its SCHEMA message.

Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from bulk_loader.errors import LoadError

DECIMAL: Final = "DECIMAL(38,18)"
#: The format of a key whose value follows from the row's content, as taps announce it: rows with
#: the same key are the same, so that none has to be written again.
CONTENT_HASH: Final = "x-content-hash"
_DECIMALS: Final = {"decimal", "decimal128", "singer.decimal", "x-singer.decimal"}
_OF_STRINGS: Final = {"date-time": "TIMESTAMP_NS", "date": "DATE", "uuid": "UUID"}
_OF_TYPES: Final[Mapping[frozenset[str], str]] = {
    frozenset(): "VARCHAR",
    frozenset({"boolean"}): "BOOLEAN",
    frozenset({"integer"}): "BIGINT",
    frozenset({"number"}): "DOUBLE",
    frozenset({"integer", "number"}): "DOUBLE",
    frozenset({"string"}): "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A property by its name in the records, and the SQL type that its schema asks for."""

    name: str
    kind: str


@dataclass(frozen=True)
class Declaration:
    """A stream as declared by its SCHEMA message."""

    stream: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    time: str | None = None
    content_hash: bool = False

    @cached_property
    def exact(self) -> bool:
        """Whether records are rewritten, as DuckDB's own reading would change a cell of them.

        It rounds numbers inside objects and those with more digits than a double has, and takes
        names that differ by case alone for one.
        """
        folded = {column.name.lower() for column in self.columns}
        kinds = {column.kind for column in self.columns}
        return bool(kinds & {"JSON", DECIMAL}) or len(folded) < len(self.columns) or "" in folded

    @property
    def fields(self) -> list[str]:
        """How the cells are named in lines for DuckDB."""
        if self.exact:
            return [f"c{n}" for n in range(len(self.columns))]
        return [column.name for column in self.columns]

    def index(self, name: str) -> int:
        """Return the place of a column."""
        return next(n for n, column in enumerate(self.columns) if column.name == name)


def declared(stream: str, message: Mapping[str, Any]) -> Declaration:
    """Read a SCHEMA message.

    Raises:
        LoadError: it names no properties, or a key that is none of them.
    """
    schema = message.get("schema")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(properties, Mapping) or not properties:
        msg = (
            f"The SCHEMA of stream {stream!r} names no properties, and so no columns; deselect the "
            "stream in the tap, or give it a schema"
        )
        raise LoadError(msg)
    key = _key(stream, message)
    if missing := [repr(name) for name in key if name not in properties]:
        msg = f"The key of stream {stream!r} is no property of its schema: {', '.join(missing)}"
        raise LoadError(msg)
    columns = tuple(Column(name, kind_of(about)) for name, about in properties.items())
    hashed = any(_mapping(properties[name]).get("format") == CONTENT_HASH for name in key)
    return Declaration(stream, columns, key, _time(message, columns), hashed)


def _key(stream: str, message: Mapping[str, Any]) -> tuple[str, ...]:
    named = message.get("key_properties") or []
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        return tuple(named)
    msg = f"The SCHEMA of stream {stream!r} has key_properties that are no list of names"
    raise LoadError(msg)


def kind_of(about: object) -> str:
    """Return the SQL type for a property; JSON where it may be of several types or of any.

    >>> kind_of({"type": ["integer", "null"]}), kind_of({}), kind_of({"type": "null"})
    ('BIGINT', 'JSON', 'VARCHAR')
    >>> kind_of({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]})
    'TIMESTAMP_NS'
    """
    parts = list(_parts(_mapping(about)))
    types = {name for part in parts for name in _types(part)}
    formats = {str(part["format"]) for part in parts if part.get("format")}
    kind = _OF_TYPES.get(frozenset(types - {"null"}), "JSON") if types else "JSON"
    if kind in {"VARCHAR", "DOUBLE"} and formats and formats <= _DECIMALS:
        return DECIMAL
    if kind == "DOUBLE" and any(_fraction(part.get("multipleOf")) for part in parts):
        return DECIMAL
    if kind == "VARCHAR" and len(formats) == 1:
        return _OF_STRINGS.get(formats.pop(), kind)
    return kind


def named(columns: tuple[Column, ...], held: list[str]) -> list[str]:
    """Return the names of columns in a table, where case is ignored and none may be empty.

    A column that is there under its very name keeps it; else one that differs by case alone is
    taken, or numbered if another of the stream's columns has it.

    >>> named((Column("Id", ""), Column("ID", ""), Column("", "")), ["ID"])
    ['Id_2', 'ID', '_']
    """
    exact = {column.name for column in columns} & set(held)
    taken = {name.lower() for name in exact}
    found = []
    for column in columns:
        name = column.name
        if name not in exact:
            name = _free(name or "_", taken)
            name = next((own for own in held if own.lower() == name.lower()), name)
            taken.add(name.lower())
        found.append(name)
    return found


def _free(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate.lower() in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def _parts(about: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield about
    for word in ("anyOf", "oneOf", "allOf"):
        for part in _list(about.get(word)):
            yield from _parts(_mapping(part))


def _types(part: Mapping[str, Any]) -> Sequence[str]:
    named = part.get("type")
    return [named] if isinstance(named, str) else [n for n in _list(named) if isinstance(n, str)]


def _fraction(multiple: object) -> bool:
    return isinstance(multiple, float) and 0 < multiple < 1


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _time(message: Mapping[str, Any], columns: Sequence[Column]) -> str | None:
    """Return the replication key, if it is a time: rows with one content share it."""
    named = [name for name in _list(message.get("bookmark_properties")) if isinstance(name, str)]
    times = {column.name for column in columns if column.kind == "TIMESTAMP_NS"}
    return next((name for name in named if name in times), None)
