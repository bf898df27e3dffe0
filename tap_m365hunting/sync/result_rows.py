"""The rows of a result, held against the question: counts, and the records of a window.

Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from msgspec.structs import replace

from tap_m365hunting.errors import ServiceError
from tap_m365hunting.instants import Instant, canonical
from tap_m365hunting.planning.windows import CountAsk, TimeWindow, WindowAnswer
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.fast_records import Block
from tap_m365hunting.wire.records import Record

#: Records, as dicts or as their JSON texts.
AnyBlock: TypeAlias = Block[Record] | Block[bytes]

# Far more than a table of any tenant holds; a plan for more would fill the memory.
_MOST_COUNTED: Final = 10_000_000_000


class OtherAnswerError(ServiceError):
    """The answer is to another question."""


class WindowRows:
    """The records of one answer for a window, in order of time, perhaps not all usable.

    Records before `until` are usable; in a `truncated` answer records before the newest instant,
    whose rows may be cut. Then `told` describes the used records.
    """

    def __init__(
        self,
        window: TimeWindow,
        *,
        until: Instant | None = None,
        truncated: bool = False,
        kept_from: Instant | None = None,
    ) -> None:
        self._first, self._end = str(window.start), str(window.end)
        self._until = self._end if until is None else str(until)
        self._truncated = truncated
        self._kept_from = "" if kept_from is None else str(kept_from)
        self._cut = False
        self._rows = 0
        self._aged = 0
        self._newest = ""
        self._held = list[AnyBlock]()

    def usable(self, blocks: Iterable[AnyBlock]) -> Iterator[AnyBlock]:
        """Yield the usable records, of all records.

        Raises:
            OtherAnswerError: a record has no readable cursor, or a cursor outside the window; or
                records are not in the order of time.
        """
        for whole in blocks:
            self._check(whole)
            if block := self._usable(whole):
                yield from self._whole_instants(block) if self._truncated else (block,)
            if self._cut:
                yield from self._held
                return

    def told(self, answer: WindowAnswer) -> WindowAnswer:
        """Return the answer as it was used."""
        if self._cut or not self._truncated:
            return replace(answer, rows=self._rows, aged=self._aged)
        held = sum(len(block.records) for block in self._held)
        try:
            newest = Instant.parse(self._newest)
        except ValueError as error:
            msg = f"The newest row of an answer has no time that there is: {self._newest}"
            raise OtherAnswerError(msg) from error
        return replace(answer, newest=newest, held=held, aged=self._aged)

    def _check(self, block: AnyBlock) -> None:
        cursors = block.cursors
        if not block.in_order or (cursors and str(cursors[0]) < self._first):
            msg = f"A row came without a readable time, out of order or before {self._first}"
            raise OtherAnswerError(msg)
        if not cursors:
            return
        if str(cursors[-1]) >= self._end:
            msg = f"A row at {cursors[-1]} came for a window that ends at {self._end}"
            raise OtherAnswerError(msg)
        self._first = str(cursors[-1])

    def _usable(self, block: AnyBlock) -> AnyBlock | None:
        cursors = [str(block.cursors[-1])] if block.cursors else []
        if cursors and cursors[0] >= self._until:
            self._cut = True
            block, _ = block.cut(bisect_left(block.cursors, self._until, key=str))
        self._rows += len(block.records)
        if block.cursors and str(block.cursors[0]) < self._kept_from:
            self._aged += bisect_left(block.cursors, self._kept_from, key=str)
        return block if block.records else None

    def _whole_instants(self, block: AnyBlock) -> Iterator[AnyBlock]:
        """Yield the records up to the newest instant, whose records are held."""
        head, tail = block.cut(block.newest())
        if tail.cursors[0] != self._newest:
            yield from self._held
            self._held.clear()
        if head.records:
            yield head
        self._held.append(tail)
        self._newest = str(tail.cursors[0])


class BinRows:
    """The records of one answer of a WINDOWED query, whose rows carry their bin.

    The bins are the cursors, in any order; records go on without cursors.
    """

    def __init__(self, window: TimeWindow, column: str) -> None:
        self._start, self._end = str(window.start), str(window.end)
        self._window = window
        self._column = column

    def usable(self, blocks: Iterable[AnyBlock]) -> Iterator[AnyBlock]:
        """Yield all records.

        Raises:
            OtherAnswerError: a bin is not of the window, so the window does not bound the bins.
        """
        for block in blocks:
            bins = [str(cursor) for cursor in block.cursors]
            if bins and not (self._start <= min(bins) and max(bins) < self._end):
                msg = (
                    f"A row came whose {self._column} is not in {self._window}, so rows of one bin "
                    f"stand in several windows: bound the column that {self._column} is made of, "
                    "as in `Timestamp >= window_start and Timestamp < window_end`"
                )
                raise OtherAnswerError(msg)
            yield replace(block, cursors=[])

    def told(self, answer: WindowAnswer) -> WindowAnswer:
        """Return the answer: all of its rows were used."""
        return answer


def rows_counted(value: object) -> int:
    """Return a count of rows; more rows than any tenant has would make millions of parts.

    Raises:
        ValueError: the value is no such count.
    """
    rows = int(str(value))
    if not 0 <= rows <= _MOST_COUNTED:
        msg = f"{rows:,} are no rows"
        raise ValueError(msg)
    return rows


def counts_of(answer: QueryResult, ask: CountAsk) -> tuple[Mapping[Instant, int], int | None]:
    """Return the rows per bin, and the checksum of all rows if asked for.

    Raises:
        OtherAnswerError: a row has no count, or a bin outside the window, or no row came.
    """
    counts, checksum = dict[Instant, int](), None
    for row in answer.rows:
        at = canonical(str(row.get("__bin") or ""))
        try:
            counts[Instant.parse(at) if at else Instant(0)] = rows_counted(row["__rows"])
            if row.get("__checksum") is not None:
                checksum = int(str(row["__checksum"]))
        except (KeyError, ValueError) as error:
            msg = f"A count was answered with a row that has none: {', '.join(row) or 'empty'}"
            raise OtherAnswerError(msg) from error
    if len(counts) != answer.count or (ask.bin is None and answer.count != 1):
        msg = f"A count was answered with {answer.count} rows, not one for each bin"
        raise OtherAnswerError(msg)
    _check_bins(counts, ask.window, ask.bin)
    return counts, checksum


def check_columns(answer: QueryResult, resolved: ResolvedQuery, cursor: str | None) -> None:
    """Hold the columns of an answer against the columns of ids and cursor.

    Raises:
        OtherAnswerError: a column is missing.
    """
    lost = sorted(set(resolved.by or ()) - {column.name for column in answer.columns})
    if cursor is None:
        lost = [str(resolved.bin_column or resolved.cursor)]
    if answer.count and lost:
        msg = (
            f"The answer has no column {', '.join(lost)}, by which its rows are known; name it in "
            "the query, as in `by Hour = bin(Timestamp, 1h)`"
        )
        raise OtherAnswerError(msg)


def _check_bins(
    counts: Mapping[Instant, int], window: TimeWindow | None, width: timedelta | None
) -> None:
    if not (window and width):
        return
    if not all(window.start < at + width and at < window.end for at in counts):
        msg = f"A count was answered with rows outside {window}"
        raise OtherAnswerError(msg)
