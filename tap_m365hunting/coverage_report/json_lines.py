"""Records of `hunting_windows` in lines of JSON: messages of the tap, or records of a loader.

Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Raw, Struct, ValidationError
from msgspec.json import Decoder

from tap_m365hunting.configuration.queries import COVERAGE_STREAM
from tap_m365hunting.coverage_report.window_records import UNKNOWN, WindowRecord, ticks_of
from tap_m365hunting.errors import UnusableInputError

#: A line without this name of a column is no record of a window.
_MARK: Final = b"window_start"
_MS: Final = 1000


class LoadedRecord(Struct, frozen=True, gc=False):
    """A record as in a file, with the columns of the report."""

    run_id: str
    stream: str
    tenant_id: str
    window_start: str
    window_end: str
    status: str | None = None
    rows: int | None = None
    late_rows: int | None = None
    calls: int | None = None
    retries: int | None = None
    wait_seconds: float | None = None
    message: str | None = None
    finished_at: str | None = None

    def window(self) -> WindowRecord:
        """Return the record with its times as numbers.

        Raises:
            ValueError: a time is no instant, or the window ends before its start.
        """
        return WindowRecord(
            self.run_id,
            self.stream,
            self.tenant_id,
            ticks_of(self.window_start),
            ticks_of(self.window_end),
            self.status or UNKNOWN,
            ticks_of(self.finished_at) if self.finished_at else 0,
            self.rows or 0,
            self.late_rows,
            self.calls or 0,
            self.retries or 0,
            round((self.wait_seconds or 0) * _MS),
            self.message,
        )


class _Message(Struct, frozen=True, gc=False):
    """A line of JSON: a Singer message if it has a `type`."""

    type: str | None = None
    stream: str | None = None
    record: Raw = Raw()


class _Written(Struct, frozen=True, gc=False, tag_field="type", tag="RECORD"):
    """A record as the tap writes it, read in one step."""

    stream: str
    record: LoadedRecord


_MESSAGES: Final = Decoder(_Message)
_WRITTEN: Final = Decoder(_Written)
_RECORDS: Final = Decoder(LoadedRecord)


def windows(lines: Iterable[bytes], *, source: str) -> Iterator[WindowRecord]:
    """Yield the windows of all lines; messages of other streams are passed over.

    Raises:
        UnusableInputError: a line is no JSON, or no record of `hunting_windows`.
    """
    for number, line in enumerate(lines, 1):
        if _MARK not in line:
            continue
        try:
            record = _record(line)
            if record is not None:
                yield record.window()
        except ValueError as error:
            reason = f"{source}, line {number}: no record of {COVERAGE_STREAM}: {error}"
            raise UnusableInputError([reason]) from error


def _record(line: bytes) -> LoadedRecord | None:
    if b'"type"' not in line:
        return _RECORDS.decode(line)
    try:
        written = _WRITTEN.decode(line)
        if written.stream == COVERAGE_STREAM:
            return written.record
    except ValidationError:
        pass  # told below, if the line is of this stream
    message = _MESSAGES.decode(line)
    if message.type is None:
        return _RECORDS.decode(line)
    if message.type != "RECORD" or message.stream != COVERAGE_STREAM:
        return None
    return _RECORDS.decode(message.record)
