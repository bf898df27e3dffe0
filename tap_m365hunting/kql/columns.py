"""Which columns a step of a query has, as far as its text tells.

Pure. A table's columns are not in the text, so the answer to "is it there?" is yes, no or unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from math import lcm
from typing import Final, Self

from msgspec import Struct, field

from tap_m365hunting.instants import TICKS_PER_MICROSECOND, ticks
from tap_m365hunting.kql.names import matching
from tap_m365hunting.kql.operators import CURSORS


def common_width(widths: Iterable[timedelta | None]) -> timedelta | None:
    """Return the width whose multiples are bins of all the widths.

    >>> str(common_width([timedelta(hours=2), None, timedelta(hours=3)]))
    '6:00:00'
    """
    found = [ticks(width) // TICKS_PER_MICROSECOND for width in widths if width]
    return timedelta(microseconds=lcm(*found)) if found else None


class Origin(Struct, frozen=True):
    """How the values of a column came to be: as they were, rounded down to bins, or computed.

    `uneven` are bins whose width the text does not tell, or that are not whole multiples of one.
    """

    computed: bool = False
    bin: timedelta | None = None
    uneven: bool = False

    def beside(self, other: Self) -> Self:
        """Return how the values came to be where rows of the one and the other stand together."""
        bins = common_width(origin.bin for origin in (self, other))
        computed, uneven = self.computed or other.computed, self.uneven or other.uneven
        return type(self)(computed=computed, bin=bins, uneven=uneven)


PLAIN: Final = Origin()
COMPUTED: Final = Origin(computed=True)


class Columns(Struct, frozen=True):
    """What is known of a step's columns.

    `known` says of a name how its values came to be, or `None` where it is surely not there.
    Names in `maybe` are open, and with `rest` so are all others.

    >>> table = Columns()
    >>> table.has("Timestamp"), table.only({"DeviceId": PLAIN}).has("Timestamp")
    (None, False)
    """

    known: Mapping[str, Origin | None] = field(default_factory=dict)
    maybe: frozenset[str] = frozenset()
    rest: bool = True

    def has(self, name: str) -> bool | None:
        """Whether the column is there; `None` if the text does not tell."""
        if name in self.known:
            return self.known[name] is not None
        return None if self.rest or name in self.maybe else False

    def origin(self, name: str) -> Origin:
        """Return how the column's values came to be; as they were, if nothing else is known."""
        return self.known.get(name) or PLAIN

    @property
    def rounded(self) -> bool:
        """Whether a column is known to be rounded to bins."""
        return any(origin and (origin.bin or origin.uneven) for origin in self.known.values())

    def only(self, known: Mapping[str, Origin], maybe: Iterable[str] = ()) -> Self:
        """Return a step that has these columns and no others."""
        return type(self)(dict(known), frozenset(maybe) - known.keys(), rest=False)

    def plus(self, known: Mapping[str, Origin | None], maybe: Iterable[str] = ()) -> Self:
        """Return the step with columns added, replaced or (`None`) taken away."""
        unsure = (self.maybe | frozenset(maybe)) - known.keys()
        return type(self)({**self.known, **known}, unsure, self.rest)

    def unsure(self) -> Self:
        """Return the step after something that may keep any of the columns, or none."""
        there = {name for name, origin in self.known.items() if origin}
        gone = {name: None for name, origin in self.known.items() if not origin}
        return type(self)(gone, self.maybe | there, self.rest)

    def union(self, other: Self) -> Self:
        """Return the columns of both, of rows that come from either."""
        return self._with(other, lambda name: self.origin(name).beside(other.origin(name)))

    def join(self, right: Self) -> Self:
        """Return the columns of both, of rows that are put together."""

        def origin(name: str) -> Origin:
            return (right if self.leaves(name, right) else self).origin(name)

        return self._with(right, origin)

    def leaves(self, name: str, right: Self) -> bool:
        """Whether a joined column of this name may be the right side's.

        A table's columns are not in the text, but one that may be the cursor is taken to be there.
        Of a name on both sides, the right side's gets a number: `Timestamp1`.
        """
        if self.has(name) is False:
            return right.has(name) is not False
        stem = name.rstrip("0123456789")
        numbered = stem != name and self.has(stem) is not False and right.has(stem) is not False
        known = right.has(name) is True and name not in CURSORS
        return self.has(name) is None and (numbered or known)

    def _with(self, other: Self, origin: Callable[[str], Origin]) -> Self:
        known: dict[str, Origin | None] = {}
        for name in self.known.keys() | other.known.keys():
            if self.has(name) or other.has(name):
                known[name] = origin(name)
            elif self.has(name) is False and other.has(name) is False:
                known[name] = None
        maybe = (self.maybe | other.maybe) - known.keys()
        return type(self)(known, maybe, self.rest or other.rest)

    def matching(self, pattern: str, watched: Iterable[str]) -> set[str]:
        """Return the names, known or watched for, that a pattern with `*` means."""
        return set(matching(pattern, {*self.known, *self.maybe, *watched}))
