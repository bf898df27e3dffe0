"""The tap: settings in, streams out."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Any, ClassVar

from singer_sdk import Stream, Tap
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import CatalogEntry
from typing_extensions import override

from tap_m365hunting import kql
from tap_m365hunting.auth import ClientSecret
from tap_m365hunting.client import Client
from tap_m365hunting.config import HuntingQuery, Settings
from tap_m365hunting.dialects import DEFENDER, DEFENDER_ENDS
from tap_m365hunting.errors import AuthenticationError
from tap_m365hunting.instants import Instant
from tap_m365hunting.output import Signals, WholeLines
from tap_m365hunting.reader import Hunt
from tap_m365hunting.records import Answer, read_answer
from tap_m365hunting.schema import Shape
from tap_m365hunting.settings import SETTINGS
from tap_m365hunting.streams import HuntingStream, shape_of


class TapM365Hunting(Tap):
    """Microsoft 365 Defender advanced hunting: each configured KQL query is a stream."""

    name = "tap-m365hunting"
    config_jsonschema: ClassVar = SETTINGS
    # streams come from the settings, so a catalog cannot be made from wrong ones
    dynamic_catalog = True
    # no BATCH: the loaders that people use break on it
    capabilities: ClassVar = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 (the SDK's own)
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        **options: Any,  # noqa: ANN401 (the SDK's own)
    ) -> None:
        self._signals = Signals()
        self._clock = clock
        self._sleep = sleep
        self._settings: Settings | None = None
        self._failures: dict[str, SingerSDKError] = {}
        options.setdefault("message_writer", WholeLines(self._signals))
        super().__init__(*args, **options)

    @classmethod
    @override
    def invoke(
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        **files: Any,
    ) -> None:
        """Sync as the SDK does, and end with status 1 if a stream failed."""
        super(Tap, cls).invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        config, state, catalog = files.get("config"), files.get("state"), files.get("catalog")
        tap = cls(
            config=config.config if config else None,
            parse_env_config=bool(config and config.parse_env),
            state=json.load(state) if state else None,
            catalog=json.load(catalog) if catalog else None,
        )
        tap.sync_all()
        if tap.failures():
            sys.exit(1)

    def failures(self) -> Mapping[str, SingerSDKError]:
        """Return why each failed stream failed, and log it as the run's last word."""
        failed = self._failures | {
            stream.name: stream.failure
            for stream in self.streams.values()
            if isinstance(stream, HuntingStream) and stream.failure
        }
        for name, error in failed.items():
            self.logger.error("Failed: stream %s: %s", name, error)
        return failed

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Parse the settings; the SDK's own check would print a secret of a wrong type."""
        self.append_builtin_config(self.config_jsonschema)
        try:
            self._settings = Settings.parse(dict(self.config), schema=self.config_jsonschema)
        except ConfigValidationError as error:
            if raise_errors:
                raise
            return list(error.errors)
        return []

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End as a process that was asked to: no cut line, and a status that says so."""
        self._signals.handle(signum, frame)

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """Make a stream of each query, with the schema that the catalog or the service gives."""
        if self._settings is None:  # `--discover` starts without settings that are right
            return []
        if self._settings.connection.dialect is DEFENDER:
            self.logger.warning(
                "The Defender API returns no data from %s on; set api to graph", DEFENDER_ENDS
            )
        maker = _StreamMaker(self, self._settings, self._client(self._settings), self._clock())
        streams = []
        for query in self._settings.queries:
            try:
                streams.append(maker.stream(query))
            except AuthenticationError:
                raise  # it holds for every query
            except SingerSDKError as error:
                self.logger.error("Stream %s fails: %s", query.name, error)  # noqa: TRY400 - a verdict
                self._failures[query.name] = error
        return streams

    def _client(self, settings: Settings) -> Client:
        return Client(
            settings.connection,
            settings.rations,
            ClientSecret(settings.connection),
            clock=self._clock,
            sleep=self._sleep,
        )


class _StreamMaker:
    """Makes a stream of a query: its columns from the catalog, or by asking for them alone."""

    def __init__(self, tap: TapM365Hunting, settings: Settings, client: Client, now: float) -> None:
        self._tap = tap
        self._settings = settings
        self._client = client
        self._now = Instant.of(datetime.fromtimestamp(now, tz=UTC))

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
        with self.call(kql.probe(query.query)) as answer:
            shape = shape_of(query, self._settings.reading, answer.columns)
        verdict = query.assess([(column.name, column.type) for column in shape.columns])
        _check(verdict, shape)
        cursor = shape.names[verdict.cursor] if verdict.cursor else None
        return self._stream(query, verdict, shape.json_schema(), shape.key_properties, cursor)

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
            call=self.call,
            now=self._now,
        )
        stream.primary_keys = key
        if verdict.mode is kql.Mode.INCREMENTAL:
            stream.replication_key = cursor
        return stream

    def call(self, text: str) -> Answer:
        """Spend a call on a query."""
        dialect = self._settings.connection.dialect
        return self._client.run(text, read=lambda body: read_answer(body, dialect))


def _check(verdict: kql.Verdict, shape: Shape) -> None:
    """Hold the settings against the columns that the service has for the query.

    Raises:
        ConfigValidationError: a key or the cursor is not in the result, or windows do not fit it.
    """
    wrong = [problem.message for problem in verdict.problems if problem.severity == "error"]
    wrong += [f"primary_keys: the result has no column {name}" for name in shape.missing_keys]
    if wrong:
        raise ConfigValidationError("; ".join(wrong), errors=wrong, schema={})
