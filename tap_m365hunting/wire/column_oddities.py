"""The oddities that rows of an answer may hold, beside values of their columns' types.

Pure. Strict types are read fastest, and answers are odd in the same columns again and again; so
each refused row makes its column's type lenient, for all rows that follow.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final, Self

from msgspec import Struct, ValidationError
from msgspec.structs import replace

from tap_m365hunting.wire.values import INTEGER, NUMBER, TEXT, ColumnKind

#: Kinds that most answers have no `{}` in: a type that allows for none spares looking for it.
NUMBERS: Final = frozenset({INTEGER, NUMBER})
# How msgspec names a cell, a row without a cell, and any other row
_CELL: Final = re.compile(r" - at `\$\[\d+\]\.(.*)`\Z", re.DOTALL)
_LACKING: Final = re.compile(r"Object missing required field `(.*)` - at `\$\[\d+\]`\Z", re.DOTALL)
_ROW: Final = re.compile(r" - at `\$\[(\d+)\]")


def row_at(error: ValidationError) -> int | None:
    """Return the place of the refused row, if the error tells."""
    found = _ROW.search(str(error))
    return int(found[1]) if found else None


class Leniency(Struct, frozen=True):
    """Columns of any value, and columns that rows may lack; with `empty`, numbers may be `{}`."""

    empty: bool = False
    loose: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()

    def learned(self, error: ValidationError, kinds: Mapping[str, ColumnKind]) -> Self | None:
        """Return the leniency that lets the refused row pass; `None` if the column is not why.

        `kinds` are those of the columns, by their own names.
        """
        told = str(error)
        if lacking := _LACKING.search(told):
            name = lacking[1]
            if name not in kinds or name in self.absent:
                return None
            return replace(self, loose=self.loose | {name}, absent=self.absent | {name})
        cell = _CELL.search(told)
        if cell is None or cell[1] not in kinds or cell[1] in self.loose:
            return None
        if "got `object`" in told and kinds[cell[1]] in NUMBERS and not self.empty:
            return replace(self, empty=True)
        return replace(self, loose=self.loose | {cell[1]})


class Field(Struct, frozen=True):
    """One column: its index among the shape's columns and its attribute in the types.

    A `loose` column has cells of any type; rows may lack it if it is `absent`.
    """

    index: int
    name: str
    kind: ColumnKind
    loose: bool = False
    absent: bool = False

    @property
    def is_text(self) -> bool:
        """Whether all cells are texts."""
        return self.kind is TEXT and not self.loose

    def is_unsure(self, typed: Collection[ColumnKind]) -> bool:
        """Whether the type of a row's content, which has `typed` kinds, knows no empty cells."""
        return self.kind not in typed or (self.kind is TEXT and self.loose)
