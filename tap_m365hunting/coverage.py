"""The stream `hunting_windows`: a record for each window, for the proof of completeness."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

from msgspec.structs import asdict
from singer_sdk import Stream, Tap, metrics
from singer_sdk import typing as th
from singer_sdk.helpers import types
from typing_extensions import override

from tap_m365hunting.configuration.queries import COVERAGE_STREAM
from tap_m365hunting.reporting.reports import WindowReport

_TEXT: Final = th.StringType
_COUNT: Final = th.IntegerType
_SECONDS: Final = th.NumberType
_INSTANT: Final = th.DateTimeType

_KEY: Final = ("run_id", "stream", "tenant_id", "window_start", "window_end")


class CoverageStream(Stream):
    """The outcome of each window, or the reason for a gap; written before the state of the window.

    Off unless selected. Records come between those of other streams, since a killed run must leave
    the coverage of its finished windows.
    """

    name = COVERAGE_STREAM
    selected_by_default = False
    primary_keys: ClassVar = _KEY
    schema: ClassVar = th.PropertiesList(
        th.Property("run_id", _TEXT, required=True, description="The run that read the window"),
        th.Property("stream", _TEXT, required=True),
        th.Property("tenant_id", _TEXT, required=True),
        th.Property("window_start", _INSTANT, required=True, description="Is in the window"),
        th.Property("window_end", _INSTANT, required=True, description="Is not in the window"),
        th.Property(
            "status", _TEXT, description="complete, changed, gap_retention or gap_unreadable"
        ),
        th.Property("rows", _COUNT, description="Rows received"),
        th.Property("expected_rows", _COUNT, description="Rows counted by the service, if asked"),
        th.Property("late_rows", _COUNT, description="Rows that came late, where that is known"),
        th.Property("calls", _COUNT, description="Calls spent on it"),
        th.Property("splits", _COUNT, description="How often it was narrowed"),
        th.Property("retries", _COUNT, description="Calls repeated after a failure"),
        th.Property("wait_seconds", _SECONDS, description="Time waited for quotas and retries"),
        th.Property("seconds", _SECONDS, description="Time from the window before to this one"),
        th.Property("message", _TEXT, description="Why there is a gap, or how the rows changed"),
        th.Property("finished_at", _INSTANT),
    ).to_dict()

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Say no: the windows of earlier runs stay beside the windows of the present run."""
        return False

    def __init__(self, tap: Tap, *, run_id: str, at_end: Callable[[], None]) -> None:
        super().__init__(tap)
        self._at_end = at_end
        self._run: Mapping[str, Any] = {"run_id": run_id}
        self._announced = False
        self._written = metrics.record_counter(self.name)

    def write(self, report: WindowReport) -> None:
        """Write the record of a window at once, if the stream is selected; not in a dry run."""
        if not self.selected or self.ABORT_AT_RECORD_COUNT is not None:
            return
        if not self._announced:
            self._announced = True
            self._write_schema_message()
        self._write_record_message({**self._run, **asdict(report)})
        self._written.increment()

    def finish(self) -> None:
        """Log how many records were written, once the other streams are done."""
        if self.selected:
            self._written.exit()

    @override
    def get_record_counter(
        self, *, endpoint: str | None = None, log_interval: float = metrics.DEFAULT_LOG_INTERVAL
    ) -> metrics.Counter:
        """Return a silent counter: the stream's turn comes amid the others'."""
        return _Silent(metrics.Metric.RECORD_COUNT, {}, log_interval)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Have the SDK write no batch, as the other streams."""

    @override
    def log_sync_costs(self) -> None:
        """Use the SDK's only call to a stream after the last record of a run."""
        self._at_end()
        super().log_sync_costs()

    @override
    def get_records(self, context: types.Context | None) -> Iterator[dict[str, Any]]:
        """Yield no record: every record is written with its window."""
        return iter(())


class _Silent(metrics.Counter):
    @override
    def exit(self) -> None:
        """Log no line."""
