"""The columns of an answer as the JSON Schema of a stream.

Pure. A schema comes from the service's column list, never from values, so the schema of an empty
result is the same. Every property has a single type and null, as loaders need.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Self

from msgspec import Struct

from tap_m365hunting.wire.naming import fold, names_as_is, safe_names
from tap_m365hunting.wire.values import DYNAMIC, KINDS, UNKNOWN, ColumnKind

ROW_ID: Final = "_row_id"
#: The format of a key that follows from the content of its row.
CONTENT_HASH: Final = "x-content-hash"
TENANT_ID: Final = "tenant_id"
TENANT_NAME: Final = "tenant_name"
WINDOW_START: Final = "window_start"

DynamicAs = Literal["string", "json"]
ColumnNames = Literal["safe", "as_is"]

# `integer` is left out: it is a `number`, and loaders take the first type that fits
_NESTED: Final = ["object", "array", "string", "number", "boolean", "null"]


class Column(Struct, frozen=True):
    """An entry of the Schema array: the query's own name and the engine's type name."""

    name: str
    type: str

    @property
    def kind(self) -> ColumnKind:
        """The reading of the column's cells; `UNKNOWN` for a type name not in the table."""
        return KINDS.get(self.type.lower().rpartition(".")[2], UNKNOWN)


def unmapped(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns of unknown type: read as text, with a warning by the stream, once.

    >>> unmapped([Column("Shape", "Geography"), Column("When", "dateTime")])
    (Column(name='Shape', type='Geography'),)
    """
    return tuple(column for column in columns if column.kind is UNKNOWN)


def find(name: str, names: Sequence[str]) -> str | None:
    """Return the name in `names` equal to `name`, else equal but for case, else `None`.

    >>> find("logonid", ["LogonId"]), find("LogonID", ["LogonId", "LogonID"])
    ('LogonId', 'LogonID')
    """
    if name in names:
        return name
    return next((other for other in names if fold(other) == fold(name)), None)


def json_property(kind: ColumnKind, *, dynamic_as: DynamicAs = "string", key: bool = False) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON Schema of a column; a key column is never null."""
    if kind is DYNAMIC:
        types = ["string", "null"] if dynamic_as == "string" else list(_NESTED)
    else:
        types = [kind.json_type, "null"]
    formats = {"format": kind.json_format} if kind.json_format else {}
    return {"type": [t for t in types if not (key and t == "null")], **formats}


class Shape(Struct, frozen=True):
    """The shape of a stream's records.

    `names` maps each column to the name in the record, `key` holds the configured key columns by
    their own names. A record begins with the columns named by `tenant`: none, or `tenant_id` and
    perhaps `tenant_name`, and with `window` has `window_start` then; with `row_id` a record ends
    with `_row_id`.
    """

    columns: tuple[Column, ...]
    names: Mapping[str, str]
    dynamic_as: DynamicAs = "string"
    key: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    row_id: bool = True
    window: bool = False

    @classmethod
    def of(
        cls,
        columns: Iterable[Column],
        *,
        column_names: ColumnNames = "safe",
        dynamic_as: DynamicAs = "string",
        key: Iterable[str] = (),
        tenant: Iterable[str] = (),
        row_id: bool = True,
        known: Iterable[str] = (),
        window: bool = False,
    ) -> Self:
        """Name the columns by the setting; `known` record names keep their columns.

        A key column is found by its name, then without regard to case; `missing_keys` holds the key
        columns not found.
        """
        unique = tuple({column.name: column for column in columns}.values())
        own = [column.name for column in unique]
        tenant = tuple(tenant)
        reserved = (ROW_ID,) * row_id + (WINDOW_START,) * window + tenant
        if column_names == "as_is":
            names = names_as_is(own, reserved=reserved)
        else:
            names = safe_names(own, known=tuple(known), reserved=reserved)
        found = tuple(find(name, own) or name for name in key)
        return cls(unique, names, dynamic_as, found, tenant, row_id, window)

    @property
    def given(self) -> tuple[str, ...]:
        """The columns that hold the same for all records of an answer, and come first."""
        return self.tenant + (WINDOW_START,) * self.window

    @property
    def missing_keys(self) -> tuple[str, ...]:
        """Configured key columns absent from the result."""
        return tuple(name for name in self.key if name not in {*self.names, *self.given})

    @property
    def renamed(self) -> Mapping[str, str]:
        """The columns with another name in the record, for the log."""
        return {own: name for own, name in self.names.items() if own != name}

    @property
    def key_properties(self) -> tuple[str, ...]:
        """Names in the record of the key: the tenant first, then the columns or `_row_id`."""
        chosen = tuple(self.names.get(name, name) for name in self.key)
        return self.tenant[:1] + (chosen or (ROW_ID,) * self.row_id)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The JSON Schema of each column by its record name, without the tap's own."""
        return {
            self.names[column.name]: json_property(
                column.kind, dynamic_as=self.dynamic_as, key=column.name in self.key
            )
            for column in self.columns
        }

    def json_schema(self, *, content_hash: bool = False) -> dict[str, Any]:
        """Return the stream's JSON Schema.

        `content_hash` says that rows with the same `_row_id` are equal, so that a loader need not
        write one again.

        >>> Shape.of([Column("N", "Int64")], row_id=False).json_schema()["properties"]
        {'N': {'type': ['integer', 'null']}}
        """
        first: dict[str, Any] = {
            name: {"type": ["string", "null"] if name == TENANT_NAME else ["string"]}
            for name in self.tenant
        }
        if self.window:
            first[WINDOW_START] = {"type": ["string"], "format": "date-time"}
        row_id = {"type": ["string"], **({"format": CONTENT_HASH} if content_hash else {})}
        last = {ROW_ID: row_id} if self.row_id else {}
        return {
            "type": "object",
            "properties": {**first, **self.properties, **last},
            "required": list(self.key_properties),
        }
