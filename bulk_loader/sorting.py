"""Sorts the lines of a tap: rows to a slice per stream, the rest into the order that counts."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec

from bulk_loader.columns import Declaration, declared
from bulk_loader.complaints import of_message, of_record
from bulk_loader.errors import LoadError
from bulk_loader.exact_cells import ExactCells
from bulk_loader.lines import Run, runs, without_lone_surrogates
from bulk_loader.slices import Activation, Commit, Item, Slice, now

SLICE_BYTES: Final = 64 << 20
# a transaction of less is not worth its cost, unless it has waited
COMMIT_BYTES: Final = 32 << 20
_COMMIT_SECONDS: Final = 5.0
_MOST_OPEN: Final = 200
_SMALL: Final = 2 << 20


class _Message(msgspec.Struct):
    type: str
    stream: str | None = None
    value: msgspec.Raw = msgspec.Raw()
    version: int | None = None


_MESSAGE: Final = msgspec.json.Decoder(_Message)


class Sorter:
    """Puts out slices, declarations and activations in order, each transaction's end after them.

    A transaction ends at a STATE. States that follow soon are left out: the next one says more.
    """

    def __init__(
        self,
        folder: Path,
        put: Callable[[Item], None],
        *,
        clock: Callable[[], float] = monotonic,
        slice_bytes: int = SLICE_BYTES,
        commit_bytes: int = COMMIT_BYTES,
    ) -> None:
        self.line = 1
        self._put = put
        self._clock = clock
        self._most = slice_bytes
        self._enough = commit_bytes
        self._paths = (folder / f"{n}.ndjson" for n in count())
        self._declared: dict[str, Declaration] = {}
        self._exact: dict[str, ExactCells] = {}
        self._open: dict[str, Slice] = {}
        self._state: bytes | None = None
        self._cuttable = False
        self._settled = True
        self._bytes = 0
        self._since: float | None = None

    def add(self, block: bytes) -> None:
        """Sort whole lines.

        Raises:
            LoadError: a line is no message, or of a stream without SCHEMA.
        """
        if self.line == 1:
            block = block.removeprefix(BOM_UTF8)
        for run in runs(without_lone_surrogates(block)):
            if run.stream is None:
                self._one(run.text)
            else:
                self._rows(_name(run.stream), run)
            self.line += run.lines

    def settle(self) -> None:
        """End the transaction if nothing came since its last state; for when the tap pauses."""
        if self._state is not None and self._settled:
            self._commit()

    def end(self) -> None:
        """Put out all that there is, when the tap has ended."""
        self._commit()

    def fail(self) -> None:
        """Put out what came up to the last state and drop the rest, if none of that is out yet."""
        if not self._cuttable:
            for opened in self._open.values():
                opened.discard()
            return
        for opened in self._open.values():
            opened.cut()
        self._commit()

    def _one(self, text: bytes) -> None:
        """Take a line that is alone of its kind."""
        if not text.strip():
            return
        try:
            message = _MESSAGE.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            msg = f"Line {self.line} {of_message(text)}"
            raise LoadError(msg) from error
        if message.type == "RECORD":
            self._rows(self._stream_of(message), Run(None, text, 1))
        elif message.type == "SCHEMA":
            self._on_schema(self._stream_of(message), text)
        else:
            self._about_all(message)

    def _stream_of(self, message: _Message) -> str:
        if not message.stream:
            msg = f"Line {self.line} is a {message.type} without stream"
            raise LoadError(msg)
        return message.stream

    def _about_all(self, message: _Message) -> None:
        if message.type == "STATE":
            self._on_state(self._value_of(message))
        elif message.type == "ACTIVATE_VERSION":
            self._on_version(message)
        else:
            self._unknown(message.type)

    def _value_of(self, message: _Message) -> bytes:
        value = bytes(message.value)
        if not value:  # whoever reads the states would begin anew
            msg = f"Line {self.line} is a STATE without value"
            raise LoadError(msg)
        return value

    def _unknown(self, kind: str) -> None:
        ways = " Take BATCH out of the tap's settings." if kind == "BATCH" else ""
        msg = f"Line {self.line} is a message that this target does not take: {kind[:40]!r}.{ways}"
        raise LoadError(msg)

    def _on_schema(self, stream: str, text: bytes) -> None:
        try:
            declaration = declared(stream, json.loads(text))
        except RecursionError as error:
            msg = f"Line {self.line}, the SCHEMA of stream {stream!r}, is nested too deeply"
            raise LoadError(msg) from error
        if self._declared.get(stream) == declaration:
            return
        self._close(stream)
        self._put(declaration)
        self._declared[stream] = declaration
        self._exact[stream] = ExactCells(declaration)
        self._unsettle()

    def _on_version(self, message: _Message) -> None:
        if message.stream is None or message.version is None:
            msg = f"Line {self.line} is an ACTIVATE_VERSION without stream or version"
            raise LoadError(msg)
        self._close(message.stream)
        self._put(Activation(message.stream, message.version))
        self._unsettle()

    def _on_state(self, state: bytes) -> None:
        self._state, self._settled, self._cuttable = state, True, True
        waited = self._clock() - (self._since if self._since is not None else self._clock())
        if self._bytes >= self._enough or waited >= _COMMIT_SECONDS:
            self._commit()
            return
        for opened in self._open.values():
            opened.mark()

    def _rows(self, stream: str, run: Run) -> None:
        opened = self._open.get(stream) or self._opened(stream)
        text, exact = run.text, self._exact[stream]
        if exact.concerns(text):
            text = self._rewritten(exact, text)
        opened.add(text, rows=run.lines, line=self.line, longest=_longest(text))
        self._bytes += len(text)
        self._unsettle()
        if opened.size >= self._most:
            self._close(stream)

    def _rewritten(self, exact: ExactCells, text: bytes) -> bytes:
        lines = []
        for n, line in enumerate(text.split(b"\n")[: text.count(b"\n")]):
            try:
                lines.append(exact.rewritten(line))
            except (ValueError, RecursionError) as error:
                msg = f"Line {self.line + n} {of_record(line)}"
                raise LoadError(msg) from error
        return b"".join(lines)

    def _opened(self, stream: str) -> Slice:
        if stream not in self._declared:
            msg = f"Line {self.line} is a RECORD of stream {stream!r}, which has no SCHEMA yet"
            raise LoadError(msg)
        if len(self._open) >= _MOST_OPEN:
            self._close_all()
        opened = Slice(self._declared[stream], next(self._paths), now())
        self._open[stream] = opened
        return opened

    def _unsettle(self) -> None:
        self._settled = False
        if self._since is None:
            self._since = self._clock()

    def _close(self, stream: str) -> None:
        opened = self._open.pop(stream, None)
        if opened is not None:
            opened.close()
            self._cuttable = False
            self._put(opened)

    def _close_all(self) -> None:
        for stream in list(self._open):
            self._close(stream)

    def _commit(self) -> None:
        self._close_all()
        self._put(Commit(self._state))
        self._state, self._settled, self._bytes, self._since = None, True, 0, None


def _longest(text: bytes) -> int:
    """Return the size of the longest line; a bound of it where that is small enough."""
    return len(text) if len(text) <= _SMALL else max(map(len, text.split(b"\n")))


def _name(stream: bytes) -> str:
    return str(json.loads(b'"' + stream + b'"'))
