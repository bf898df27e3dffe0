"""Reads one query: takes the answer to each ask of a planner, and hands out events.

Events come in the order of writing: a new schema before the first record in need of one, the
records of a window, then the finished window. Taking the next event means being done with the last.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Final, TypeAlias

from tap_m365hunting.errors import FatalSyncError, ServiceError, WindowTooLargeError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.hash_parts import Proof
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
from tap_m365hunting.sync.answer_records import AnswerRecords, RecordEvent
from tap_m365hunting.sync.calls import Asked, C, Calls
from tap_m365hunting.sync.held_results import HeldResults
from tap_m365hunting.sync.resolved_query import in_user_lines
from tap_m365hunting.sync.result_rows import BinRows, OtherAnswerError, WindowRows, counts_of
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.row_ids import EarlierParts

AnyPlanner: TypeAlias = Planner | TablePlanner

_FORMER_CAPS: Final = frozenset({10_000, 30_000})  # row caps of earlier years
# The service gives up on a query by itself after minutes; who is silent for longer may be stuck.
_MOST_SILENCES: Final = 6
# An answer that is not the one that was asked for may have been a slip.
_TRIES: Final = 3
_LOG: Final = logging.getLogger(__name__)

#: Spends a call: the text of a query in, what the service answered out.
Call: TypeAlias = Callable[[str], QueryResult]
Event: TypeAlias = RecordEvent | WindowDone


class QueryReader:
    """Reads the windows of one query, one after another.

    Answers become `records`. Where unreadable windows are left out, `skipping` asks the service for
    no row of the query, and says if there was an answer.
    """

    def __init__(
        self,
        records: AnswerRecords,
        *,
        row_cap: int,
        skipping: Callable[[], bool] | None,
    ) -> None:
        self._resolved = records.resolved
        self._records = records
        self._row_cap = row_cap
        self._skipping = skipping
        self._held = HeldResults()
        self._silences = 0

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
            yield from self._usable(ask, told, answer, planner)

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
                    yield from self._records.events(result, ask.window, rows, earlier)
        elif proof is Proof.FAILED:
            self._held.drop(ask.window)

    def _hold(
        self, ask: ReadAsk, told: WindowAnswer, answer: QueryResult, planner: AnyPlanner
    ) -> None:
        """Hold the rows of a hash part until the parts are proven complete."""
        self._warn_of_cap(answer)
        if planner.answered(ask, told) == (ask.window.end if ask.window else None):
            self._held.hold(ask.window, answer)

    def _usable(
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
        yield from self._records.events(answer, ask.window, rows)
        planner.answered(ask, rows.told(told) if rows else told)

    def _rows(self, window: TimeWindow | None, **limits: Any) -> WindowRows | BinRows | None:  # noqa: ANN401
        """Return the check of rows against their window, where rows have a place in a window."""
        if window is None:
            return None
        if self._resolved.mode is Mode.INCREMENTAL:
            return WindowRows(window, **limits)
        column = self._resolved.bin_column
        return BinRows(window, column) if column else None

    def _warn_of_cap(self, answer: QueryResult) -> None:
        if answer.count in _FORMER_CAPS and answer.count < self._row_cap:
            self._records.log.warning(
                "Exactly %d rows; if that is a cap, set max_rows_per_call", answer.count
            )
