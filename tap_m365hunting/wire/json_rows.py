"""The places of rows in the bytes of a large answer, found without holding the answer.

Pure but for reading the given body. The body is read once in chunks; each chunk is cut between two
rows, and the part before the cut is checked to be whole rows. An answer in an unforeseen layout is
left to a reader of whole bodies.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct

from tap_m365hunting.wire.json_text import MENDERS, half_escapes, mend_escapes, parse

# Large enough that a chunk's cost is its bytes, small enough to stay in the processor's cache
CHUNK: Final = 256 * 1024
# Chunks without a cut that holds: a row larger than these, or a flaw that no cut heals
_LONGEST: Final = 16
# of more in a piece the places are not kept, and they are looked for again
_MOST_HALVES: Final = 64
_GUESSES: Final = 8
_CLOSING: Final = ord("]")
_FIRST_KEY: Final = re.compile(rb'\s*(\{\s*"[^"\\@]*)')


class _AnyRow(msgspec.Struct):
    """An object; its keys are checked to be JSON, and dropped."""


_OPENING: Final = re.compile(r"[\[,]\s*")
# as a float, a number may have any number of digits
_ROW_AT: Final = json.JSONDecoder(parse_int=float).raw_decode
_ROWS: Final = msgspec.json.Decoder(list[_AnyRow]).decode


class Piece(Struct, frozen=True, repr_omit_defaults=True):
    """Whole rows, with commas between: `rows` many, `size` bytes from `offset` on.

    At the places `halves` of the array are escapes of half surrogate pairs.
    """

    offset: int
    size: int
    rows: int
    halves: tuple[int, ...] = ()

    def read(self, body: BinaryIO) -> bytes:
        """Return the rows as a JSON array, without the halves."""
        body.seek(self.offset)
        if not self.halves:
            return b"[%b]" % body.read(self.size)
        array = bytearray(b"[%b]" % body.read(self.size))
        mend_escapes(array, self.halves)
        return bytes(array)


class Layout(Struct, frozen=True):
    """A body's outer object without its rows, and the places of the rows."""

    outer: dict[str, Any]
    pieces: tuple[Piece, ...]


class _Halves:
    """Escapes of half surrogate pairs: replaced where they are, and their places remembered."""

    def __init__(self) -> None:
        #: Whether the answer has had any; until then none is looked for.
        self.seen = False
        self._places: list[int] = []

    def mend(self, array: memoryview) -> bool:
        """Replace those in an array; say if there was one."""
        found = half_escapes(array)
        mend_escapes(array, found)
        self._places = sorted({*self._places, *found})
        self.seen |= bool(found)
        return bool(found)

    def taken(self, end: int) -> tuple[int, ...]:
        """Return the places before `end`, and count the others from there; none if too many."""
        at = bisect_left(self._places, end)
        before = self._places[:at]
        self._places = [place - end for place in self._places[at:]]
        return tuple(before) if at <= _MOST_HALVES else ()


def _count(buffer: bytearray, end: int, halves: _Halves) -> int | None:
    """Count the rows from the buffer's opening bracket to `end`; `None` for anything but rows.

    A closing bracket stands at the end meanwhile, to spare a copy.
    """
    after = buffer[end]
    buffer[end] = _CLOSING
    try:
        with memoryview(buffer) as view, view[: end + 1] as array:
            if halves.seen:
                halves.mend(array)
            return _count_array(array, halves)
    finally:
        buffer[end] = after


def _count_array(array: memoryview, halves: _Halves) -> int | None:
    try:
        return len(_ROWS(array))
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError):
        if not halves.seen and halves.mend(array):
            return _count_array(array, halves)
        return _count_odd(bytes(array))


def _count_odd(array: bytes) -> int | None:
    """Count rows for a lenient reader only: half surrogate pairs, a bare NaN."""
    for mend in MENDERS:
        whole = mend(array)
        if whole == array:
            continue
        try:
            return len(_ROWS(whole))
        except (msgspec.MsgspecError, RecursionError):
            array = whole  # there are faults of another kind, or none that has a name
    try:
        found = parse(array)
    except ValueError:
        return None
    return len(found) if all(isinstance(row, dict) for row in found) else None


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _head(chunk: bytes, results_key: str) -> int | None:
    """Return the start of the rows, if the chunk holds everything before."""
    opening = re.compile(rb'"%b"\s*:\s*\[' % results_key.encode(), re.IGNORECASE)
    for found in opening.finditer(chunk):
        # closed at once it must be an object, or the key was found inside of something else
        if _object(chunk[: found.end()] + b"]}") is not None:
            return found.end()
    return None


def _ends(buffer: bytearray) -> Iterator[int]:
    """Yield the ends of rows read in sequence: slow, but without a guess."""
    text, at = buffer.decode("latin-1"), 0  # a character for each byte
    while opening := _OPENING.match(text, at):
        try:
            _, at = _ROW_AT(text, opening.end())
        except (ValueError, RecursionError):
            return
        yield at


def _cut_for_sure(buffer: bytearray) -> int:
    return max((end - 1 for end in _ends(buffer) if buffer[end : end + 1] == b","), default=-1)


def _last_for_sure(buffer: bytearray) -> int:
    return buffer.find(b"]", max(_ends(buffer), default=0))


def _places(buffer: bytearray, mark: bytes, sure: Callable[[bytearray], int]) -> Iterator[int]:
    """Yield the places of a mark, the last first; of a mark too frequent, only the `sure` place.

    A mark is mostly right at once, and each wrong mark costs a look at everything before.
    """
    at = len(buffer)
    for _ in range(_GUESSES):
        at = buffer.rfind(mark, 0, at)
        if at < 0:
            return
        yield at
    if (at := sure(buffer)) >= 0:
        yield at


def _cut(buffer: bytearray, marker: bytes, halves: _Halves) -> tuple[int, int] | None:
    """Return the end and the number of whole rows, for the last valid cut."""
    for at in _places(buffer, marker, _cut_for_sure):
        rows = _count(buffer, at + 1, halves)
        if rows is not None:
            return at + 1, rows
    return None


def _last(buffer: bytearray, halves: _Halves) -> tuple[int, int, dict[str, Any]] | None:
    """Like `_cut` for the end of the rows; with the rest of the outer object behind."""
    for at in _places(buffer, b"]", _last_for_sure):
        rest = _object(b'{"":[%b' % bytes(buffer[at:]))
        rows = _count(buffer, at, halves) if rest is not None else None
        if rest is not None and rows is not None:
            return at, rows, rest
    return None


def _marker(buffer: bytes) -> bytes:
    """Return the bytes between two rows: a brace, a comma, any space, and the first key.

    The same bytes may stand inside a row too; then the part before is no whole row.
    """
    first = _FIRST_KEY.match(buffer)
    key = first[1] if first else b"{"
    between = re.search(rb"\},\s*" + re.escape(key), buffer)
    return between[0] if between else b"}," + key


class _Splitter:
    """Reads a body from the start of the rows."""

    def __init__(self, body: BinaryIO, buffer: bytes, offset: int, chunk: int) -> None:
        self._marker = _marker(buffer)
        self._chunk = chunk
        self._body = body
        # an opening bracket, then rows; `offset` is of what follows the bracket
        self._buffer = bytearray(b"[%b" % buffer)
        self._offset = offset
        self._halves = _Halves()
        self.rest: dict[str, Any] | None = None

    def pieces(self) -> Iterator[Piece]:
        """Yield pieces; `rest` is set only for a body whole to the last byte."""
        while len(self._buffer) <= _LONGEST * self._chunk:
            # as much again as there is, so that a large row is not read again for each chunk of it
            chunk = self._body.read(max(self._chunk, len(self._buffer)))
            if not chunk:
                break
            self._buffer += chunk
            found = _cut(self._buffer, self._marker, self._halves)
            if found is not None:
                yield self._piece(*found)
                self._take(found[0])
        yield from self._end()

    def _end(self) -> Iterator[Piece]:
        if self._body.read(1):  # given up before the end
            return
        found = _last(self._buffer, self._halves)
        if found is not None:
            end, rows, self.rest = found
            yield self._piece(end, rows)

    def _piece(self, end: int, rows: int) -> Piece:
        return Piece(self._offset, end - 1, rows, self._halves.taken(end))

    def _take(self, end: int) -> None:
        del self._buffer[1 : end + 1]  # with the comma
        self._offset += end


def split(body: BinaryIO, results_key: str, *, chunk: int = CHUNK) -> Layout | None:
    """Find the rows; `None` for a body not whole, or in another layout.

    >>> from io import BytesIO
    >>> split(BytesIO(b'{"results":[{"A":1},{"A":2}],"B":3}'), "results")
    Layout(outer={'results': [], 'B': 3}, pieces=(Piece(offset=12, size=15, rows=2),))

    Raises:
        ValueError: there are rows twice, and no sign of the right ones.
    """
    body.seek(0)
    opening = body.read(chunk)
    start = _head(opening, results_key)
    if start is None:
        return None
    splitter = _Splitter(body, opening[start:], start, chunk)
    pieces = tuple(piece for piece in splitter.pieces() if piece.rows)
    if splitter.rest is None:
        return None
    if any(key.lower() == results_key for key in splitter.rest):
        msg = f"it holds {results_key} twice"
        raise ValueError(msg)
    head = _object(opening[:start] + b"]}") or {}
    return Layout({**head, **{k: v for k, v in splitter.rest.items() if k}}, pieces)
