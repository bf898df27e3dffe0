"""The types that rows of a stream's answers are read with, kept from answer to answer.

Pure.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from tap_m365hunting.wire.column_fixes import Fixes
from tap_m365hunting.wire.column_oddities import Leniency
from tap_m365hunting.wire.records import Converter, Row
from tap_m365hunting.wire.row_structs import ABSENT, RowStructs, cells_of

RAW_ROWS: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def array_of(rows: Sequence[msgspec.Raw]) -> bytes:
    """Return the text of an array."""
    return b"[%b]" % b",".join(map(bytes, rows))


class Typed(Struct, frozen=True):
    """Means to read rows of a type, made with a leniency."""

    types: RowStructs
    fixes: Fixes
    leniency: Leniency

    def rows(
        self, text: bytes, converter: Converter, parsed: Callable[[bytes], list[Row]]
    ) -> list[Any]:
        """Read rows; those that lack a column by themselves, as its key may be in another case.

        Raises:
            msgspec.MsgspecError: the text is no JSON, or a row does not fit its type.
        """
        rows = self.types.decode(text)
        if lacking := self._lacking(rows):
            raw = RAW_ROWS(text)
            told = parsed(array_of([raw[at] for at in lacking]))
            for at, row in zip(lacking, told, strict=True):
                rows[at] = self.types.row(converter.cells(row))
        return rows

    def _lacking(self, rows: Sequence[Any]) -> list[int]:
        found = set[int]()
        for field in self.types.absent:
            cells = cells_of(rows, field.name)
            if ABSENT in cells:
                found.update(at for at, cell in enumerate(cells) if cell is ABSENT)
        return sorted(found)


class RowTypes:
    """The types for the rows of answers with the same columns, made once for all of them.

    What rows of one answer are odd in is expected in the next.
    """

    def __init__(self) -> None:
        self._of: tuple[Any, ...] | None = None
        #: `None` where rows are converted one by one.
        self.typed: Typed | None = None

    def prepare(self, converter: Converter, kept: Collection[str]) -> None:
        """Make the types, unless they are those of the last answer."""
        of = (converter.shape, converter.id_names, kept)
        if not converter.straight:
            self._of = self.typed = None
        elif of != self._of:
            self._of = of
            self.allow(converter, kept, Leniency())

    def allow(self, converter: Converter, kept: Collection[str], leniency: Leniency) -> None:
        """Make the types with a leniency; none where a column has a name that no type can have."""
        try:
            types = RowStructs(converter, kept, leniency)
        except ValueError:
            self.typed = None
        else:
            self.typed = Typed(types, Fixes(types.fields, empty=leniency.empty), leniency)
