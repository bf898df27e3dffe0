"""JSON text: read whatever its faults, written without any.

Pure.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, overload

import msgspec
from typing_extensions import override

Json = Any
"""A JSON value as Python reads it; decimals are exact."""

ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODE: Final = msgspec.json.Decoder().decode
_SKIP: Final = msgspec.json.Decoder(msgspec.Raw).decode
# a pair of surrogates, or one of them; what begins with letters is found fastest
_SURROGATES: Final = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[c-fC-F][0-9a-fA-F]{2})"
)
# as long as what it takes the place of
_UNKNOWN: Final = rb"\ufffd"
# where msgspec found what is no JSON
_BYTE_AT: Final = re.compile(r"\(byte (\d+)\)")
_CONSTANT: Final = re.compile(rb"NaN|-?Infinity")
_MOST_FAULTS: Final = 64  # that are mended one by one, each by one more look at the text


def _exact(text: str) -> Decimal | float:
    try:
        return Decimal(text)
    except InvalidOperation:  # of an exponent that no decimal has
        return float(text)


def _integer(text: str) -> int | Decimal | float:
    try:
        return int(text)
    except ValueError:  # it has more digits than Python reads
        return _exact(text)


def _no_number(_: str) -> None:
    """JSON has no such number."""


_DECODE_EXACT: Final = msgspec.json.Decoder(float_hook=_exact).decode


class DepthError(ValueError):
    """JSON is nested too deep to be read."""


def whole_text(text: str) -> str:
    """Replace half surrogate pairs, which no UTF-8 can carry, by U+FFFD.

    >>> whole_text(chr(0xD800) + "x")
    '\ufffdx'
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(element) for element in value]
    if isinstance(value, dict):
        return {whole_text(key): _whole(cell) for key, cell in value.items()}
    return value


def parse(text: str | bytes, *, exact: bool = False) -> Json:
    """Read JSON, also with half surrogate pairs, broken UTF-8 or a bare NaN, which is null.

    With `exact`, numbers with a fraction are decimals; integers of thousands of digits always are.

    Raises:
        DepthError: the text is nested too deep.
        ValueError: the text is no JSON.
    """
    try:
        return (_DECODE_EXACT if exact else _DECODE)(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass  # the standard library is the arbiter: slower, and takes what some services write
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", "replace")
    try:
        read_fraction = _exact if exact else None
        return _whole(
            json.loads(
                text, parse_float=read_fraction, parse_int=_integer, parse_constant=_no_number
            )
        )
    except RecursionError as error:
        msg = "JSON is nested too deep"
        raise DepthError(msg) from error


def compact(value: Json) -> str:
    """Return the JSON text of a value, without a space."""
    return ENCODER.encode(value).decode()


def compact_all(cells: list[Json]) -> list[str | None]:
    """Return the JSON text of each cell, without a space; null stays null.

    >>> compact_all([{"a": [1, None]}, None, "b"])
    ['{"a":[1,null]}', None, '"b"']
    """
    texts = ENCODER.encode_lines(cells).decode().split("\n")
    return [None if cell is None else text for cell, text in zip(cells, texts, strict=False)]


def half_escapes(text: bytes | memoryview) -> list[int]:
    r"""Return where a text has escapes of half surrogate pairs.

    An escape that only looks like one, behind a backslash of its own, is none.

    >>> half_escapes(rb'"\ud800x \ud83d\ude00 \\ud800"')
    [1]
    """
    return [at for found in _SURROGATES.finditer(text) for at in _half(found)]


def mend_escapes(text: bytearray | memoryview, places: Iterable[int]) -> None:
    """Replace the escapes at these places by that of U+FFFD, as `parse` reads them."""
    for at in places:
        text[at : at + len(_UNKNOWN)] = _UNKNOWN


def with_whole_escapes(text: bytes) -> bytes:
    r"""Replace escapes of half surrogate pairs by that of U+FFFD, as `parse` reads them.

    >>> with_whole_escapes(rb'"\ud800x \ud83d\ude00 \\ud800"')
    b'"\\ufffdx \\ud83d\\ude00 \\\\ud800"'
    """
    places = half_escapes(text)
    if not places:
        return text
    mended = bytearray(text)
    mend_escapes(mended, places)
    return bytes(mended)


def _half(found: "re.Match[bytes]") -> tuple[int, ...]:
    at = before = found.start()
    while before and found.string[before - 1 : before] == b"\\":
        before -= 1
    is_pair, is_text = found.end() - at > len(_UNKNOWN), (at - before) % 2 == 1
    if is_pair:  # of a first half that is text, the second half is alone
        return (at + len(_UNKNOWN),) if is_text else ()
    return () if is_text else (at,)


def with_whole_utf8(text: bytes) -> bytes:
    r"""Replace what is no UTF-8 by U+FFFD, as `parse` reads it.

    >>> with_whole_utf8(b'"a\xffb"')
    b'"a\xef\xbf\xbdb"'
    """
    for _ in range(_MOST_FAULTS):
        try:
            text.decode()
        except UnicodeDecodeError as error:
            text = b"%b\xef\xbf\xbd%b" % (text[: error.start], text[error.end :])
        else:
            return text
    return text.decode(errors="replace").encode()


def without_constants(text: bytes) -> bytes:
    """Replace numbers that JSON does not have by null, as `parse` reads them.

    >>> without_constants(b'[{"a":NaN,"b":"NaN","c":-Infinity}]')
    b'[{"a":null,"b":"NaN","c":null}]'
    """
    for _ in range(_MOST_FAULTS):
        found = _constant(text)
        if found is None:
            break
        text = b"%bnull%b" % (text[: found.start()], text[found.end() :])
    return text


def _constant(text: bytes) -> "re.Match[bytes] | None":
    """Return the first number that JSON does not have, outside of texts."""
    try:
        _SKIP(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        byte = _BYTE_AT.search(str(error))
        at = int(byte[1]) if byte else 0
        return _CONSTANT.match(text, at - (text[at - 1 : at] == b"-")) if at else None
    return None


#: Menders of faults that `parse` overlooks, the most frequent fault first.
MENDERS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    with_whole_escapes,
    with_whole_utf8,
    without_constants,
)


class Lines(Sequence[bytes]):
    r"""JSON texts as one text, a line each: many, at the price of one.

    >>> lines = Lines(b'{}\n{"a":1}\n[]\n', 3)
    >>> len(lines), lines[1], lines[1:].text
    (3, b'{"a":1}', b'{"a":1}\n[]\n')
    """

    def __init__(self, text: bytes, count: int) -> None:
        #: All of them, each with its line's end, which is nowhere else in them.
        self.text = text
        self._count = count

    @override
    def __len__(self) -> int:
        return self._count

    @override
    def __iter__(self) -> Iterator[bytes]:
        return iter(self.text.split(b"\n")[:-1])

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> "Lines": ...
    @override
    def __getitem__(self, at: int | slice) -> "bytes | Lines":
        lines = list(self)
        if isinstance(at, int):
            return lines[at]
        return Lines.of(lines[at])

    @classmethod
    def joined(cls, parts: Sequence["Lines"]) -> "Lines":
        """Put lines behind one another."""
        return cls(b"".join([part.text for part in parts]), sum(map(len, parts)))

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> "Lines":
        """Put texts without line ends together."""
        return cls(b"\n".join([*texts, b""]), len(texts))
