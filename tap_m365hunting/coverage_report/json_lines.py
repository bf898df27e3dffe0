"""Records of `hunting_windows` in lines of JSON: messages of the tap, or records of a loader.

Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from tap_m365hunting.configuration.queries import COVERAGE_STREAM
from tap_m365hunting.coverage_report.window_records import UNKNOWN, WindowRecord, ticks_of
from tap_m365hunting.errors import UnusableInputError
from tap_m365hunting.instants import Instant
from tap_m365hunting.wire.json_text import parse

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
        start, end = ticks_of(self.window_start), ticks_of(self.window_end)
        if start > end:
            msg = f"window_start {Instant(start)} is after window_end {Instant(end)}"
            raise ValueError(msg)
        return WindowRecord(
            self.run_id,
            self.stream,
            self.tenant_id,
            start,
            end,
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


class _Any(Struct, frozen=True, gc=False):
    """An object; its keys are checked to be JSON, and dropped."""


_ANY: Final = Decoder(_Any)
_MESSAGES: Final = Decoder(_Message)
_WRITTEN: Final = Decoder(_Written)
_RECORDS: Final = Decoder(LoadedRecord)


def windows(blocks: Iterable[bytes], *, source: str) -> Iterator[WindowRecord]:
    """Yield the windows of all lines; messages of other streams are passed over.

    A block is any number of whole lines.

    Raises:
        UnusableInputError: a line is no JSON, or no record of `hunting_windows`.
    """
    lines_before = 0
    for block in blocks:
        try:
            yield from _at_once(block)
        except (ValueError, MsgspecError):  # of another stream, or broken
            yield from _one_by_one(block, source, lines_before)
        lines_before += block.count(b"\n")


def _at_once(block: bytes) -> list[WindowRecord]:
    """Return the windows of lines that are all of one kind, which is quick."""
    if b'"type"' not in block:
        return [record.window() for record in _RECORDS.decode_lines(block)]
    written = _WRITTEN.decode_lines(block)
    return [line.record.window() for line in written if line.stream == COVERAGE_STREAM]


def _one_by_one(block: bytes, source: str, lines_before: int) -> Iterator[WindowRecord]:
    for number, line in enumerate(block.split(b"\n"), lines_before + 1):
        if _MARK not in line:
            if not _is_object(line):
                reason = f"{source}, line {number}: it is no JSON object, or is cut"
                raise UnusableInputError([reason])
            continue
        try:
            record = _record(line)
            if record is not None:
                yield record.window()
        except (ValueError, MsgspecError) as error:
            reason = f"{source}, line {number}: no record of {COVERAGE_STREAM}: {error}"
            raise UnusableInputError([reason]) from error


def _is_object(line: bytes) -> bool:
    """Whether a line holds an object, whoever wrote it; an empty one holds nothing."""
    try:
        return not line.strip() or isinstance(_ANY.decode(line), _Any)
    except MsgspecError:
        return _is_lenient_object(line)


def _is_lenient_object(line: bytes) -> bool:
    try:
        return isinstance(parse(line), dict)
    except ValueError:
        return False


def _record(line: bytes) -> LoadedRecord | None:
    if b'"type"' not in line:
        return _RECORDS.decode(line)
    message = _MESSAGES.decode(line)
    if message.type is None:
        return _RECORDS.decode(line)
    if message.type != "RECORD" or message.stream != COVERAGE_STREAM:
        return None
    return _RECORDS.decode(message.record)
