"""BATCH lines instead of RECORD lines: rows in files, and the names of the files.

The records are those that lines would hold, after selection and stream maps, since they are taken
where lines are written. The SDK's own batches pass both by.
"""

import logging
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from uuid import uuid4

from singer_sdk.singerlib import Message, RecordMessage
from singer_sdk.singerlib.json import serialize_json
from typing_extensions import override

from tap_m365hunting.configuration.batch_settings import BatchSettings
from tap_m365hunting.output import Signals, WholeLines, texts_of, write
from tap_m365hunting.wire.json_text import ENCODER

_LOG: Final = logging.getLogger(__name__)
_GZIP: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 1  # a quarter larger than by zlib's usual level 6, at half of the processor time
_NO_CELL: Final = re.compile(rb"^\{,", re.MULTILINE)  # a version in a record without a cell
#: The column of a row's version in loaders; of lines the message has the version.
VERSION: Final = "_sdc_table_version"


class BatchLostError(SystemExit):
    """A file cannot be written; the process ends, before a state that counts on its rows."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(1)
        _LOG.error("No batch can be written in %s: %s", folder, error.strerror)


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _packer() -> _Packer:
    """Return a compressor to gzip: that of the extra `isal` where it is installed."""
    try:
        from isal import isal_zlib  # noqa: PLC0415 - an extra
    except ImportError:
        return zlib.compressobj(_LEVEL, wbits=_GZIP)
    return isal_zlib.compressobj(_LEVEL, wbits=_GZIP)


class _Batch:
    """A file being written; it has its name once it is whole."""

    def __init__(self, settings: BatchSettings, name: str) -> None:
        settings.folder.mkdir(parents=True, exist_ok=True)
        self._path = settings.folder.resolve() / name
        self._part = self._path.with_name(f".{name}.part")
        # rows of a security product are not for everybody on the machine
        self._file: BinaryIO = os.fdopen(
            os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        )
        self._packer = _packer() if settings.compressed else None
        self.rows = 0

    def add(self, lines: bytes, rows: int) -> None:
        """Write rows, each a line."""
        self._file.write(self._packer.compress(lines) if self._packer else lines)
        self.rows += rows

    def drop(self) -> None:
        """Leave no file."""
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def close(self) -> str:
        """Give the file its name; return its URL, which has the path as it is.

        The SDK's targets take a URL's path for that of the file, `%20` and all.
        """
        with self._file as file:
            if self._packer:
                file.write(self._packer.flush())
            file.flush()
            os.fsync(file.fileno())
        self._part.rename(self._path)
        return f"file://{self._path}"


class BatchedLines(WholeLines):
    """Writes records into files, and a BATCH line for each file.

    A file is whole, and its line written, before any line that its rows come before: a state, a
    schema of its stream, the end of its version.
    """

    def __init__(self, signals: Signals, settings: BatchSettings) -> None:
        super().__init__(signals)
        self._settings = settings
        self._run = uuid4().hex
        self._files = 0
        self._open = dict[str, _Batch]()

    @override
    def write_message(self, message: Message) -> None:
        with self._signals.held(), self._lost_on_error():
            if isinstance(message, RecordMessage):
                self._add(message)
                return
            self._finish(getattr(message, "stream", None))
            super().write_message(message)

    @override
    def finish(self) -> None:
        with self._signals.held(), self._lost_on_error():
            self._finish(None)

    @contextmanager
    def _lost_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            for batch in self._open.values():
                batch.drop()
            self._open.clear()
            raise BatchLostError(self._settings.folder, error) from error

    def _add(self, message: RecordMessage) -> None:
        for lines, rows in _portions(_lines(message), self._settings.rows, self._room(message)):
            if message.stream not in self._open:
                self._open[message.stream] = self._begun(message.stream)
            self._open[message.stream].add(lines, rows)
            self.written += len(lines)
            if not self._room(message):
                self._close(message.stream)

    def _room(self, message: RecordMessage) -> int:
        batch = self._open.get(message.stream)
        return self._settings.rows - (batch.rows if batch else 0)

    def _begun(self, stream: str) -> _Batch:
        self._files += 1
        ending = "jsonl.gz" if self._settings.compressed else "jsonl"
        name = f"{self._settings.prefix}{stream}--{self._run}-{self._files}.{ending}"
        return _Batch(self._settings, name)

    def _finish(self, stream: str | None) -> None:
        """Finish the file of a stream, or of all."""
        for name in list(self._open):
            if stream in {None, name}:
                self._close(name)

    def _close(self, stream: str) -> None:
        url = self._open[stream].close()
        del self._open[stream]
        compression = "gzip" if self._settings.compressed else "none"
        line = {
            "type": "BATCH",
            "stream": stream,
            "encoding": {"format": "jsonl", "compression": compression},
            "manifest": [url],
        }
        write(ENCODER.encode_lines([line]))


def _lines(message: RecordMessage) -> bytes:
    """Return the lines of a message's records, which stand for their version themselves."""
    lines = texts_of(message.record)
    if lines is None:
        lines = f"{serialize_json(message.record)}\n".encode()
    if message.version is None:
        return lines
    version = b',"%b":%d}\n' % (VERSION.encode(), message.version)
    return _NO_CELL.sub(b"{", lines.replace(b"}\n", version))


def _portions(lines: bytes, most: int, room: int) -> Iterator[tuple[bytes, int]]:
    """Yield lines and their number: at first so many as there is room for, then `most`."""
    rows = lines.count(b"\n")
    if rows <= room:
        yield lines, rows
        return
    each = lines.splitlines(keepends=True)
    while each:
        yield b"".join(each[:room]), len(each[:room])
        each, room = each[room:], most
