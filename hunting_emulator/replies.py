"""Replies on the wire: status, headers, and a body in pieces, whole or broken on purpose."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Final

from hunting_emulator.effects import Effect
from hunting_emulator.questions import Request
from hunting_emulator.refusals import HTML, JSON_TYPES, Ids, Refusal, body, page
from hunting_emulator.responses import Answer, in_pieces
from hunting_emulator.settings import ApiName

_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


@dataclass(slots=True)
class Reply:
    """An answer; `rows` and `size`, before compression, are for the log."""

    status: int
    headers: dict[str, str]
    body: Iterable[bytes]
    rows: int = 0
    size: int = 0
    effect: Effect = field(default_factory=Effect)


def answered(given: Answer, request: Request, *, compression: bool | str) -> Reply:
    """Put a result on the wire, compressed as the client takes or in the one way that is set."""
    headers = {"Content-Type": JSON_TYPES[request.api], "Vary": "Accept-Encoding"}
    ways = _WINDOW_BITS if compression is True else [compression] if compression else []
    encoding = next((str(way) for way in ways if request.accepts(str(way))), None)
    pieces = in_pieces(given.pieces)
    if encoding is not None:
        headers["Content-Encoding"] = encoding
        pieces = _deflated(pieces, _WINDOW_BITS[encoding])
    return Reply(200, headers, pieces, rows=given.rows, size=given.size)


def refused(api: ApiName, refusal: Refusal, ids: Ids) -> Reply:
    """Put a refusal into the API's envelope, or, from the proxy in front, on its page."""
    if refusal.code:
        written, kind = body(api, refusal, ids), JSON_TYPES[api]
    else:
        written, kind = page(refusal.status, refusal.message), HTML
    headers = {"Content-Type": kind, **refusal.headers}
    return Reply(refusal.status, headers, (written,), size=len(written))


def scripted(effect: Effect) -> Reply:
    """Answer as a fault says."""
    size = len(effect.body)
    return Reply(effect.status or 200, dict(effect.headers), (effect.body,), size=size)


def broken(reply: Reply) -> Iterable[bytes]:
    """Return the reply's body with its effect: cut short, without an end, or in small pieces."""
    effect, pieces = reply.effect, reply.body
    if effect.share is not None:
        whole = b"".join(pieces)
        pieces = (whole[: int(len(whole) * effect.share)],)
    pieces = chain(pieces, repeat(effect.filler, effect.fillers))
    return pieces if effect.piece is None else in_pieces(pieces, effect.piece)


def _deflated(pieces: Iterable[bytes], window_bits: int) -> Iterator[bytes]:
    packer = zlib.compressobj(level=1, wbits=window_bits)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
