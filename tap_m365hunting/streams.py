"""One query as one Singer stream: its records, and the state that they allow."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from singer_sdk import Stream, Tap
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers import types
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_m365hunting.config import HuntingQuery, Reading
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.parts import TablePlanner
from tap_m365hunting.planner import Planner
from tap_m365hunting.reader import Call, Hunt, NewSchema, QueryReader
from tap_m365hunting.schema import Column, Shape
from tap_m365hunting.spans import Timing, advanced
from tap_m365hunting.windows import WindowDone

#: Under this name the state keeps the end of the last window, where a query bounds itself.
WINDOW_END: Final = "window_end"


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
        call: Call,
        now: Instant,
    ) -> None:
        super().__init__(tap, schema=dict(schema), name=query.name)
        self._query = query
        self._hunt = hunt
        self._reading = reading
        self._call = call
        self._now = now
        self.failure: SingerSDKError | None = None
        if hunt.mode is Mode.WINDOWED:  # Singer has no word for it
            self.forced_replication_method = REPLICATION_INCREMENTAL

    def shape_of(self, columns: Iterable[Column]) -> Shape:
        """Name the columns of an answer by the settings, and as the schema has them."""
        return shape_of(
            self._query, self._reading, columns, known=self.effective_schema["properties"]
        )

    @override
    def get_records(self, context: types.Context | None) -> Iterator[dict[str, Any]]:
        """Yield the records of all windows; an error ends this stream, not the run."""
        try:
            yield from self._read(context)
        except SingerSDKError as error:
            self.failure = error
            self.logger.error("Stream %s stops: %s", self.name, error)  # noqa: TRY400 - a verdict
            if self._reading.on_stream_error == "stop":
                raise

    def _read(self, context: types.Context | None) -> Iterator[dict[str, Any]]:
        state = self.get_context_state(context)
        bookmark = self._bookmark(state)
        planner = self._planner(bookmark)
        if planner is None:
            return
        reader = QueryReader(
            self._hunt,
            self._call,
            self.shape_of,
            known=self.effective_schema["properties"],
            row_cap=self._reading.row_cap,
            drift=self._reading.schema_drift,
            unreadable=self._reading.on_unreadable_window,
        )
        for event in reader.read(planner):
            match event:
                case NewSchema():
                    self._announce(event.shape)
                case WindowDone():
                    self._save(state, bookmark, event.window.end)
                case _:
                    yield event

    def _planner(self, bookmark: Instant | None) -> Planner | TablePlanner | None:
        if self._hunt.mode is Mode.FULL_TABLE:
            return TablePlanner(row_cap=self._reading.row_cap)
        timing = timing_of(self._query, self._reading, self._hunt.mode)
        span = timing.span(now=self._now, bookmark=bookmark)
        if span.gap:
            self.logger.warning(
                "Rows between %s are lost: they are older than the service keeps data; run more "
                "often than every %d days",
                span.gap,
                self._reading.retention.days,
            )
        if span.window is None:
            self.logger.info("Nothing to read yet: complete until %s", span.fresh)
            return None
        return Planner(span.window, row_cap=self._reading.row_cap, step=self._hunt.bin)

    def _bookmark(self, state: Mapping[str, Any]) -> Instant | None:
        return bookmark_in(state, self._bookmark_name)

    @property
    def _bookmark_name(self) -> str:
        return self.replication_key or WINDOW_END

    def _save(self, state: dict[str, Any], bookmark: Instant | None, end: Instant) -> None:
        """Write the state that holds the bookmark; the rows before it have been written."""
        if self._reading.end is not None or self._hunt.mode is Mode.FULL_TABLE:
            return  # a backfill neither reads nor moves a bookmark
        state["replication_key"] = self._bookmark_name
        state["replication_key_value"] = str(advanced(bookmark, end))
        self._tap.state_writer.write_state(self.tap_state)

    def _announce(self, shape: Shape) -> None:
        """Send a new SCHEMA, before the first record that needs it."""
        self._schema = self._input_schema = shape.json_schema()
        self._metadata = self._mask = self._stream_maps = None
        self._write_schema_message()

    @override
    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:
        """Set no upper bound for the SDK to compare with: windows end where they say."""

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


def bookmark_in(state: Mapping[str, Any], name: str) -> Instant | None:
    """Return the bookmark in a stream's state, if it is one of this replication key."""
    if state.get("replication_key") != name:
        return None
    return Instant.parse(str(state["replication_key_value"]))


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
