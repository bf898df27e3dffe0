"""Singer lines to standard output, each whole, whenever a signal comes."""

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from errno import EBADF
from signal import Signals as SignalNames
from types import FrameType
from typing import Any, Final

from singer_sdk.singerlib import Message, RecordMessage
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

from tap_m365hunting.wire.json_text import ENCODER, Lines

_LOG: Final = logging.getLogger(__name__)
# A shell's exit status for a process that a signal ended.
_SIGNALLED: Final = 128
# Types that every encoder writes in the same way; a stream map may make other values.
_SIMPLE: Final = frozenset({str, int, float, bool, type(None), Decimal})


class Terminated(SystemExit):
    """The process was asked to end; the exit status is 128 plus the signal, as in a shell."""

    def __init__(self, signum: int) -> None:
        super().__init__(_SIGNALLED + signum)
        #: The signal's name, such as SIGINT.
        self.signal = SignalNames(signum).name
        self.told = False


class OutputLostError(SystemExit):
    """Nobody takes the output; the process ends, instead of stream after stream."""

    def __init__(self, error: OSError) -> None:
        super().__init__(1)
        _LOG.error(
            "Standard output takes no more (%s): did the program end that reads it, or is the disk "
            "full?",
            error.strerror,
        )
        # the rest of the buffer would be written when the process ends
        with suppress(OSError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Signals:
    """Ends the process when a signal comes, but never in the middle of a line."""

    def __init__(self) -> None:
        self._holding = False
        self._pending: int | None = None

    def handle(self, signum: int, _frame: FrameType | None = None) -> None:
        """Take a signal: leave now, or as soon as the held lines are written.

        Raises:
            Terminated: no line is held.
        """
        if self._holding:
            self._pending = signum
        else:
            raise Terminated(signum)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put off signals until the block is done."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._pending is not None:
            raise Terminated(self._pending)


class EncodedRecords(dict[str, Any]):
    """Stands in the SDK's loop for many records with their JSON texts ready."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines


class WholeLines(SimpleSingerWriter):
    """Writes each Singer message as a line, safe from signals.

    The SDK's own handler ends with status 0 and may write a STATE into the middle of a RECORD.
    """

    def __init__(self, signals: Signals) -> None:
        super().__init__()
        self._signals = signals
        #: Bytes of all lines so far.
        self.written = 0

    @override
    def write_message(self, message: Message) -> None:
        parts = _records(message) if isinstance(message, RecordMessage) else None
        if parts is None:
            parts = (f"{self.format_message(message)}\n".encode(),)
        with self._signals.held():
            write(*parts)
            self.written += sum(map(len, parts))

    def finish(self) -> None:
        """Write what is kept back: nothing here."""


def _records(message: RecordMessage) -> tuple[bytes | memoryview, ...] | None:
    """Return a RECORD line for each; `None` if the SDK has to encode a value.

    Lines come in parts, lest large texts be copied more often than needed.
    """
    texts = texts_of(message.record)
    if texts is None:
        return None
    at = message.time_extracted
    about = {"stream": message.stream, "version": message.version}
    about["time_extracted"] = at.isoformat() if at else None
    known = ENCODER.encode({key: value for key, value in about.items() if value is not None})
    head = b'{"type":"RECORD",%b,"record":' % known[1:-1]
    # behind the last line there is the head of one more
    lines = texts.replace(b"\n", b"}\n" + head)
    return head, memoryview(lines)[: -len(head)]


def texts_of(record: dict[str, Any]) -> bytes | None:
    """Return the JSON of a record, or of many, in lines; `None` if the SDK has to encode it."""
    if isinstance(record, EncodedRecords):
        return record.lines.text
    if not _SIMPLE.issuperset(map(type, record.values())):
        return None
    try:
        return ENCODER.encode_lines([record])
    except UnicodeEncodeError:  # half of a surrogate pair, which a stream map may have cut
        return None


def write(*parts: bytes | memoryview) -> None:
    """Write all parts to standard output.

    Raises:
        OutputLostError: standard output takes no more.
    """
    try:
        _write(parts)
    except OSError as error:
        raise OutputLostError(error) from error


def _write(parts: Iterable[bytes | memoryview]) -> None:
    """Write all parts past the text layer of standard output, if there is a layer below.

    A signal makes a write return early with a short count, unnoticed by the text layer.
    """
    if sys.stdout is None:
        raise OSError(EBADF, os.strerror(EBADF))
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(b"".join(parts).decode())
        return
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[binary.write(left) :]
    binary.flush()
