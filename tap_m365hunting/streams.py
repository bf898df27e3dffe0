"""One query as one Singer stream: its records, and the state that they allow."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, cast

from singer_sdk import Stream, Tap, metrics
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers import types
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Catalog, CatalogEntry, Schema
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_m365hunting.configuration.config import HuntingQuery, Reading
from tap_m365hunting.errors import FatalSyncError, SignInError
from tap_m365hunting.hunt import Hunt
from tap_m365hunting.kql import Mode
from tap_m365hunting.output import EncodedRecords, WholeLines
from tap_m365hunting.planning.bookmarks import WINDOW_END, Bookmark
from tap_m365hunting.planning.parts import TablePlanner
from tap_m365hunting.planning.planner import Planner
from tap_m365hunting.planning.spans import Timing
from tap_m365hunting.planning.windows import TimeWindow, WindowDone
from tap_m365hunting.reader import AnyBlock, Event, NewSchema, QueryReader
from tap_m365hunting.reports import Stopwatch, WindowReport
from tap_m365hunting.service import HuntingService
from tap_m365hunting.wire.blocks import BlockConverter, plain_blocks
from tap_m365hunting.wire.conversion import Converter, Record
from tap_m365hunting.wire.records import Answer
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Column, Shape

# a breadcrumb of the selection that names a column; a longer one names what is inside
_COLUMN: Final = 2


class HuntingStream(Stream):
    """A hunting query, read window by window, oldest first.

    The bookmark is the end of what is complete without a gap, whatever the newest row's time; it
    is written when the rows before it are.
    """

    # values have their types already, converted from what the service declares
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # state follows windows, not row counts
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(
        self,
        tap: Tap,
        query: HuntingQuery,
        hunt: Hunt,
        reading: Reading,
        *,
        schema: Mapping[str, Any],
        service: HuntingService,
        report: Callable[[WindowReport], None],
    ) -> None:
        super().__init__(tap, schema=dict(schema), name=query.name)
        self._query = query
        self._hunt = hunt
        self._reading = reading
        self._service = service
        self._report = report
        self._begin()
        self.failure: SingerSDKError | None = None
        self._counter: metrics.Counter | None = None
        if hunt.mode is Mode.WINDOWED:  # Singer has no word for it
            self.forced_replication_method = REPLICATION_INCREMENTAL

    def _begin(self) -> None:
        """Take the time: other streams may have taken hours since this one was made."""
        self._now = self._service.now()
        self._watch = Stopwatch(self.name, self._service, self._report)

    def shape_of(self, columns: Iterable[Column]) -> Shape:
        """Name the columns of an answer by the settings, and as the schema has them."""
        return shape_of(
            self._query, self._reading, columns, known=self.effective_schema["properties"]
        )

    @override
    def get_records(self, context: types.Context | None) -> Iterator[dict[str, Any]]:
        """Yield the records of all windows; an error ends this stream, not the run."""
        self._begin()
        self._now = self._service.now()  # streams before this one may have taken hours
        try:
            yield from self._read(self.get_context_state(context))
        except SingerSDKError as error:
            self.failure = error
            self.logger.error("Stream %s stops: %s", self.name, error)  # noqa: TRY400 - a verdict
            if self._reading.on_stream_error == "stop" or isinstance(error, SignInError):
                raise

    def _read(self, state: dict[str, Any]) -> Iterator[Record]:
        reader = QueryReader(
            self._hunt,
            self._service.run,
            self.shape_of,
            self._blocks,
            known=self.effective_schema["properties"],
            row_cap=self._reading.row_cap,
            drift=self._reading.schema_drift,
            unreadable=self._reading.on_unreadable_window,
        )
        yield from self._read_with(reader, state)
        for column, cells in reader.misfits.items():
            self.logger.warning("%d values of %s do not fit its type", cells, column)

    def _read_with(self, reader: QueryReader, state: dict[str, Any]) -> Iterator[Record]:
        if self._hunt.mode is Mode.FULL_TABLE:
            yield from self._whole_table(reader)
        elif self._reading.end is not None:
            yield from self._span(reader, Bookmark(self._cursor), {})
        else:
            bookmark = self._bookmark(state)
            for hole in bookmark.holes:
                bookmark = yield from self._windows(reader, hole.window, bookmark, state)
            yield from self._span(reader, bookmark, state)

    def _whole_table(self, reader: QueryReader) -> Iterator[Record]:
        planner = TablePlanner(row_cap=self._reading.row_cap)
        yield from self._records(reader.read(planner))
        self._watch.table_read(self._now, planner)
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

    def _span(
        self, reader: QueryReader, bookmark: Bookmark, state: dict[str, Any]
    ) -> Iterator[Record]:
        """Read what there is to read now; `state` is where the bookmark is kept."""
        timing = timing_of(self._query, self._reading, self._hunt.mode)
        span = timing.span(now=self._now, bookmark=bookmark.value)
        if span.gap:
            self._lose(span.gap)
        window = span.window and self._hunt.whole_steps(span.window)
        if window is None:
            self.logger.info("Nothing to read yet: complete until %s", span.fresh)
            return
        yield from self._windows(reader, window, bookmark, state)

    def _windows(
        self, reader: QueryReader, span: TimeWindow, bookmark: Bookmark, state: dict[str, Any]
    ) -> Generator[Record, None, Bookmark]:
        """Read a span; after each window write its coverage, then the state that it allows."""
        planner = Planner(span, row_cap=self._reading.row_cap, step=self._hunt.step)
        for event in reader.read(planner):
            if isinstance(event, WindowDone):
                bookmark = bookmark.after(event)
                bookmark.write(state)
                self._watch.window_done(event)
                self._tap.state_writer.write_state(self.tap_state)
            else:
                yield from self._records((event,))
        return bookmark

    def _records(self, events: Iterable[Event]) -> Iterator[Record]:
        for event in events:
            if isinstance(event, NewSchema):
                self._announce(event.shape)
            elif not isinstance(event, WindowDone):
                yield from self._for_sdk(event.records)

    def _blocks(self, converter: Converter, answer: Answer, ids: RowIds) -> Iterator[AnyBlock]:
        """Encode the records at once, unless something asks to see them one by one."""
        if not self._as_texts:
            return plain_blocks(converter, answer, ids)
        kept = [name for name in self.schema["properties"] if self.mask["properties", name]]
        return BlockConverter(converter, selected=kept).blocks(answer, ids)

    @property
    def _as_texts(self) -> bool:
        """Whether no stream map, no flattening, no limit and no other writer needs dicts."""
        (first, *more) = self.stream_maps
        return (
            type(first) is SameRecordTransform
            and not first.flattening_enabled
            and not more
            and self.ABORT_AT_RECORD_COUNT is None
            and isinstance(self._tap.message_writer, WholeLines)
            and all(chosen for breadcrumb, chosen in self.mask.items() if len(breadcrumb) > _COLUMN)
        )

    def _for_sdk(self, records: list[Record] | list[bytes]) -> Iterator[Record]:
        """Yield what the SDK's loop writes: dicts as they are, texts as one stand-in."""
        texts = [record for record in records if isinstance(record, bytes)]
        if not texts:
            yield from cast(list[Record], records)
            return
        yield EncodedRecords(texts)
        if self._counter is not None:  # the SDK has counted the stand-in as one
            self._counter.increment(len(texts) - 1)

    @override
    def get_record_counter(
        self, *, endpoint: str | None = None, log_interval: float = metrics.DEFAULT_LOG_INTERVAL
    ) -> metrics.Counter:
        self._counter = super().get_record_counter(endpoint=endpoint, log_interval=log_interval)
        return self._counter

    def _bookmark(self, state: Mapping[str, Any]) -> Bookmark:
        try:
            bookmark = Bookmark.read(state, self._cursor)
        except (KeyError, ValueError) as error:
            msg = f"The state of stream {self.name} cannot be read: {error}; mend it or remove it"
            raise FatalSyncError(msg) from error
        kept = state.get("replication_key", self._cursor)
        if kept != self._cursor:
            self.logger.warning(
                "The bookmark is one of %s, which says nothing about %s: all is read anew",
                kept,
                self._cursor,
            )
        bookmark, lost = bookmark.within(self._reading.retention, now=self._now)
        for window in lost:
            self._lose(window)
        return bookmark

    @property
    def _cursor(self) -> str:
        """The name under which the state keeps the bookmark."""
        return self.replication_key or WINDOW_END

    def _lose(self, window: TimeWindow) -> None:
        """Tell of rows that the service no longer has."""
        days = self._reading.retention.days
        self.logger.warning(
            "Rows between %s are lost: the service keeps %d days; run more often", window, days
        )
        self._watch.lost(window, f"older than the {days} days that the service keeps")

    def _announce(self, shape: Shape) -> None:
        """Send a new SCHEMA, before the first record that needs it."""
        self._schema = self._input_schema = shape.json_schema()
        self._metadata = self._mask = self._stream_maps = None
        entry = CatalogEntry(
            tap_stream_id=self.name,
            metadata=self.metadata,
            schema=Schema.from_dict(self.schema),
            key_properties=self.primary_keys,
        )
        self._tap.mapper.register_raw_streams_from_catalog(Catalog([(self.name, entry)]))
        self._write_schema_message()

    @override
    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:
        """Set no upper bound for the SDK to compare with: windows end where they say."""

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Put it off to the end: the SDK has loaders drop the old rows before the new ones come."""
        # the SDK's version is a second, and two runs within one would share it
        self._stream_version = self._initialized_at

    @override
    def _increment_stream_state(
        self, latest_record: types.Record, *, context: types.Context | None = None
    ) -> None:
        """Leave the bookmark alone: the SDK would move it with each row."""

    @override
    def _write_starting_replication_value(self, context: types.Context | None) -> None:
        """Keep the SDK's own notes out of the state."""


def timing_of(query: HuntingQuery, reading: Reading, mode: Mode) -> Timing:
    """Return what bounds a run of the query in time."""
    return Timing(
        start_date=query.start,
        end_date=reading.end,
        # a window that is read again would be another window, and its sums other rows
        lookback=timedelta(0) if mode is Mode.WINDOWED else query.lookback,
        settle=reading.settle,
        retention=reading.retention,
    )


def shape_of(
    query: HuntingQuery, reading: Reading, columns: Iterable[Column], *, known: Iterable[str] = ()
) -> Shape:
    """Name the columns of a query's answer by the settings."""
    return Shape.of(
        columns,
        column_names=reading.column_names,
        dynamic_as=reading.dynamic_as,
        key=query.primary_keys,
        row_id=reading.row_id,
        known=known,
    )
