"""The outcome of a run: failures, and the last words about streams and windows."""

from collections.abc import Collection, Iterator, Sequence
from logging import Logger

from singer_sdk import Stream
from singer_sdk.exceptions import SingerSDKError

from tap_m365hunting.coverage import CoverageStream
from tap_m365hunting.output import Terminated
from tap_m365hunting.reporting.failures import Failure
from tap_m365hunting.reporting.summary import Summary
from tap_m365hunting.run_context import Run
from tap_m365hunting.streams import HuntingStream


class Outcome:
    """The outcome of a run, told in `log`; `summary` is given each finished window."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._undiscovered = list[Failure]()
        self.summary = Summary()

    def fail(self, error: SingerSDKError, stream: str) -> None:
        """Take note of a stream that cannot be read at all."""
        self._log.error("Stream %s fails: %s", stream, error)
        self._undiscovered.append(Failure(error, stream))

    def failures(self, streams: Collection[Stream], run: Run | None) -> Sequence[Failure]:
        """Return the streams and tenants not found, or not read whole."""
        return [*self._undiscovered, *(_failures_while_reading(streams, run) if run else ())]

    def interrupted(self, signalled: Terminated, streams: Collection[Stream]) -> None:
        """Log the signal, and the complete part of each stream."""
        signalled.told = True
        _finish_coverage(streams)
        self._log.warning("Interrupted by %s. %s", signalled.signal, self.summary)
        for line in self.summary.reached():
            self._log.info("%s", line)

    def conclude(self, streams: Collection[Stream], run: Run | None) -> Sequence[Failure]:
        """Return the failures; log them behind the sum, which a dry run has not, and the gaps."""
        _finish_coverage(streams)
        if self.summary.windows:
            self._log.info("%s", self.summary)
        warnings = (s.key_warning for s in streams if isinstance(s, HuntingStream))
        for told in (*self.summary.gaps(), *filter(None, warnings)):
            self._log.warning("%s", told)
        failures = self.failures(streams, run)
        for failure in failures:
            self._log.error("Failed: %s", failure)
        return failures


def _finish_coverage(streams: Collection[Stream]) -> None:
    for stream in streams:
        if isinstance(stream, CoverageStream):
            stream.finish()


def _failures_while_reading(streams: Collection[Stream], run: Run) -> Iterator[Failure]:
    """Yield the failures; a tenant without any answer is named once."""
    lost = {service.tenant_id: service.failure for service in run.services if service.failure}
    yield from (Failure(error, tenant_id=tenant_id) for tenant_id, error in lost.items())
    for stream in streams:
        if isinstance(stream, HuntingStream):
            for tenant_id, error in stream.failures.items():
                if tenant_id not in lost:
                    yield Failure(error, stream.name, tenant_id if run.partitioned else None)
