"""A stream for each configured query: columns from the catalog, or from a probe."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.singerlib import CatalogEntry

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery
from tap_m365hunting.errors import TENANT_ERRORS
from tap_m365hunting.run_context import Run
from tap_m365hunting.streams import HuntingStream
from tap_m365hunting.sync.column_probe import Probes
from tap_m365hunting.sync.resolved_query import ResolvedQuery, key_of, resolve, shape_of
from tap_m365hunting.wire.schema import WINDOW_START, Column, Shape, find


class Discovery:
    """Makes the streams of a run for the queries: from the catalog, or by probes."""

    def __init__(self, tap: Tap, run: Run, queries: Iterable[HuntingQuery]) -> None:
        self._tap = tap
        self._run = run
        self._catalog = tap.input_catalog
        listed = {entry.tap_stream_id for entry in self._catalog.streams} if self._catalog else ()
        unlisted = [query for query in queries if query.name not in listed]
        self._probes = Probes(unlisted, run.services, run.prefetch)

    def stream(self, query: HuntingQuery) -> HuntingStream:
        """Return the stream of one of the queries.

        Raises:
            QueryRejectedError: the service refuses the query.
            ConfigValidationError: the result has no such key or cursor, or the catalog has another
                key. Without an entry in the catalog: no such stream, and the reason why discovery
                left the query out, if the reason still holds.
        """
        if self._catalog is None:
            return self._probed(query)
        entry = self._catalog.get_stream(query.name)
        if entry is None:
            raise self._not_listed(query)
        return self._known(query, entry)

    def _not_listed(self, query: HuntingQuery) -> SingerSDKError:
        """Return the reason for a query missing in the catalog, at the cost of a call."""
        try:
            self._probed(query)
        except TENANT_ERRORS:
            raise
        except SingerSDKError as error:
            return error
        msg = (
            "The catalog does not have it, so it is not read; run discovery again (in Meltano: "
            "meltano run --refresh-catalog …)"
        )
        return _wrong(msg)

    def _known(self, query: HuntingQuery, entry: CatalogEntry) -> HuntingStream:
        """Take the schema from the catalog, without a call."""
        schema = entry.schema.to_dict()
        verdict, resolved = resolve(
            query,
            [
                Column(name, "DateTime" if about.get("format") == "date-time" else "")
                for name, about in schema["properties"].items()
            ],
        )
        shape = self._named(query, resolved, schema["properties"])
        key = entry.key_properties or entry.metadata.root.table_key_properties or ()
        if set(key) != set(shape.key_properties):
            raise _other_key(key, shape.key_properties)
        cursor = shape.names[verdict.cursor] if verdict.cursor else None
        stream = self._stream(query, resolved, schema, shape.key_properties, cursor)
        stream.warnings = verdict.warnings
        return stream

    def _named(
        self, query: HuntingQuery, resolved: ResolvedQuery, known: Mapping[str, Any]
    ) -> Shape:
        """Return the record names of key and cursor by the settings."""
        named = key_of(query, self._run.read_settings, resolved)
        key = [find(name, list(known)) or name for name in named if name != WINDOW_START]
        columns = [Column(name, "") for name in (*key, *filter(None, [resolved.cursor]))]
        return self._shape_of(query, resolved, columns, known)

    def _shape_of(
        self,
        query: HuntingQuery,
        resolved: ResolvedQuery,
        columns: Iterable[Column],
        known: Iterable[str] = (),
    ) -> Shape:
        settings, tenant = self._run.read_settings, self._run.tenant_columns
        return shape_of(query, settings, resolved, columns, known=known, tenant=tenant)

    def _probed(self, query: HuntingQuery) -> HuntingStream:
        """Ask the service for the columns alone."""
        columns = self._probes.columns(query)
        verdict, resolved = resolve(query, columns)
        shape = self._shape_of(query, resolved, columns)
        _check(verdict, shape)
        cursor = shape.names[verdict.cursor] if verdict.cursor else None
        schema = shape.json_schema(content_hash=resolved.mode is not kql.Mode.WINDOWED)
        stream = self._stream(query, resolved, schema, shape.key_properties, cursor)
        stream.warnings = verdict.warnings
        return stream

    def _stream(
        self,
        query: HuntingQuery,
        resolved: ResolvedQuery,
        schema: Mapping[str, Any],
        key: Sequence[str],
        cursor: str | None,
    ) -> HuntingStream:
        stream = HuntingStream(self._tap, query, resolved, self._run, schema=schema)
        stream.primary_keys = key
        if resolved.mode is kql.Mode.INCREMENTAL:
            stream.replication_key = cursor
        return stream


def _other_key(catalog: Iterable[str], settings: Iterable[str]) -> ConfigValidationError:
    old, new = (", ".join(key) or "none" for key in (catalog, settings))
    return _wrong(
        f"The catalog has the key {old}, but primary_keys, row_id and tenants say {new}; run "
        "discovery again (in Meltano: meltano run --refresh-catalog …)"
    )


def _wrong(message: str) -> ConfigValidationError:
    return ConfigValidationError(message, errors=[message], schema={})


def _check(verdict: kql.Verdict, shape: Shape) -> None:
    """Hold the settings against the columns of the query's result.

    Raises:
        ConfigValidationError: a key or the cursor is not in the result, or windows do not fit.
    """
    wrong = [problem.message for problem in verdict.problems if problem.severity == "error"]
    wrong += [f"primary_keys: the result has no column {name}" for name in shape.missing_keys]
    if wrong:
        raise ConfigValidationError("; ".join(wrong), errors=wrong, schema={})
