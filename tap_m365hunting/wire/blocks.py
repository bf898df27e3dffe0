"""Rows of an answer as encoded records, many at a time: what a `Converter` does, at speed.

Pure. Rows are decoded into a type made from the columns (`row_types`). A piece that does not fit
its type goes through the converter, row by row; either way the records are the same.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import attrgetter, le
from typing import Any, Generic, TypeVar

import msgspec

from tap_m365hunting.wire.conversion import Converter, Record, Row
from tap_m365hunting.wire.json_text import ENCODER
from tap_m365hunting.wire.records import Answer
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.row_types import Fixes, RowTypes, Writer
from tap_m365hunting.wire.schema import ROW_ID
from tap_m365hunting.wire.values import TEXT

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Block(Generic[R]):
    """Some records (each a dict, or its JSON text) and their cursors, if there is a cursor."""

    records: list[R]
    cursors: list[str | None]

    @property
    def in_order(self) -> bool:
        """Whether no cursor is before the one above it, and none is null."""
        known = [cursor for cursor in self.cursors if cursor is not None]
        return len(known) == len(self.cursors) and all(map(le, known, known[1:]))

    def cut(self, at: int) -> tuple["Block[R]", "Block[R]"]:
        """Return the first `at` records, and the rest."""
        return (
            Block(self.records[:at], self.cursors[:at]),
            Block(self.records[at:], self.cursors[at:]),
        )

    def newest(self) -> int:
        """Return where the last instant begins: in an ordered answer it may go on after this.

        >>> Block([b"{}", b"{}", b"{}"], ["t1", "t2", "t2"]).newest()
        1
        """
        return self.cursors.index(self.cursors[-1]) if self.cursors else 0


def plain_blocks(converter: Converter, answer: Answer, ids: RowIds) -> Iterator[Block[Record]]:
    """Convert an answer piece by piece into records that are dicts."""
    at = converter.cursor
    cursor = None if at is None else converter.shape.names[converter.own[at]]
    for rows in answer.pieces:
        records = list(converter.records(rows, ids))
        yield Block(records, [str(record[cursor]) for record in records] if cursor else [])


class BlockConverter:
    """Encodes the rows of one answer; `selected` names what a record keeps, if not all."""

    def __init__(self, converter: Converter, *, selected: Collection[str] | None = None) -> None:
        self._converter = converter
        properties = converter.shape.json_schema()["properties"]
        self._kept = frozenset(properties if selected is None else selected).intersection(
            properties
        )
        self._fixes = Fixes(converter)
        self._types: RowTypes | None = None
        if converter.straight:
            self._make_types()

    def _make_types(self) -> None:
        try:
            self._types = RowTypes(self._converter, self._kept)
            self._writer = Writer(self._types, self._converter, self._kept)
        except ValueError:  # a column's name has characters that no attribute's name can have
            self._types = None

    def blocks(self, answer: Answer, ids: RowIds) -> Iterator[Block[bytes]]:
        """Encode an answer piece by piece; errors are those of `Converter.records`."""
        for text in answer.texts:
            block = self._fast(text, ids) if isinstance(text, bytes) else None
            yield self._slow(answer.parsed(text), ids) if block is None else block

    def _slow(self, rows: list[Row], ids: RowIds) -> Block[bytes]:
        at = self._converter.cursor
        records: list[bytes] = []
        cursors: list[str | None] = []
        for row in rows:
            cells = self._converter.cells(row)
            if at is not None:
                cursors.append(cells[at])
            record = self._converter.record(cells, ids)
            kept = {name: value for name, value in record.items() if name in self._kept}
            records.append(ENCODER.encode(kept))
        return Block(records, cursors)

    def _fast(self, text: bytes, ids: RowIds) -> Block[bytes] | None:
        """Encode rows that fit their type; `None` if they do not."""
        if self._types is None:
            return None
        try:
            rows = self._types.decode(text)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        for field in self._types.fields:
            if field.kind is not TEXT:
                self._fixes.apply(field, rows)
        self._check_keys(rows)
        cursor = self._converter.cursor
        cursors = [] if cursor is None else list(map(attrgetter(f"c{cursor}"), rows))
        return Block(self._writer.texts(rows, self._ids(rows, cursors, ids)), cursors)

    def _check_keys(self, rows: list[Any]) -> None:
        for index in self._converter.key:
            if None in map(attrgetter(f"c{index}"), rows):
                self._converter.refuse_null(index)

    def _ids(self, rows: list[Any], cursors: list[str | None], ids: RowIds) -> list[str] | None:
        if self._types is None or ROW_ID not in self._kept or not self._converter.shape.row_id:
            return None
        return ids.give_all(self._types.digests(rows, ids.seed), cursors)
