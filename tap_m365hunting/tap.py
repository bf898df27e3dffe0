"""The tap: settings in, streams out."""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, ClassVar
from uuid import uuid4

from singer_sdk import Stream, Tap
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from typing_extensions import override

from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.configuration.settings import SETTINGS
from tap_m365hunting.coverage import CoverageStream
from tap_m365hunting.discovery import Discovery
from tap_m365hunting.errors import AuthenticationError, SignInError
from tap_m365hunting.output import Signals, WholeLines
from tap_m365hunting.service import HuntingService
from tap_m365hunting.streams import HuntingStream
from tap_m365hunting.wire.dialects import DEFENDER, DEFENDER_ENDS


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
        TapCapabilities.ACTIVATE_VERSION,
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

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Declare what the SDK reads, and does not declare, too."""
        super().append_builtin_config(config_jsonschema)
        config_jsonschema["properties"]["emit_activate_version_messages"] = {
            "type": ["boolean", "null"],
            "default": False,
            "description": (
                "After a table was read whole, have loaders drop what earlier runs have loaded of "
                "it: a version on its records, and ACTIVATE_VERSION behind the last"
            ),
        }

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
        coverage = CoverageStream(
            self, run_id=uuid4().hex, tenant_id=self._settings.connection.tenant_id
        )
        service = HuntingService.connect(
            self._settings.connection,
            self._settings.rations,
            clock=self._clock,
            sleep=self._sleep,
        )
        discovery = Discovery(self, self._settings, service, report=coverage.write)
        streams: list[Stream] = [coverage]
        for query in self._settings.queries:
            try:
                streams.append(discovery.stream(query))
            except (AuthenticationError, SignInError):
                raise  # it holds for every query
            except SingerSDKError as error:
                self.logger.error("Stream %s fails: %s", query.name, error)  # noqa: TRY400 - a verdict
                self._failures[query.name] = error
        return streams


def main() -> None:
    """Run the command; what went wrong is a line for people, and a traceback for those who debug.

    The SDK lets errors of discovery through as tracebacks.
    """
    try:
        TapM365Hunting.cli()
    except SingerSDKError as error:
        TapM365Hunting.logger.error("%s", error)
        TapM365Hunting.logger.debug("Traceback", exc_info=True)
        sys.exit(1)
