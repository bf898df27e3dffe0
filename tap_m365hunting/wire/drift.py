"""Policies for an answer with other columns than the stream's schema.

Pure. The known side is a schema's properties, as in a catalog, so a drift is a change visible to a
loader: two engine types with the same JSON type are no drift.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.errors import SchemaDriftError
from tap_m365hunting.wire.naming import fold
from tap_m365hunting.wire.schema import ROW_ID, TENANT_ID, TENANT_NAME, WINDOW_START, Column, Shape

Policy = Literal["evolve", "freeze", "fail"]
Properties = Mapping[str, Any]

# The tap's own columns, unless a query has one of that name where the tap adds none
_OWN: Final = frozenset({ROW_ID, TENANT_ID, TENANT_NAME, WINDOW_START})

# One engine type for each JSON type, to read a known property's cells by
_TYPES: Final[Mapping[tuple[str, str | None], str]] = {
    ("integer", None): "Int64",
    ("number", None): "Double",
    ("number", "decimal"): "Decimal",
    ("boolean", None): "Boolean",
    ("string", "date-time"): "DateTime",
    ("string", "uuid"): "Guid",
    ("string", None): "String",
}


class Reconciled(Struct, frozen=True):
    """The shape of the records from the answer on, and the difference from the known schema.

    `added`, `vanished` and `changed` are names in the record. With `send_schema` the stream's
    SCHEMA message no longer holds.
    """

    shape: Shape
    added: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    send_schema: bool = False

    @property
    def drifted(self) -> bool:
        """Whether there is a difference, and a warning is due."""
        return bool(self.added or self.vanished or self.changed)

    def __str__(self) -> str:
        """Describe the difference, for a log line or an error."""
        parts = {"new": self.added, "gone": self.vanished, "of another type": self.changed}
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)


def _types(known: Any) -> tuple[frozenset[str], str | None]:  # noqa: ANN401 - JSON Schema
    types = known.get("type", ())
    several = [types] if isinstance(types, str) else types
    return frozenset(several) - {"null"}, known.get("format")


def _column(name: str, known: Any) -> Column:  # noqa: ANN401 - JSON Schema
    types, form = _types(known)
    if "object" in types:
        return Column(name, "Object")
    first = min(types, default="string")
    return Column(name, _TYPES.get((first, form)) or _TYPES.get((first, None), "String"))


def _kept_names(shape: Shape, known: Iterable[str]) -> Shape:
    """Let a column changed only in case keep the known name."""
    spare = {fold(name): name for name in set(known) - set(shape.names.values())}
    names = {
        own: name if name in known else spare.pop(fold(name), name)
        for own, name in shape.names.items()
    }
    return replace(shape, names=names)


def _followed(shape: Shape, known: Properties, difference: Reconciled) -> Reconciled:
    """Take new columns and types over; vanished columns stay, null from now on."""
    by_name = {shape.names[column.name]: column for column in shape.columns}
    order = dict.fromkeys([*known, *by_name])
    columns = {name: by_name.get(name) or _column(name, known[name]) for name in order}
    return replace(
        difference,
        shape=_with(shape, columns),
        send_schema=bool(difference.added or difference.changed),
    )


def _frozen(shape: Shape, known: Properties, difference: Reconciled) -> Reconciled:
    """Keep exactly the known columns, under their known types."""
    by_name = {shape.names[column.name]: column for column in shape.columns}
    columns = {
        name: replace(_column(name, prop), name=by_name[name].name)
        if name in difference.changed
        else by_name.get(name) or _column(name, prop)
        for name, prop in known.items()
    }
    return replace(difference, shape=_with(shape, columns))


def _with(shape: Shape, columns: Mapping[str, Column]) -> Shape:
    names = {column.name: name for name, column in columns.items()}
    return replace(shape, columns=tuple(columns.values()), names=names)


def reconcile(known: Properties, shape: Shape, policy: Policy) -> Reconciled:
    """Compare the `shape` of an answer with the known properties, and follow the policy.

    `evolve` takes new columns and keeps vanished columns as null; `freeze` keeps the known columns
    and types (a converter made for the shape then fails on a value not convertible without loss);
    `fail` refuses any difference.

    Raises:
        SchemaDriftError: there is a difference, and the policy is `fail`.
    """
    columns = frozenset(shape.names.values())
    known = {name: p for name, p in known.items() if name not in _OWN or name in columns}
    shape = _kept_names(shape, known)
    answer = shape.properties
    difference = Reconciled(
        shape,
        added=tuple(name for name in answer if name not in known),
        vanished=tuple(name for name in known if name not in answer),
        changed=tuple(n for n in known if n in answer and _types(known[n]) != _types(answer[n])),
    )
    if policy == "fail" and difference.drifted:
        msg = (
            f"The result's columns are not the schema's ({difference}); set schema_drift to evolve"
        )
        raise SchemaDriftError(msg)
    return (_frozen if policy == "freeze" else _followed)(shape, known, difference)
