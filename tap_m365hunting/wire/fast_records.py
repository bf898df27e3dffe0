"""Rows of an answer as records, many at a time: what a `Converter` does, at speed.

Pure. Rows are decoded into a type made from the columns (`row_types`), which learns where cells
are odd. A row that fits no such type goes through the converter, and so do all of a piece that has
many such rows; either way the records are the same.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import chain, repeat
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.column_oddities import row_at
from tap_m365hunting.wire.json_text import ENCODER, MENDERS, DepthError, Lines
from tap_m365hunting.wire.records import Converter, Record, Row
from tap_m365hunting.wire.row_ids import RowIds, in_order
from tap_m365hunting.wire.row_structs import cells_of
from tap_m365hunting.wire.row_types import RAW_ROWS, RowTypes, Typed, array_of
from tap_m365hunting.wire.schema import ROW_ID

R = TypeVar("R")


class Block(Struct, Generic[R], frozen=True):
    """Some records (each a dict, or its JSON text) and their cursors, if there is a cursor."""

    records: Sequence[R]
    cursors: list[str | None]

    @property
    def in_order(self) -> bool:
        """Whether the cursors ascend, without a null."""
        return in_order(self.cursors)

    def cut(self, at: int) -> tuple["Block[R]", "Block[R]"]:
        """Return the first `at` records, and the rest."""
        return (
            Block(self.records[:at], self.cursors[:at]),
            Block(self.records[at:], self.cursors[at:]),
        )

    def newest(self) -> int:
        """Return the index of the newest instant's first record: more may follow.

        >>> Block([b"{}", b"{}", b"{}"], ["t1", "t2", "t2"]).newest()
        1
        """
        return self.cursors.index(self.cursors[-1]) if self.cursors else 0


class _Form(Struct, Generic[R], frozen=True):
    """The form of the output: from finished typed rows, or from dicts."""

    of_rows: Callable[[Sequence[Any]], Sequence[R]]
    of_dicts: Callable[[list[Record]], Sequence[R]]
    joined: Callable[[Sequence[Any]], Sequence[R]]


def _encoded(rows: Sequence[Any]) -> Lines:
    return Lines(ENCODER.encode_lines(rows), len(rows))


def _one_after_another(parts: Sequence[list[Record]]) -> list[Record]:
    return list(chain.from_iterable(parts))


_TEXTS: Final = _Form[bytes](_encoded, _encoded, Lines.joined)
_DICTS: Final = _Form[Record](
    partial(msgspec.to_builtins, builtin_types=(Decimal,)), list, _one_after_another
)
#: Rows of one piece that may be odd before all that is left of it is read slowly.
_MOST_ODD: Final = 16


class _OddRow(Exception):  # noqa: N818 - an answer, no error
    """A row does not fit its type; `at` is its place in the piece, if that is known."""

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        self.at = at


class _Blocks(Generic[R]):
    """Makes the records of one answer, in one form, with the columns of some names."""

    def __init__(
        self, converter: Converter, kept: Collection[str], form: _Form[R], types: RowTypes | None
    ) -> None:
        self._converter = converter
        self._kept = kept
        self._form = form
        self._types = types or RowTypes()
        self._types.prepare(converter, kept)
        self._kinds = {column.name: column.kind for column in converter.shape.columns}
        #: Those of which the answer had the faults so far.
        self._menders = list[Callable[[bytes], bytes]]()

    def blocks(self, answer: QueryResult, ids: RowIds) -> Iterator[Block[R]]:
        """Convert an answer piece by piece; errors are those of `Converter.records`."""
        for text in answer.texts:
            quick = ids.by is None and self._types.typed is not None  # groups are few
            if quick and isinstance(text, bytes):
                yield self._joined(list(self._parts(answer, self._mended(text), ids)))
            else:
                yield self._slow(answer.parsed(text), ids)

    def _parts(self, answer: QueryResult, text: bytes, ids: RowIds) -> Iterator[Block[R]]:
        """Convert the rows of a piece, those that are odd one by one."""
        for _ in range(_MOST_ODD):
            try:
                block = self._fast(answer, text, ids)
            except _OddRow as odd:
                at = odd.at
            else:
                yield block
                return
            if at is None:
                break
            rows = RAW_ROWS(self._mended(text))
            if at:
                yield self._fast_or_slow(answer, array_of(rows[:at]), ids)
            yield self._slow(answer.parsed(array_of(rows[at : at + 1])), ids)
            text = array_of(rows[at + 1 :])
        yield self._slow(answer.parsed(text), ids)

    def _fast_or_slow(self, answer: QueryResult, text: bytes, ids: RowIds) -> Block[R]:
        try:
            return self._fast(answer, text, ids)
        except _OddRow:
            return self._slow(answer.parsed(text), ids)

    def _joined(self, parts: list[Block[R]]) -> Block[R]:
        if len(parts) == 1:
            return parts[0]
        records = self._form.joined([part.records for part in parts])
        return Block(records, [cursor for part in parts for cursor in part.cursors])

    def _slow(self, rows: list[Row], ids: RowIds) -> Block[R]:
        at = self._converter.cursor
        records: list[Record] = []
        cursors: list[str | None] = []
        for row in rows:
            cells = self._converter.cells(row)
            if at is not None:
                cursors.append(cells[at])
            record = self._converter.record(cells, ids)
            records.append({name: cell for name, cell in record.items() if name in self._kept})
        return Block(self._form.of_dicts(records), cursors)

    def _fast(self, answer: QueryResult, text: bytes, ids: RowIds) -> Block[R]:
        """Convert rows that fit their type.

        Raises:
            _OddRow: one does not; no id is given then.
        """
        typed, rows, texts = self._decoded(answer, text)
        self._check_keys(rows)
        cursor = self._converter.cursor
        cursors = [] if cursor is None else cells_of(rows, f"c{cursor}")
        row_ids = None
        wanted = ROW_ID in self._kept and self._converter.shape.row_id
        if wanted or self._converter.sketch:
            digests = typed.types.digests(rows, ids, texts)
            self._compare(rows, digests)
            row_ids = ids.give_all(digests, cursors) if wanted else None
        typed.types.finish(rows, row_ids, texts, self._converter.first)
        return Block(self._form.of_rows(rows), cursors)

    def _compare(self, rows: list[Any], digests: Sequence[bytes]) -> None:
        if sketch := self._converter.sketch:
            first = [repeat(value) for value in self._converter.first.values()]
            columns = [cells_of(rows, f"c{index}") for index in self._converter.key]
            sketch.add(zip(*first, *columns, strict=False), digests)

    def _decoded(
        self, answer: QueryResult, text: bytes
    ) -> tuple[Typed, list[Any], Mapping[str, bytes]]:
        """Return rows that fit their type, seen to by column, and the texts of dynamic columns."""
        typed = self._types.typed
        if typed is None:
            raise _OddRow
        try:
            rows = typed.rows(text, self._converter, answer.parsed)
            return typed, rows, typed.fixes.apply(rows, self._converter)
        except msgspec.ValidationError as error:
            leniency = typed.leniency.learned(error, self._kinds)
            if leniency is None:
                raise _OddRow(row_at(error)) from error
            self._types.allow(self._converter, self._kept, leniency)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, DepthError) as error:
            text = self._learned(text, error)
        return self._decoded(answer, text)

    def _mended(self, text: bytes) -> bytes:
        for mend in self._menders:
            text = mend(text)
        return text

    def _learned(self, text: bytes, error: Exception) -> bytes:
        """Return a text without the faults of a kind; mend them in the pieces that follow, too."""
        for mend in MENDERS:
            whole = mend(text)
            if whole != text:
                if mend not in self._menders:
                    self._menders.append(mend)
                return whole
        raise _OddRow from error

    def _check_keys(self, rows: list[Any]) -> None:
        for index in self._converter.key:
            if None in cells_of(rows, f"c{index}"):
                self._converter.refuse_null(index)


class BlockConverter(_Blocks[bytes]):
    """Encodes the rows of one answer.

    `selected` names the columns kept, if not all; `types` are those of earlier answers.
    """

    def __init__(
        self,
        converter: Converter,
        *,
        selected: Collection[str] | None = None,
        types: RowTypes | None = None,
    ) -> None:
        names = _names(converter)
        kept = names if selected is None else names.intersection(selected)
        super().__init__(converter, kept, _TEXTS, types)


def plain_blocks(
    converter: Converter, answer: QueryResult, ids: RowIds, *, types: RowTypes | None = None
) -> Iterator[Block[Record]]:
    """Convert an answer piece by piece into dicts."""
    return _Blocks(converter, _names(converter), _DICTS, types).blocks(answer, ids)


def _names(converter: Converter) -> frozenset[str]:
    shape = converter.shape
    return frozenset((*shape.given, *shape.names.values(), *(ROW_ID,) * shape.row_id))
