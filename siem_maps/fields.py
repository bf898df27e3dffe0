"""Maps of a table: the KQL expression for each field of a schema.

Pure. A map is text, one field a line: the field's path, its kind, and KQL to the end of the line.

    process.name   text!  FileName
    process.pid    whole  ProcessId
    event.kind     is     "event"

`is` is there in every event. Any other kind is left out where the value is missing or empty; with
`!` the object around it is left out, too. `[]` behind a name of the path is a list of one object.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

ALWAYS: Final = "is"
KINDS: Final = (ALWAYS, "text", "ip", "whole", "flag", "moment", "list")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the schema; `kql` is an expression over the table's columns."""

    path: tuple[str, ...]
    kind: str
    kql: str
    needed: bool = False

    @classmethod
    def parsed(cls, line: str) -> "Field":
        """Read a line of a map.

        >>> Field.parsed("process.name text! FileName")
        Field(path=('process', 'name'), kind='text', kql='FileName', needed=True)

        Raises:
            ValueError: no such kind, or no expression.
        """
        path, kind, kql = line.split(maxsplit=2)
        if kind.rstrip("!") not in KINDS:
            msg = f"No kind of field: {kind} in {line!r}"
            raise ValueError(msg)
        return cls(tuple(path.split(".")), kind.rstrip("!"), kql, kind.endswith("!"))

    @property
    def dotted(self) -> str:
        """The path as the schema's documentation writes it."""
        return ".".join(self.path).replace("[]", "")


@dataclass(frozen=True, slots=True)
class Node:
    """An object of the event: its own fields, and the objects within."""

    fields: list[Field] = field(default_factory=list)
    objects: dict[str, "Node"] = field(default_factory=dict)

    def at(self, path: Iterable[str]) -> "Node":
        """Return the object at a path below this one, made if it is new."""
        node = self
        for name in path:
            node = node.objects.setdefault(name, Node())
        return node


@dataclass(frozen=True, slots=True)
class Map:
    """A table of advanced hunting as events of a schema."""

    schema: str
    table: str
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, schema: str, table: str, *lines: str) -> "Map":
        """Read a map from blocks of lines; a path that is named again replaces what stood there."""
        fields = {each.path: each for text in lines for each in _parsed(text)}
        return cls(schema, table, tuple(fields.values()))

    @property
    def tree(self) -> Node:
        """The fields as objects within objects."""
        root = Node()
        for each in self.fields:
            root.at(each.path[:-1]).fields.append(each)
        return root


def snake_case(table: str) -> str:
    """Return a table's name as names of files and of data sets are written.

    >>> snake_case("UrlClickEvents")
    'url_click_events'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", table).lower()


def _parsed(text: str) -> Iterator[Field]:
    yield from (Field.parsed(line) for line in text.splitlines() if line.strip())
