"""Ids of rows: the same row has the same id on every read, and two equal rows have two.

Pure. An id hashes the row's values, as JSON under the columns' own names in alphabetical order,
without nulls, empty texts and empty bags. So an id is the same whatever the order of keys, with a
new column still empty, in any dialect and under any setting, and with any declared type.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import sha256
from heapq import merge
from typing import Final, cast

import msgspec

from tap_m365hunting.wire.id_values import id_value
from tap_m365hunting.wire.json_text import Json

# without a space; decimals are text in it, with all their digits
CANONICAL: Final = msgspec.json.Encoder(order="deterministic")
# 128 bits: a collision among 10^12 rows has odds of about 1 in 10^15, and cannot be contrived
_DIGITS: Final = 32
# of a digest, to compare with: as many bytes as an id shows
_KEPT: Final = _DIGITS // 2


class EarlierParts:
    """The rows of those hash parts of a window that have come, to be known again in the next.

    Rows that are equal to the tap may be in different parts, since the service hashes more than
    makes an id: the order of keys, a column that is left out, a number that JSON does not have.
    As many bytes are kept of each as an id has, in sorted runs.
    """

    def __init__(self) -> None:
        self._now = list[bytes]()
        self._earlier = list[bytes]()

    def next_part(self) -> None:
        """Count the rows added so far as earlier from here on."""
        now, self._now = b"".join(sorted(self._now)), []
        while self._earlier and len(self._earlier[-1]) <= len(now):  # so that they stay few
            now = b"".join(merge(_rows(self._earlier.pop()), _rows(now)))
        self._earlier.append(now)

    def add(self, digests: Iterable[bytes]) -> None:
        """Take note of rows."""
        self._now += [digest[:_KEPT] for digest in digests]

    def count(self, digest: bytes) -> int:
        """Return how many rows of earlier parts have this digest."""
        return sum(_count(run, digest[:_KEPT]) for run in self._earlier)

    def knows_any(self, digests: Iterable[bytes]) -> bool:
        """Say if a row of earlier parts has one of these digests."""
        return any(self.count(digest) for digest in digests)


def _rows(run: bytes) -> Iterator[bytes]:
    return (run[at : at + _KEPT] for at in range(0, len(run), _KEPT))


def _count(run: bytes, row: bytes) -> int:
    def key(number: int) -> bytes:
        return run[number * _KEPT : (number + 1) * _KEPT]

    numbers = range(len(run) // _KEPT)
    first = bisect_left(numbers, row, key=key)
    return bisect_right(numbers, row, lo=first, key=key) - first


class RowIds:
    """Gives ids to the rows of one window, or of one run where a run has no windows.

    `window_start` belongs in the id where rows have no time of their own but their window's: the
    same count is another row on another day. `earlier` knows of the window's parts before this.
    With `by_type`, a value counts as its column's type writes it, as in version 0.1. With `by` only
    the values of these columns count: with others it is the same row anew.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        window_start: str | None = None,
        earlier: EarlierParts | None = None,
        by_type: bool = False,
        by: Collection[str] | None = None,
    ) -> None:
        self.by_type = by_type
        #: The nameless first part of every row's content.
        self.seed = CANONICAL.encode([tenant_id, window_start]).decode()
        self._equal = Counter[bytes]()
        self._instant: str | None = None
        self._earlier = earlier
        self.by = by

    def content(self, names: Iterable[str | None], cells: Iterable[Json]) -> bytes:
        """Return the bytes that say which row it is; a cell without a name does not count.

        >>> RowIds().content(["B", "A", "C", "D"], [False, {"y": 0, "x": []}, "", {}])
        b'{"":"[null,null]","A":{"x":[],"y":0},"B":false}'
        """
        value_of = _by_type if self.by_type else id_value
        told = {
            name: value
            for name, cell in zip(names, cells, strict=True)
            if name is not None and (value := value_of(cell)) is not None
            if self.by is None or name in self.by
        }
        # a service whose columns may have no name would be the first
        first = [self.seed, told[""]] if "" in told else self.seed
        return CANONICAL.encode({**told, "": first})

    def give(self, row: bytes, *, instant: str | None = None) -> str:
        """Return the id of the next row with the `content`.

        Where rows come in order of time, `instant` is the row's cursor: equal rows share an
        instant, so earlier counts are forgotten. Without an instant no count is.
        """
        return self._numbered(sha256(row).digest(), instant if self.by is None else None)

    def give_all(self, digests: Sequence[bytes], instants: Sequence[str | None] = ()) -> list[str]:
        """Return the ids of the next rows, whose `content` has these SHA-256 digests.

        The ids are those that `give` would return, one after another.
        """
        if not in_order(instants):
            return list(map(self._numbered, digests, instants))
        if instants and instants[0] != self._instant:
            self._equal.clear()
        text = b"".join(digests).hex()
        ids = [text[at : at + _DIGITS] for at in range(0, len(text), 2 * _DIGITS)]
        if repeated := self._repeated(digests):
            self._number(ids, digests, repeated)
        self._remember(digests, instants)
        if self._earlier:
            self._earlier.add(digests)
        return ids

    def _repeated(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return those that are there more than once, or were there before."""
        distinct = set(digests)
        if self._earlier and self._earlier.knows_any(digests):
            return distinct
        repeated = distinct & self._equal.keys()
        if len(distinct) < len(digests):
            repeated |= {digest for digest, times in Counter(digests).items() if times > 1}
        return repeated

    def _number(self, ids: list[str], digests: Sequence[bytes], repeated: set[bytes]) -> None:
        """Correct the ids of rows that are not the first of their kind."""
        seen = Counter[bytes]()
        for at, digest in enumerate(digests):
            if digest in repeated:
                ordinal = self._equal[digest] + seen[digest] + self._before(digest)
                ids[at] = _id(digest, ordinal)
                seen[digest] += 1

    def _before(self, digest: bytes) -> int:
        return self._earlier.count(digest) if self._earlier else 0

    def _remember(self, digests: Sequence[bytes], instants: Sequence[str | None]) -> None:
        """Count the rows of the last instant, to which more may come."""
        last = instants[-1] if instants else None
        since = len(instants)
        while since and instants[since - 1] == last:
            since -= 1
        if since or last != self._instant:
            self._equal.clear()
        self._instant = last
        self._equal.update(digests[since:])

    def _numbered(self, digest: bytes, instant: str | None) -> str:
        if instant != self._instant:
            self._equal.clear()
            self._instant = instant
        ordinal = self._equal[digest] + self._before(digest)
        self._equal[digest] += 1
        if self._earlier:
            self._earlier.add([digest])
        return _id(digest, ordinal)


def _by_type(cell: Json) -> Json:
    return None if cell in ("", {}) else cell


def _id(digest: bytes, ordinal: int) -> str:
    if ordinal:
        digest = sha256(b"%b#%d" % (digest, ordinal)).digest()
    return digest.hex()[:_DIGITS]


def in_order(instants: Sequence[str | None]) -> bool:
    """Say if no instant is before the one above it, and none is null.

    To sort what is sorted costs less than to compare it in Python.

    >>> in_order(["1", "2", "2"]), in_order(["2", "1"]), in_order(["1", None]), in_order([None])
    (True, False, False, False)
    """
    if not instants or instants[0] is None:
        return not instants
    known = list(cast(Sequence[str], instants))
    try:
        return sorted(known) == known
    except TypeError:  # a null among them
        return False
