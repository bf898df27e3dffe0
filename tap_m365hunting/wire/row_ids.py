"""Ids of rows: the same row has the same id on every read, and two equal rows have two.

Pure. An id hashes the row's values, as JSON under the columns' own names in alphabetical order,
without what is null, empty text or an empty bag. So neither the order of keys nor a new column that
is still empty changes it, nor does the dialect, or a setting, in which the row was read.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import msgspec

from tap_m365hunting.wire.values import Json

CANONICAL: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic")
# 128 bits: a collision among 10^12 rows has odds of about 1 in 10^15
_BYTES: Final = 16


def content(names: Iterable[str], cells: Iterable[Json]) -> bytes:
    """Return the bytes that say what is in a row.

    >>> content(["B", "A", "C", "D"], [False, {"y": 0, "x": []}, "", {}])
    b'{"A":{"x":[],"y":0},"B":false}'
    """
    return CANONICAL.encode(
        {
            name: cell
            for name, cell in zip(names, cells, strict=True)
            if cell is not None and cell not in ("", {})
        }
    )


class RowIds:
    """Gives ids to the rows of one window, or of one run where a run has no windows.

    `window_start` belongs in the id where rows have no time of their own but their window's: the
    same count is another row on another day.
    """

    def __init__(self, *, tenant_id: str | None = None, window_start: str | None = None) -> None:
        self._seed = blake2b(CANONICAL.encode([tenant_id, window_start]), digest_size=_BYTES)
        self._equal: dict[bytes, int] = {}
        self._instant: object = None

    def give(self, row: bytes, *, instant: object = None) -> str:
        """Return the id of the next row with this `content`.

        Where rows come in order of time, `instant` is the row's cursor: equal rows share it, so
        what was counted before it is forgotten. Without it nothing is.
        """
        if instant != self._instant:
            self._equal.clear()
            self._instant = instant
        hashed = self._seed.copy()
        hashed.update(row)
        digest = hashed.digest()
        ordinal = self._equal.get(digest, 0)
        self._equal[digest] = ordinal + 1
        if ordinal:
            hashed.update(b"#%d" % ordinal)
            digest = hashed.digest()
        return digest.hex()
