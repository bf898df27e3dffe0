"""A query as a Singer stream: records, and the state allowed by the records."""

import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

from singer_sdk import Tap
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers import types
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.id_columns import IdColumns
from tap_m365hunting.planning.late_rows import Lateness
from tap_m365hunting.planning.run_windows import Remember, RunWindows
from tap_m365hunting.planning.state import TENANT, Bookmark, StreamState
from tap_m365hunting.planning.windows import WindowDone
from tap_m365hunting.reporting.progress import Position
from tap_m365hunting.reporting.reports import Stopwatch
from tap_m365hunting.reporting.summary import notices, shared_keys
from tap_m365hunting.run_context import Run
from tap_m365hunting.sdk_stream import NamedLines, SdkStream
from tap_m365hunting.service.tenant_service import TenantService
from tap_m365hunting.sync.answer_records import AnswerRecords, NewSchema
from tap_m365hunting.sync.oldest_first import WINDOW_IS_DONE, Turns
from tap_m365hunting.sync.partition_sync import PartitionSync
from tap_m365hunting.sync.reader import Event, QueryReader
from tap_m365hunting.sync.resolved_query import (
    ResolvedQuery,
    id_columns_of,
    run_windows_of,
    shape_of,
)
from tap_m365hunting.sync.result_rows import AnyBlock
from tap_m365hunting.wire.answer import QueryResult
from tap_m365hunting.wire.fast_records import Block, BlockConverter, plain_blocks
from tap_m365hunting.wire.key_sketch import KeySketch
from tap_m365hunting.wire.records import Converter, Record
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.row_types import RowTypes
from tap_m365hunting.wire.schema import Column, Shape


class HuntingStream(SdkStream):
    """A hunting query, read window by window, oldest first, in tenant after tenant.

    The bookmark is the end of the complete part without a gap, whatever the newest row's time; the
    bookmark is written after the rows before. `failures` has, by tenant, the reason for a partial
    read.
    """

    def __init__(
        self,
        tap: Tap,
        query: HuntingQuery,
        resolved: ResolvedQuery,
        run: Run,
        *,
        schema: Mapping[str, Any],
    ) -> None:
        super().__init__(tap, schema=dict(schema), name=query.name)
        self._query = query
        self._resolved = resolved
        self._run = run
        self._partition_syncs = dict[str, PartitionSync]()
        self._turns, self._row_types = Turns(), RowTypes()
        self._named: tuple[Any, ...] = ()
        self._saved = StreamState(self.tap_state, query.name, partitioned=run.partitioned)
        self._services = {service.tenant_id: service for service in run.services}
        self._tables_read = 0
        self.failures = dict[str, SingerSDKError]()
        keyed = query.primary_keys and resolved.by is None
        self._key_sketch = KeySketch() if keyed else None
        self.warnings: tuple[str, ...] = ()  # said of the query once, before its first rows
        if resolved.mode is Mode.WINDOWED:  # Singer has no word for it
            self.forced_replication_method = REPLICATION_INCREMENTAL

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        """A part for each tenant, where there are several by name."""
        if not self._run.partitioned:
            return None
        return [{TENANT: service.tenant_id} for service in self._run.services]

    @property
    def key_warning(self) -> str | None:
        """The warning at the end of a run about rows with a common key, if there are any."""
        shared = self._key_sketch.shared if self._key_sketch else 0
        return shared_keys(self.name, self.primary_keys, shared) if shared else None

    def partition_sync(self, service: TenantService) -> PartitionSync:
        """Return the reading of a tenant in the run, so that calls can be made ahead."""
        if service.tenant_id not in self._partition_syncs:
            self._partition_syncs[service.tenant_id] = PartitionSync(
                self._resolved,
                service,
                self._run.prefetch,
                partial(self._run_windows, service),
                row_cap=self._run.read_settings.row_cap,
                take_changed=self._run.read_settings.on_changing_rows == "take",
            )
        return self._partition_syncs[service.tenant_id]

    def shape_of(self, columns: Iterable[Column]) -> Shape:
        """Name the columns of an answer by the settings, and like the schema."""
        named = (tuple(columns), self.effective_schema)
        if named != self._named:
            self._named, settings = named, self._run.read_settings
            known, tenant = named[1]["properties"], self._run.tenant_columns
            self._shape = shape_of(
                self._query, settings, self._resolved, named[0], known=known, tenant=tenant
            )
        return self._shape

    @override
    def get_records(self, context: types.Context | None) -> Iterator[dict[str, Any]]:
        """Yield the records of a tenant; an error ends the stream in the tenant, not the run."""
        service = self._services[context[TENANT]] if context else self._run.services[0]
        partition_sync = self.partition_sync(service)
        if partition_sync.left or not self._turns.wants(partition_sync):
            return
        for warning in self.warnings:
            self.logger.warning("Stream %s: %s", self.name, warning)
        self.warnings = ()
        read = partial(self._read, partition_sync, context)
        try:
            yield from self.within_limit(self._turns.records(partition_sync, read))
        except SingerSDKError as error:
            self._fail(service, error)
        finally:
            if not self._turns.has_put_off(partition_sync):
                partition_sync.leave()

    @override
    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:
        """Set no bound, as the base class; the SDK asks for it before all else of a stream."""
        streams = (s for s in self._tap.streams.values() if isinstance(s, HuntingStream))
        self._run.oldest_first.begin(stream for stream in streams if stream.selected)

    def near_the_edge(self, margin: timedelta) -> list[Instant]:
        """Return how far each tenant is read that is not read so far from the edge of retention."""
        ats = (self.partition_sync(service).reached(margin) for service in self._run.services)
        return [at for at in ats if at is not None]

    def sync_near_the_edge(self, margin: timedelta) -> None:
        """Read tenants so far from the edge of retention; `sync` goes on from there."""
        with self._turns.near_the_edge(margin):
            self.sync()

    def _fail(self, service: TenantService, error: SingerSDKError) -> None:
        self.failures[service.tenant_id] = error
        self.logger.error("%s stops: %s", self._called(service), error)
        everywhere = service.failure is not None and not self._run.partitioned
        if everywhere or self._run.read_settings.on_stream_error == "stop":
            raise error

    def _called(self, service: TenantService) -> str:
        where = f" in tenant {service.tenant_id}" if self._run.partitioned else ""
        return f"Stream {self.name}{where}"

    def _read(
        self, partition_sync: PartitionSync, context: types.Context | None
    ) -> Generator[Record, None, None]:
        read_settings, service = self._run.read_settings, partition_sync.service
        answers = partial(service.answers, kql.probe(self._resolved.query))
        id_columns = id_columns_of(self._query, self._resolved, self._saved, service.tenant_id)
        id_columns.follow(self.get_context_state(None))
        log = NamedLines(self.logger, {"where": self._called(service)})
        records = AnswerRecords(
            self._resolved,
            self.shape_of,
            self._blocks,
            known=self.effective_schema["properties"],
            drift=read_settings.schema_drift,
            tenant=self._run.cells(service),
            id_columns=id_columns,
            log=log,
        )
        skipping = answers if read_settings.on_unreadable_window == "skip" else None
        reader = QueryReader(records, row_cap=read_settings.row_cap, skipping=skipping)
        watch = Stopwatch(self.name, partition_sync, self._run.report)
        remember = partial(self._remember, id_columns, self.get_context_state(context))
        if self._resolved.mode is Mode.FULL_TABLE:
            yield from self._table(partition_sync, reader, watch, remember)
            remember()
        else:
            yield from self._windows(partition_sync, reader, watch, remember)
        for column, cells in records.misfits.items():
            log.warning("%d values of %s do not fit its type", cells, column)

    def _table(
        self,
        partition_sync: PartitionSync,
        reader: QueryReader,
        watch: Stopwatch,
        remember: Remember,
    ) -> Iterator[Record]:
        planner = partition_sync.table()
        with closing(reader.read(planner, partition_sync)) as events:
            yield from self._records(events, remember)
        partition_sync.check(planner.rows or 0)
        watch.table_read(partition_sync.begun, planner)
        self._tables_read += 1
        if self._tables_read == len(self._run.services):
            self.activate_version()

    def _windows(
        self,
        partition_sync: PartitionSync,
        reader: QueryReader,
        watch: Stopwatch,
        remember: Remember,
    ) -> Iterator[Record]:
        """Read all windows; after each window write its coverage, then the state."""
        run_windows = partition_sync.run_windows
        self._tell(partition_sync.service, run_windows, watch)
        bookmark = run_windows.bookmark
        for planner in partition_sync.windows():
            late = run_windows.late_rows(planner.span)
            at = partial(Position.of, self.name, partition_sync, planner)
            with closing(reader.read(planner, partition_sync)) as events:
                for event in events:
                    if isinstance(event, WindowDone):
                        partition_sync.check(event.rows)
                        watch.window_done(event, late.done(event))
                        tally = late.tally() if planner.finished else None
                        bookmark = run_windows.follow(bookmark, event, tally, remember)
                        self._tap.state_writer.write_state(self.tap_state)
                        yield WINDOW_IS_DONE
                    else:
                        late.add(event.cursors if isinstance(event, Block) else ())
                        yield from self._records((event,), remember if run_windows.moves else None)
                        self._run.progress.moved(at)
            self._tell_late(partition_sync.service, late.found())

    def _remember(
        self, id_columns: IdColumns, state: dict[str, Any], bookmark: Bookmark | None = None
    ) -> bool:
        """Put the knowledge for the next run into the state; say if it tells of ids anew."""
        if bookmark:
            bookmark.write(state)
        row_id = self._run.read_settings.row_id
        return row_id and id_columns.write(self.get_context_state(None), state)

    def _records(self, events: Iterable[Event], remember: Remember | None) -> Iterator[Record]:
        """Yield records, the columns of their ids in a STATE before: a kill may come behind."""
        for event in events:
            if isinstance(event, NewSchema):
                self._announce(event.shape)
            elif not isinstance(event, WindowDone):
                if remember and remember():
                    self._run.flush_state()
                yield from self.written(event.records)

    def _blocks(self, converter: Converter, answer: QueryResult, ids: RowIds) -> Iterator[AnyBlock]:
        """Encode the records at once, unless a feature asks to see each record."""
        converter.sketch, types = self._key_sketch, self._row_types
        if not self.as_texts:
            return plain_blocks(converter, answer, ids, types=types)
        kept = [name for name in self.schema["properties"] if self.mask["properties", name]]
        return BlockConverter(converter, selected=kept, types=types).blocks(answer, ids)

    def _run_windows(self, service: TenantService, now: Instant) -> RunWindows:
        return run_windows_of(
            self._query,
            self._run.read_settings,
            self._resolved,
            saved=self._saved,
            tenant_id=service.tenant_id,
            key=self.replication_key,
            now=now,
        )

    def _tell(self, service: TenantService, run_windows: RunWindows, watch: Stopwatch) -> None:
        """Log everything out of the ordinary before reading."""
        days = self._query.retention.days
        for level, notice in notices(run_windows, now=service.now(), days=days):
            self.logger.log(level, "%s: %s", self._called(service), notice)
        why = run_windows.out_of_sight or f"older than the {days} days that the service keeps"
        for window in run_windows.lost:
            watch.lost(window, why)

    def _tell_late(self, service: TenantService, late: Lateness | None) -> None:
        """Log the late rows of the lookback, and possible ones before."""
        if late:
            level = logging.WARNING if late.reaches else logging.INFO
            self.logger.log(level, "%s: %s", self._called(service), late.told(self._query.lookback))

    def _announce(self, shape: Shape) -> None:
        """Send a new SCHEMA, before the first record in need of the schema."""
        content_hash = self._resolved.mode is not Mode.WINDOWED
        self.send_schema(shape.json_schema(content_hash=content_hash))
