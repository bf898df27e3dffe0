"""A stream for each configured query: its columns from the catalog, or by asking for them alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib import CatalogEntry

from tap_m365hunting import kql
from tap_m365hunting.configuration.config import HuntingQuery, Settings
from tap_m365hunting.errors import WindowTooLargeError
from tap_m365hunting.hunt import Hunt, in_user_lines
from tap_m365hunting.reports import WindowReport
from tap_m365hunting.service import HuntingService
from tap_m365hunting.streams import HuntingStream, shape_of
from tap_m365hunting.wire.schema import Column, Shape

# What refuses to answer without rows has no window to narrow; it may be too busy for now.
PROBE_TRIES: Final = 4


class Discovery:
    """Makes the streams; each is to `report` the windows that it finishes."""

    def __init__(
        self,
        tap: Tap,
        settings: Settings,
        service: HuntingService,
        *,
        report: Callable[[WindowReport], None],
    ) -> None:
        self._tap = tap
        self._settings = settings
        self._service = service
        self._report = report

    def stream(self, query: HuntingQuery) -> HuntingStream:
        """Return the query's stream.

        Raises:
            QueryRejectedError: the service refuses the query.
            ConfigValidationError: the result has no such key or cursor.
        """
        catalog = self._tap.input_catalog
        entry = catalog.get_stream(query.name) if catalog else None
        if entry is not None:
            return self._known(query, entry)
        if catalog is not None:
            self._tap.logger.warning(
                "Query %s is not in the catalog, so it is not read; run discovery again", query.name
            )
        return self._probed(query)

    def _known(self, query: HuntingQuery, entry: CatalogEntry) -> HuntingStream:
        """Take the schema from the catalog, which costs no call."""
        schema = entry.schema.to_dict()
        columns = [
            (name, "DateTime" if about.get("format") == "date-time" else "")
            for name, about in schema["properties"].items()
        ]
        verdict = query.assess(columns)
        cursor = entry.replication_key or verdict.cursor
        return self._stream(query, verdict, schema, entry.key_properties or (), cursor)

    def _probed(self, query: HuntingQuery) -> HuntingStream:
        """Ask the service for the columns alone."""
        shape = shape_of(query, self._settings.reading, self._columns(query.query))
        verdict = query.assess([(column.name, column.type) for column in shape.columns])
        _check(verdict, shape)
        cursor = shape.names[verdict.cursor] if verdict.cursor else None
        return self._stream(query, verdict, shape.json_schema(), shape.key_properties, cursor)

    def _columns(self, query: kql.Query, tries: int = PROBE_TRIES) -> Sequence[Column]:
        probe = kql.probe(query)
        try:
            with in_user_lines(query, probe), self._service.run(probe) as answer:
                return answer.columns
        except WindowTooLargeError:
            if tries == 1:
                raise
            return self._columns(query, tries - 1)

    def _stream(
        self,
        query: HuntingQuery,
        verdict: kql.Verdict,
        schema: Mapping[str, Any],
        key: Sequence[str],
        cursor: str | None,
    ) -> HuntingStream:
        stream = HuntingStream(
            self._tap,
            query,
            Hunt(query.query, verdict.mode, verdict.cursor, verdict.bin),
            self._settings.reading,
            schema=schema,
            service=self._service,
            report=self._report,
        )
        stream.primary_keys = key
        if verdict.mode is kql.Mode.INCREMENTAL:
            stream.replication_key = cursor
        return stream


def _check(verdict: kql.Verdict, shape: Shape) -> None:
    """Hold the settings against the columns that the service has for the query.

    Raises:
        ConfigValidationError: a key or the cursor is not in the result, or windows do not fit it.
    """
    wrong = [problem.message for problem in verdict.problems if problem.severity == "error"]
    wrong += [f"primary_keys: the result has no column {name}" for name in shape.missing_keys]
    if wrong:
        raise ConfigValidationError("; ".join(wrong), errors=wrong, schema={})
