"""The SDK's loop, used to write records and count them, and no more.

State, versions and types are the stream's own; the SDK would move the bookmark with each row.
"""

import logging
import sys
from collections.abc import Generator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import closing
from functools import cached_property
from itertools import islice
from typing import Any, Final, cast

from singer_sdk import Stream, metrics
from singer_sdk.helpers import types
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Catalog, CatalogEntry, Schema
from typing_extensions import override

from tap_m365hunting.errors import FatalSyncError
from tap_m365hunting.output import EncodedRecords, WholeLines
from tap_m365hunting.wire.json_text import Lines
from tap_m365hunting.wire.records import Record

#: The capabilities that `--about` lists.
CAPABILITIES: Final = [
    TapCapabilities.CATALOG,
    TapCapabilities.STATE,
    TapCapabilities.DISCOVER,
    TapCapabilities.ACTIVATE_VERSION,
    PluginCapabilities.BATCH,
    PluginCapabilities.ABOUT,
    PluginCapabilities.STREAM_MAPS,
    PluginCapabilities.FLATTENING,
    PluginCapabilities.STRUCTURED_LOGGING,
]
#: The setting that the SDK reads, and does not declare.
VERSIONS: Final = {
    "type": ["boolean", "null"],
    "default": False,
    "description": (
        "After a table was read whole, have loaders drop what earlier runs have loaded of "
        "it: a version on its records, and ACTIVATE_VERSION behind the last"
    ),
}

# a breadcrumb of the selection that names a column; a longer one names what is inside
_COLUMN: Final = 2


class SdkStream(Stream):
    """A stream with records written by the SDK's loop, many at a time where possible."""

    # values have their types already, converted from what the service declares
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # state follows windows, not row counts
    STATE_MSG_FREQUENCY = sys.maxsize

    _told: tuple[dict[str, Any], tuple[str, ...]] | None = None
    _counter: metrics.Counter | None = None
    _unmapped: FatalSyncError | None = None

    @cached_property
    def _context_states(self) -> dict[str, dict[str, Any]]:
        return {}

    _dry_records = 0

    @property
    def as_texts(self) -> bool:
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

    def written(self, records: Sequence[Record] | Sequence[bytes]) -> Iterator[Record]:
        """Yield records for the SDK's loop: dicts unchanged, texts as a single stand-in.

        Raises:
            FatalSyncError: a stream map fails on a record.
        """
        if isinstance(records, Lines):
            yield EncodedRecords(records)
            if self._counter is not None:  # the SDK has counted the stand-in as one
                self._counter.increment(len(records) - 1)
            return
        for record in cast(Sequence[Record], records):
            yield record
            failed, self._unmapped = self._unmapped, None
            if failed:
                raise failed

    def within_limit(self, records: Generator[Record, None, None]) -> Iterator[Record]:
        """Yield no more records than a dry run (`--test`) wants, all tenants together.

        The SDK would end the stream by an exception, and log an unhandled error.
        """
        if self.ABORT_AT_RECORD_COUNT is None:
            yield from records
            return
        with closing(records):
            for record in islice(records, self.ABORT_AT_RECORD_COUNT - self._dry_records):
                self._dry_records += 1
                yield record

    @override
    def generate_child_contexts(
        self, record: types.Record, context: types.Context | None
    ) -> Iterator[types.Context | None]:
        """Name no child streams; for each the SDK would evaluate the record's filter once more.

        What the filter raises there would quote a value, and end the run.
        """
        yield from ()

    def send_schema(self, schema: dict[str, Any]) -> None:
        """Write a SCHEMA message, and have the records that follow mapped by it."""
        self._schema = self._input_schema = schema
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
    def _write_schema_message(self) -> None:
        """Write a SCHEMA message, unless the last one said so: a stream may have two turns."""
        told = (dict(self.schema), tuple(self.primary_keys))
        if told != self._told:
            self._told = told
            super()._write_schema_message()

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

    @override
    def get_record_counter(
        self, *, endpoint: str | None = None, log_interval: float = metrics.DEFAULT_LOG_INTERVAL
    ) -> metrics.Counter:
        tags = {metrics.Tag.STREAM: self.name}
        self._counter = _CounterByTenant(metrics.Metric.RECORD_COUNT, tags, log_interval)
        return self._counter

    @override
    def get_sync_timer(self) -> metrics.Timer:
        return _TotalTimer(metrics.Metric.SYNC_DURATION, {metrics.Tag.STREAM: self.name})

    @override
    def get_context_state(self, context: types.Context | None) -> dict[str, Any]:
        """Return the state to write to; nothing lasting for a tenant that the state has twice.

        Reading such a state fails where the stream's own errors do. The SDK looks through all
        tenants' parts at each call, so what was found is kept.
        """
        tenant = "".join(map(str, context.values())) if context else ""
        if tenant not in self._context_states:
            try:
                self._context_states[tenant] = super().get_context_state(context)
            except ValueError:
                return {}
        return self._context_states[tenant]

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write the state unchanged: there are no progress markers to promote."""
        self._write_state_message()
        writer = self._tap.message_writer
        if isinstance(writer, WholeLines):
            writer.finish()

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Have the SDK write no batch: the writer does, of records that are selected and mapped."""

    @override
    def get_replication_key_signpost(self, context: types.Context | None = None) -> None:
        """Set no upper bound for the SDK to compare with: windows have ends of their own."""

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Put the message off to the end: the SDK has old rows dropped before new rows come."""
        # the SDK's version is a second, and two runs within one would share it
        self._stream_version = self._initialized_at

    def activate_version(self) -> None:
        """Have loaders drop the rows of earlier versions, if the settings ask for versions."""
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

    @override
    def _increment_stream_state(
        self, latest_record: types.Record, *, context: types.Context | None = None
    ) -> None:
        """Leave the bookmark alone: the SDK would move the bookmark with each row."""

    @override
    def _write_starting_replication_value(self, context: types.Context | None) -> None:
        """Keep the SDK's own notes out of the state."""

    @override
    def _write_record_message(self, record: types.Record) -> None:
        """Write the results of the stream maps on a record.

        An error of a map may quote a value, unfit for a log, and would end the whole run; so the
        error is raised with the stream's own errors, without its text.
        """
        try:
            messages = list(self._generate_record_messages(record))
        except Exception as error:  # noqa: BLE001 - whatever a user's expression does
            what = type(error).__name__
            self._unmapped = FatalSyncError(
                f"A stream map of {self.name} fails on a record ({what}); mend it in stream_maps, "
                "for instance by a condition for values that it does not fit"
            )
            return
        for message in messages:
            self._tap.write_message(message)
        self.state_manager.is_flushed = False


class _CounterByTenant(metrics.Counter):
    """Logs the records of each tenant under the tenant's name, not all under the last name."""

    @override
    def with_context(self, value: types.Context | None) -> None:
        if self.value:
            self._pop()
        self.tags = dict(self.tags)  # records logged before keep theirs
        super().with_context(value or None)


class _TotalTimer(metrics.Timer):
    """Times all tenants together, without a name."""

    @override
    def with_context(self, value: types.Context | None) -> None:
        """Leave the context out."""


class NamedLines(logging.LoggerAdapter[logging.Logger]):
    """Puts the stream, and where there are several the tenant, before each line."""

    @override
    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        where = (self.extra or {}).get("where")
        return f"{where}: {msg}", kwargs
