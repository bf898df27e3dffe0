"""One query as one Singer stream: its records, and the state that they allow."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

from singer_sdk import Tap
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.helpers import types
from singer_sdk.singerlib import Catalog, CatalogEntry, Schema
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery
from tap_m365hunting.errors import SignInError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.late_rows import Lateness
from tap_m365hunting.planning.partitions import TENANT
from tap_m365hunting.planning.run_windows import Agenda
from tap_m365hunting.planning.windows import WindowDone
from tap_m365hunting.reporting.notices import notices
from tap_m365hunting.reporting.progress import Position
from tap_m365hunting.reporting.reports import Stopwatch
from tap_m365hunting.run_context import Run
from tap_m365hunting.sdk_stream import LoopStream
from tap_m365hunting.sync.partition_sync import Sweep
from tap_m365hunting.sync.query_settings import agenda_of, shape_of
from tap_m365hunting.sync.reader import AnyBlock, Event, NewSchema, QueryReader
from tap_m365hunting.sync.resolved_query import Hunt
from tap_m365hunting.sync.sites import Site
from tap_m365hunting.wire.answer import Answer
from tap_m365hunting.wire.fast_records import Block, BlockConverter, plain_blocks
from tap_m365hunting.wire.records import Converter, Record
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Column, Shape


class HuntingStream(LoopStream):
    """A hunting query, read window by window, oldest first, in one tenant after another.

    The bookmark is the end of what is complete without a gap, whatever the newest row's time; it
    is written when the rows before it are. `failures` says, by tenant, why it was not read whole.
    """

    def __init__(
        self, tap: Tap, query: HuntingQuery, hunt: Hunt, run: Run, *, schema: Mapping[str, Any]
    ) -> None:
        super().__init__(tap, schema=dict(schema), name=query.name)
        self._query = query
        self._hunt = hunt
        self._run = run
        self._sweeps = dict[str, Sweep]()
        self._tables_read = 0
        self.failures = dict[str, SingerSDKError]()
        if hunt.mode is Mode.WINDOWED:  # Singer has no word for it
            self.forced_replication_method = REPLICATION_INCREMENTAL

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        """A part for each tenant, where there are several by name."""
        if not self._run.partitioned:
            return None
        return [{TENANT: site.tenant_id} for site in self._run.sites]

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take what the catalog says, but for the replication key and method, and the key.

        They follow from the query and the settings: windows are bounded by the query's own cursor,
        so the state must be about that.
        """
        cursor, method = self.replication_key, self.forced_replication_method
        key = self.primary_keys
        super().apply_catalog(catalog)
        if self.replication_key != cursor:
            self.logger.warning(
                "%s is read by %s, not by %s as the catalog has it; run discovery again",
                f"Stream {self.name}",
                cursor or "its window",
                self.replication_key,
            )
        self.replication_key, self.forced_replication_method = cursor, method
        self.primary_keys = key

    def sweep(self, site: Site) -> Sweep:
        """Return what this run reads in a tenant, so that its calls can be made ahead."""
        if site.tenant_id not in self._sweeps:
            self._sweeps[site.tenant_id] = Sweep(
                self._hunt,
                site,
                self._run.lookahead,
                partial(self._agenda, site),
                row_cap=self._run.reading.row_cap,
            )
        return self._sweeps[site.tenant_id]

    def shape_of(self, columns: Iterable[Column]) -> Shape:
        """Name the columns of an answer by the settings, and as the schema has them."""
        return shape_of(
            self._query,
            self._run.reading,
            columns,
            known=self.effective_schema["properties"],
            tenant=self._run.tenant_columns,
        )

    @override
    def get_records(self, context: types.Context | None) -> Iterator[dict[str, Any]]:
        """Yield the records of a tenant; an error ends this stream there, not the run."""
        (site,) = (
            site for site in self._run.sites if not context or site.tenant_id == context[TENANT]
        )
        sweep = self.sweep(site)
        try:
            yield from self._read(sweep, context)
        except SingerSDKError as error:
            self._fail(site, error)
        finally:
            sweep.leave()
            del self._sweeps[site.tenant_id]

    def _fail(self, site: Site, error: SingerSDKError) -> None:
        self.failures[site.tenant_id] = error
        self.logger.error("%s stops: %s", self._called(site), error)
        everywhere = isinstance(error, SignInError) and not self._run.partitioned
        if everywhere or self._run.reading.on_stream_error == "stop":
            raise error

    def _called(self, site: Site) -> str:
        where = f" in tenant {site.tenant_id}" if self._run.partitioned else ""
        return f"Stream {self.name}{where}"

    def _read(self, sweep: Sweep, context: types.Context | None) -> Iterator[Record]:
        reading = self._run.reading
        answers = partial(sweep.site.answers, kql.probe(self._hunt.query))
        reader = QueryReader(
            self._hunt,
            self.shape_of,
            self._blocks,
            known=self.effective_schema["properties"],
            row_cap=reading.row_cap,
            drift=reading.schema_drift,
            tenant=self._run.cells(sweep.site),
            skipping=answers if reading.on_unreadable_window == "skip" else None,
        )
        watch = Stopwatch(self.name, sweep, self._run.report)
        if self._hunt.mode is Mode.FULL_TABLE:
            yield from self._table(sweep, reader, watch)
        else:
            yield from self._windows(sweep, reader, watch, self.get_context_state(context))
        for column, cells in reader.misfits.items():
            self.logger.warning("%d values of %s do not fit its type", cells, column)

    def _table(self, sweep: Sweep, reader: QueryReader, watch: Stopwatch) -> Iterator[Record]:
        planner = sweep.table()
        with closing(reader.read(planner, sweep)) as events:
            yield from self._records(events)
        watch.table_read(sweep.begun, planner)
        self._tables_read += 1
        if self._tables_read == len(self._run.sites):
            self.activate_version()

    def _windows(
        self, sweep: Sweep, reader: QueryReader, watch: Stopwatch, state: dict[str, Any]
    ) -> Iterator[Record]:
        """Read what there is to read; after each window write its coverage, then the state."""
        agenda = sweep.agenda
        self._tell(sweep.site, agenda, watch)
        bookmark, state = agenda.bookmark, state if agenda.moves else {}
        for planner in sweep.windows():
            late = agenda.late_rows(planner.span)
            with closing(reader.read(planner, sweep)) as events:
                for event in events:
                    if isinstance(event, WindowDone):
                        watch.window_done(event, late.done(event))
                        tally = late.tally() if planner.finished else None
                        bookmark = bookmark.after(event, tally=tally)
                        bookmark.write(state)
                        self._tap.state_writer.write_state(self.tap_state)
                    else:
                        late.add(event.cursors if isinstance(event, Block) else ())
                        yield from self._records((event,))
                        self._run.progress.moved(partial(Position.of, self.name, sweep, planner))
            self._tell_late(sweep.site, late.found())

    def _records(self, events: Iterable[Event]) -> Iterator[Record]:
        for event in events:
            if isinstance(event, NewSchema):
                self._announce(event.shape)
            elif not isinstance(event, WindowDone):
                yield from self.written(event.records)

    def _blocks(self, converter: Converter, answer: Answer, ids: RowIds) -> Iterator[AnyBlock]:
        """Encode the records at once, unless something asks to see them one by one."""
        if not self.as_texts:
            return plain_blocks(converter, answer, ids)
        kept = [name for name in self.schema["properties"] if self.mask["properties", name]]
        return BlockConverter(converter, selected=kept).blocks(answer, ids)

    def _agenda(self, site: Site, now: Instant) -> Agenda:
        return agenda_of(
            self._query,
            self._run.reading,
            self._hunt,
            state=self.tap_state,
            tenant_id=site.tenant_id,
            partitioned=self._run.partitioned,
            key=self.replication_key,
            now=now,
        )

    def _tell(self, site: Site, agenda: Agenda, watch: Stopwatch) -> None:
        """Tell of what is out of the ordinary before it is read."""
        days = self._run.reading.retention.days
        for level, notice in notices(agenda, now=site.now(), days=days):
            self.logger.log(level, "%s: %s", self._called(site), notice)
        for window in agenda.lost:
            watch.lost(window, f"older than the {days} days that the service keeps")

    def _tell_late(self, site: Site, late: Lateness | None) -> None:
        """Tell what the lookback has found, and if it may have missed some."""
        if late:
            level = logging.WARNING if late.reaches else logging.INFO
            self.logger.log(level, "%s: %s", self._called(site), late.told(self._query.lookback))

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
