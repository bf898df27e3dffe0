"""Whether two different rows have one key: found in a sample of keys, in bounded room.

Pure. A loader keeps one row of a key. The sample is of keys and not of rows, so that all rows of a
key are in it or none; where it grows too large, half of the keys leave it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

#: So many keys are in the sample at most; each takes some 200 bytes.
MOST_KEYS: Final = 50_000


class KeySketch:
    """Compares the rows of each sampled key of one stream in one tenant."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._mask = 0
        self._rows = dict[int, bytes]()
        self._shared = set[int]()

    def add(self, keys: Iterable[Sequence[object]], rows: Iterable[bytes]) -> None:
        """Take rows, each with the values of its key columns and the digest of all its values."""
        known, mask = self._rows, self._mask
        for key, row in zip(keys, rows, strict=True):
            number = hash(repr(key))  # a key may hold what has no hash
            if not number & mask and known.setdefault(number, row) != row:
                self._shared.add(number)
        while len(self._rows) > self._most:
            self._halve()

    @property
    def shared(self) -> int:
        """About how many keys have rows that differ; exact while no key has left the sample."""
        return len(self._shared) * (self._mask + 1)

    def _halve(self) -> None:
        self._mask = 2 * self._mask + 1
        self._rows = {key: row for key, row in self._rows.items() if not key & self._mask}
        self._shared = {key for key in self._shared if not key & self._mask}

    @property
    def size(self) -> int:
        """How many keys are in the sample."""
        return len(self._rows)
