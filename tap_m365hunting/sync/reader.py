"""Reads one query: takes the answer to each ask of a planner, and hands out events.

Events come in the order of writing: a new schema before the first record in need of one, the
records of a window, then the finished window. Taking the next event means being done with the last.
"""

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, TypeAlias

from msgspec import Struct

from tap_m365hunting.errors import FatalSyncError, ServiceError, WindowTooLargeError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.hash_parts import Proof
from tap_m365hunting.planning.id_columns import IdColumns
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.table_planner import TablePlanner
from tap_m365hunting.planning.windows import (
    AnswerTimes,
    Ask,
    CountAsk,
    ReadAsk,
    TimeWindow,
    Unreadable,
    WindowAnswer,
    WindowDone,
)
from tap_m365hunting.sync.calls import Asked, C, Calls
from tap_m365hunting.sync.held_results import HeldResults
from tap_m365hunting.sync.resolved_query import ResolvedQuery, in_user_lines
from tap_m365hunting.sync.result_rows import (
    AnyBlock,
    BinRows,
    OtherAnswerError,
    WindowRows,
    check_columns,
    counts_of,
)
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.drift import Policy, reconcile
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import EarlierParts, RowIds
from tap_m365hunting.wire.schema import WINDOW_START, Column, Shape, find, unmapped

AnyPlanner: TypeAlias = Planner | TablePlanner


_FORMER_CAPS: Final = frozenset({10_000, 30_000})  # row caps of earlier years
# The service gives up on a query by itself after minutes; who is silent for longer may be stuck.
_MOST_SILENCES: Final = 6
# An answer that is not the one that was asked for may have been a slip.
_TRIES: Final = 3
_LOG: Final = logging.getLogger(__name__)
#: A logger whose lines may name the stream and its tenant.
Log: TypeAlias = logging.Logger | logging.LoggerAdapter[logging.Logger]

#: Spends a call: the text of a query in, what the service answered out.
Call: TypeAlias = Callable[[str], QueryResult]
#: Gives the columns of an answer their names and key, by the settings.
ShapeOf: TypeAlias = Callable[[Iterable[Column]], Shape]


class NewSchema(Struct, frozen=True):
    """The shape of the records from here on."""

    shape: Shape


Event: TypeAlias = AnyBlock | NewSchema | WindowDone
#: Makes blocks of an answer's rows, in one form or the other.
BlocksOf: TypeAlias = Callable[[Converter, QueryResult, RowIds], Iterator[AnyBlock]]


class QueryReader:
    """Reads the windows of one query, one after another.

    `known` are the properties of the schema sent; `shape_of` names an answer's columns; `tenant`
    are the values of each record's tenant, `id_columns` the columns of ids. Where unreadable
    windows are left out, `skipping` asks the service for no row of the query, and says if there was
    an answer.
    """

    def __init__(  # noqa: PLR0913 - all of a query's surroundings meet here, by keyword
        self,
        resolved: ResolvedQuery,
        shape_of: ShapeOf,
        blocks_of: BlocksOf,
        *,
        known: Mapping[str, Any],
        row_cap: int,
        drift: Policy,
        tenant: Mapping[str, str | None],
        id_columns: IdColumns,
        skipping: Callable[[], bool] | None,
    ) -> None:
        self._resolved = resolved
        self._shape_of = shape_of
        self._blocks_of = blocks_of
        self._known = dict(known)
        self._row_cap = row_cap
        self._drift: Policy = drift
        self._tenant = tenant
        self._id_columns = id_columns
        self._skipping = skipping
        self.log: Log = _LOG
        self._columns: tuple[Column, ...] | None = None
        self._shape: Shape | None = None
        self._held = HeldResults()
        self._silences = 0
        self.misfits = Counter[str]()

    def read(self, planner: AnyPlanner, calls: Calls[C]) -> Generator[Event, None, None]:
        """Use the calls until the planner has no more asks; close the generator to leave early.

        Raises:
            FatalSyncError: a window cannot be read, and the settings say to stop there.
        """
        with closing(self._held):
            while True:
                while (taken := calls.take()) is not None:
                    ask, call = taken
                    for event in self._spend(ask, call, planner):
                        yield event
                        calls.fill()
                    calls.used(call)
                    yield from planner.drain()
                if planner.unreadable is None:
                    return
                self._give_up(planner, planner.unreadable)
                yield from planner.drain()

    def _give_up(self, planner: AnyPlanner, stuck: Unreadable) -> None:
        skipping = self._skipping if stuck.window else None
        if skipping is None or (planner.hopeless and not skipping()):
            raise FatalSyncError(str(stuck))
        self._held.drop(stuck.window)
        planner.skip()

    def _spend(self, ask: Ask, call: Asked, planner: AnyPlanner) -> Iterator[Event]:
        while True:
            try:
                with in_user_lines(self._resolved.query, call.text):
                    answer = call.answer()
            except WindowTooLargeError as error:
                self._heed_silence(error)
                planner.too_large(ask, str(error), size=error.size)
                return
            self._silences = 0
            try:
                with answer:
                    yield from self._used(ask, call, answer, planner)
            except OtherAnswerError as error:
                if call.tries == _TRIES:
                    raise
                _LOG.info("Asking again: %s", error)
                call.again()
            else:
                return

    def _used(
        self, ask: Ask, call: Asked, answer: QueryResult, planner: AnyPlanner
    ) -> Iterator[Event]:
        told = WindowAnswer(answer.count, size=answer.size, calls=call.tries, times=call.times)
        if isinstance(ask, CountAsk):
            yield from self._counted(ask, call.times, answer, planner)
        elif ask.part:
            self._hold(ask, told, answer, planner)
        else:
            yield from self._records(ask, told, answer, planner)

    def _heed_silence(self, error: WindowTooLargeError) -> None:
        """Count calls in a row without any answer.

        Raises:
            ServiceError: narrower windows make no difference, so width is not the reason.
        """
        self._silences = self._silences + 1 if error.silent else 0
        if self._silences == _MOST_SILENCES:
            msg = f"{error}, and so it was {_MOST_SILENCES} times in a row: it seems to be stuck"
            raise ServiceError(msg) from error

    def _counted(
        self, ask: CountAsk, times: AnswerTimes | None, answer: QueryResult, planner: AnyPlanner
    ) -> Iterator[Event]:
        """Take a count; yield the rows of hash parts proven by the count."""
        counts, checksum = counts_of(answer, ask)
        proof = planner.counted(ask, counts, checksum, times=times)
        if proof is Proof.USABLE:
            earlier = EarlierParts()
            with self._held.taken(ask.window) as results:
                for result in results:
                    earlier.next_part()
                    rows = self._rows(ask.window)
                    yield from self._converted(result, ask.window, rows, earlier)
        elif proof is Proof.FAILED:
            self._held.drop(ask.window)

    def _hold(
        self, ask: ReadAsk, told: WindowAnswer, answer: QueryResult, planner: AnyPlanner
    ) -> None:
        """Hold the rows of a hash part until the parts are proven complete."""
        self._warn_of_cap(answer)
        if planner.answered(ask, told) == (ask.window.end if ask.window else None):
            self._held.hold(ask.window, answer)

    def _records(
        self, ask: ReadAsk, told: WindowAnswer, answer: QueryResult, planner: AnyPlanner
    ) -> Iterator[Event]:
        self._warn_of_cap(answer)
        until = planner.usable_until(ask, told)
        if until == (ask.window.start if ask.window else Instant(0)):
            planner.answered(ask, told)  # all of it comes again
            return
        truncated = told.rows >= self._row_cap
        kept_from = planner.kept_from(told.times)
        rows = self._rows(ask.window, until=until, truncated=truncated, kept_from=kept_from)
        yield from self._converted(answer, ask.window, rows)
        planner.answered(ask, rows.told(told) if rows else told)

    def _rows(self, window: TimeWindow | None, **limits: Any) -> WindowRows | BinRows | None:  # noqa: ANN401
        """Return the check of rows against their window, where rows have a place in a window."""
        if window is None:
            return None
        if self._resolved.mode is Mode.INCREMENTAL:
            return WindowRows(window, **limits)
        column = self._resolved.bin_column
        return BinRows(window, column) if column else None

    def _converted(
        self,
        answer: QueryResult,
        window: TimeWindow | None,
        rows: WindowRows | BinRows | None,
        earlier: EarlierParts | None = None,
    ) -> Iterator[Event]:
        """Yield the records of an answer, or of its usable rows."""
        yield from self._follow(answer.columns)
        if self._shape is None:  # no columns, hence no rows
            return
        cursor, ids = self._cursor(), self._ids(window, earlier)
        check_columns(answer, self._resolved, cursor if rows else "")
        converter = Converter(
            self._shape,
            answer.columns,
            tenant={**self._tenant, WINDOW_START: str(window.start) if window else None},
            cursor=cursor,
            id_columns=self._id_columns.names,
        )
        blocks = self._blocks_of(converter, answer, ids)
        yield from rows.usable(blocks) if rows else blocks
        self.misfits += converter.misfits

    def _warn_of_cap(self, answer: QueryResult) -> None:
        if answer.count in _FORMER_CAPS and answer.count < self._row_cap:
            self.log.warning(
                "Exactly %d rows; if that is a cap, set max_rows_per_call", answer.count
            )

    def _ids(self, window: TimeWindow | None, earlier: EarlierParts | None) -> RowIds:
        own = window if self._resolved.window_start else None
        return RowIds(
            tenant_id=self._id_columns.tenant_id,
            window_start=str(own.start) if own else None,
            earlier=earlier,
            by_type=self._id_columns.by_type,
            by=self._resolved.by,
        )

    def _cursor(self) -> str | None:
        """Return the column of a row's place in the window, spelled as in the answer."""
        mode = self._resolved.mode
        named = self._resolved.cursor if mode is Mode.INCREMENTAL else self._resolved.bin_column
        return _named(named, self._columns or ())

    def _follow(self, columns: tuple[Column, ...]) -> Iterator[NewSchema]:
        if not columns or columns == self._columns:
            return
        found = reconcile(self._known, self._shape_of(columns), self._drift)
        self._columns, self._shape = columns, found.shape
        kept = {column.name for column in found.shape.columns}
        self._id_columns.came(column.name for column in columns if column.name in kept)
        if unknown := unmapped(columns):
            self.log.warning("Of unknown type, read as text: %s", ", ".join(map(str, unknown)))
        if found.shape.renamed:
            self.log.info("Columns are renamed for loaders: %s", dict(found.shape.renamed))
        if found.drifted:
            self.log.warning("The columns of the result have changed: %s", found)
        if found.send_schema:
            self._known = dict(found.shape.properties)
            yield NewSchema(found.shape)


def _named(cursor: str | None, columns: Iterable[Column]) -> str | None:
    return find(cursor, [column.name for column in columns]) if cursor else None
