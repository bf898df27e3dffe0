"""The tap: settings in, streams out."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Final
from uuid import uuid4

import click
from singer_sdk import Stream, Tap
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_m365hunting.batches import BatchedLines
from tap_m365hunting.configuration.cautions import cautions
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.configuration.settings import SETTINGS
from tap_m365hunting.coverage import CoverageStream
from tap_m365hunting.discovery import Discovery
from tap_m365hunting.errors import TENANT_ERRORS, FatalSyncError
from tap_m365hunting.inputs import (
    ENV,
    InputFile,
    settings_of,
    settings_of_variables,
    state_and_catalog,
)
from tap_m365hunting.instants import Instant
from tap_m365hunting.mapping import register_streams
from tap_m365hunting.outcome import Outcome
from tap_m365hunting.output import Signals, Terminated, WholeLines, write
from tap_m365hunting.planning.state import folded
from tap_m365hunting.reporting.failures import Failure
from tap_m365hunting.reporting.outcome_file import OutcomeFile
from tap_m365hunting.reporting.progress import progress_on
from tap_m365hunting.reporting.reports import WindowReport
from tap_m365hunting.run_context import Run
from tap_m365hunting.sdk_stream import CAPABILITIES, VERSIONS
from tap_m365hunting.service.tenant_service import tenant_services
from tap_m365hunting.state_writer import WorthwhileStateWriter
from tap_m365hunting.streams import HuntingStream
from tap_m365hunting.sync.partition_sync import PartitionSync
from tap_m365hunting.sync.prefetch import Prefetch
from tap_m365hunting.sync.resolved_query import begin_of, check_bounds
from tap_m365hunting.wire.dialects import DEFENDER, DEFENDER_ENDS

# Of the SDK's own numbers, which the SDK bounds nowhere: levels of objects, characters of a name
_MOST_FLATTENED: Final = {"flattening_max_depth": 100, "flattening_max_key_length": 10_000}


class TapM365Hunting(Tap):
    """Microsoft 365 Defender advanced hunting: each configured KQL query is a stream."""

    name = "tap-m365hunting"
    config_jsonschema: ClassVar = SETTINGS
    # streams come from the settings, so a catalog cannot be made from wrong ones
    dynamic_catalog = True
    capabilities: ClassVar = CAPABILITIES

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 (the SDK's own)
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        outcome_file: Callable[[Path], OutcomeFile] | None = None,
        **options: Any,  # noqa: ANN401 (the SDK's own)
    ) -> None:
        self._signals = Signals()
        self._clock = clock
        self._timer = timer
        self._sleep = sleep
        self._new_outcome_file = outcome_file
        self._outcome_file: OutcomeFile | None = None
        self._settings: Settings | None = None
        self._run: Run | None = None
        self._outcome = Outcome(self.logger)
        options.setdefault("message_writer", WholeLines(self._signals))
        super().__init__(*args, **options)
        self._take_batches()
        self._state_writer = self._states = WorthwhileStateWriter(self.message_writer)

    @classmethod
    @override
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **files: Any) -> None:
        """Sync as the SDK does, and end with status 1 if a stream failed."""
        super(Tap, cls).invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        state, catalog = state_and_catalog(files.get("state"), files.get("catalog"))
        tap = cls(
            **cls._settings_given(files),
            state=state,
            catalog=catalog,
            outcome_file=OutcomeFile,
        )
        try:
            tap.wait_for_end()
            tap.sync_all()
        except (SingerSDKError, Terminated) as error:
            tap.flush_state()
            if isinstance(error, Terminated):
                tap._outcome.interrupted(error, tap.streams.values())
            raise
        failures = tap.conclude()
        if tap._outcome_file and tap._run:
            tap._outcome_file.end([service.tenant_id for service in tap._run.services], failures)
        if failures:
            sys.exit(1)

    def _take_batches(self) -> None:
        if self._settings and self._settings.batches:
            self.message_writer = BatchedLines(self._signals, self._settings.batches)

    def flush_state(self) -> None:
        """Write the last STATE of a run, unless already written, and all rows before."""
        if isinstance(self.message_writer, WholeLines):
            self.message_writer.finish()
        self._states.flush(self.state)

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the command; files are opened without their names shown, if they may be none."""
        command = super().get_singer_command()
        for option in command.params:
            if isinstance(option.type, click.File):
                option.type = InputFile()
        return command

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the settings in files."""
        return _ConfigInput(settings_of(value), parse_env=ENV in value)

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        """Write the catalog; end with status 1 if a missing stream should stop the run.

        Else a run with the catalog reads the others, and names the missing streams.
        """
        if value:
            tap = cls(**cls._settings_given(ctx.params), setup_mapper=False)
            write(f"{tap.catalog_json_text}\n".encode())
            stops = tap.config.get("on_stream_error") == "stop"
            found = any(isinstance(stream, HuntingStream) for stream in tap.streams.values())
            ctx.exit(1 if tap.failures and (stops or not found) else 0)

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Write a record of each stream, or its schema; end with status 1 after a failure."""
        if value == CliTestOptionValue.Disabled.value:
            return
        tap = cls(**cls._settings_given(ctx.params))
        if value == CliTestOptionValue.Schema.value:
            for stream in tap.streams.values():
                if stream.selected:
                    stream._write_schema_message()  # noqa: SLF001 - as the SDK's own loop does
        else:
            tap.run_connection_test()
        ctx.exit(1 if tap.conclude() else 0)

    @classmethod
    def _settings_given(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        given: _ConfigInput = options.get("config") or _ConfigInput()
        return {"config": given.config, "parse_env_config": given.parse_env}

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805 - of the class
        """Return the settings in the environment."""
        cls.append_builtin_config(cls.config_jsonschema)
        return settings_of_variables(cls.config_jsonschema)

    @override
    def setup_mapper(self) -> None:
        """Set up the stream maps; a deselected stream breaks no map."""
        super(Tap, self).setup_mapper()
        register_streams(self.mapper, self.catalog)

    def conclude(self) -> Sequence[Failure]:
        """Log the last words of a run; return the failures."""
        return self._outcome.conclude(self.streams.values(), self._run)

    @property
    def failures(self) -> Sequence[Failure]:
        """Streams and tenants not found, or not read whole."""
        return self._outcome.failures(self.streams.values(), self._run)

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Declare the settings read but not declared by the SDK, too."""
        super().append_builtin_config(config_jsonschema)
        properties = config_jsonschema["properties"]
        properties["emit_activate_version_messages"] = VERSIONS
        for name, most in _MOST_FLATTENED.items():
            properties[name].update(minimum=1, maximum=most)

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
        """End on request: no cut line, and a status for the signal."""
        self._signals.handle(signum, frame)

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take the given state; a tenant is the same in any spelling."""
        super().load_state(folded(state))

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """Make a stream of each query, with the schema of the catalog or the service."""
        if self._settings is None:  # `--discover` starts without settings that are right
            return []
        self._begin(self._settings)
        check_bounds(self._settings, now=self._clock())
        coverage = CoverageStream(self, run_id=uuid4().hex, at_end=self.flush_state)
        self._run = self._new_run(self._settings, coverage.write)
        discovery = Discovery(self, self._run, self._settings.queries)
        streams: list[Stream] = [coverage]
        for name, reason in self._settings.refused_rules.items():
            self._outcome.fail(FatalSyncError(reason), name)
        for query in self._settings.queries:
            try:
                streams.append(discovery.stream(query))
            except TENANT_ERRORS:
                raise  # it holds for every query
            except SingerSDKError as error:
                self._outcome.fail(error, query.name)
        self._run.prefetch.expect(self._partition_syncs(self._run))
        return streams

    def wait_for_end(self) -> None:
        """Sleep until the end of a backfill is settled, where the settings say so."""
        if self._settings:
            now = Instant.of_seconds(self._clock())
            if seconds := begin_of(self._settings, now=now).seconds_since(now):
                self.logger.info("Waiting %.0f s, until rows before end_date are settled", seconds)
                self._sleep(seconds)

    def _begin(self, settings: Settings) -> None:
        """Begin the outcome of a run, and log the cautions once, before the start."""
        if self._new_outcome_file and settings.outcome_file:
            self._outcome_file = self._new_outcome_file(settings.outcome_file)
        if settings.connection.dialect is DEFENDER:
            self.logger.warning(
                "The Defender API returns no data from %s on; set api to graph", DEFENDER_ENDS
            )
        for caution in (*cautions(self.config), *settings.cautions):
            self.logger.warning("%s", caution)

    def _new_run(self, settings: Settings, cover: Callable[[WindowReport], None]) -> Run:
        progress = progress_on(sys.stderr, self._clock)

        def report(window: WindowReport) -> None:
            cover(window)
            self._outcome.summary.add(window)
            progress.finished(window)

        several = settings.parallel_tenants if settings.partitioned else 1
        return Run(
            settings.read_settings,
            tenant_services(settings, clock=self._clock, timer=self._timer, sleep=self._sleep),
            settings.partitioned,
            Prefetch(calls=settings.quotas.parallel_calls, tenants=several),
            report,
            progress,
            self.flush_state,
        )

    def _partition_syncs(self, run: Run) -> Iterator[PartitionSync]:
        """Yield the partitions in the SDK's order, once the selected streams are known."""
        for stream in self.streams.values():
            if isinstance(stream, HuntingStream) and stream.selected:
                yield from map(stream.partition_sync, run.services)
