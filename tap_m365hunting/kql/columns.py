"""Columns at one step of a query, as far as the query's text tells.

Pure. A table's columns are not in the text, so a column is there, not there, or unknown.
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
    """Return the least common multiple of the widths.

    >>> str(common_width([timedelta(hours=2), None, timedelta(hours=3)]))
    '6:00:00'
    """
    found = [ticks(width) // TICKS_PER_MICROSECOND for width in widths if width]
    return timedelta(microseconds=lcm(*found)) if found else None


class Origin(Struct, frozen=True):
    """Origin of a column's values: unchanged, rounded down to bins, or computed.

    Values of `other_type` are surely no datetimes. `uneven` bins have a width unknown from the
    text, or are not whole multiples of any width.
    """

    computed: bool = False
    bin: timedelta | None = None
    uneven: bool = False
    other_type: bool = False

    def beside(self, other: Self) -> Self:
        """Return the origin for rows of both kinds together."""
        bins = common_width(origin.bin for origin in (self, other))
        computed, uneven = self.computed or other.computed, self.uneven or other.uneven
        return type(self)(computed=computed, bin=bins, uneven=uneven)


PLAIN: Final = Origin()
COMPUTED: Final = Origin(computed=True)


class Columns(Struct, frozen=True):
    """Known columns at one step.

    `known` maps a name to the origin of the values, or to `None` if the column is surely absent.
    Names in `maybe` are open; with `rest`, so are all other names.

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
        """Return the origin of the column's values; unchanged, if nothing else is known."""
        return self.known.get(name) or PLAIN

    @property
    def rounded(self) -> bool:
        """Whether a column is known to be rounded to bins."""
        return any(origin and (origin.bin or origin.uneven) for origin in self.known.values())

    def only(self, known: Mapping[str, Origin | None], maybe: Iterable[str] = ()) -> Self:
        """Return a step with these columns and no others."""
        return type(self)(dict(known), frozenset(maybe) - known.keys(), rest=False)

    def plus(self, known: Mapping[str, Origin | None], maybe: Iterable[str] = ()) -> Self:
        """Return the step with columns added, replaced or (`None`) taken away."""
        unsure = (self.maybe | frozenset(maybe)) - known.keys()
        return type(self)({**self.known, **known}, unsure, self.rest)

    def unsure(self) -> Self:
        """Return the step after an operator of unknown effect: any column may be gone."""
        there = {name for name, origin in self.known.items() if origin}
        gone = {name: None for name, origin in self.known.items() if not origin}
        return type(self)(gone, self.maybe | there, self.rest)

    def union(self, other: Self) -> Self:
        """Return the columns of rows from either side."""
        return self._with(other, lambda name: self.origin(name).beside(other.origin(name)))

    def join(self, right: Self) -> Self:
        """Return the columns of rows joined from both sides."""

        def origin(name: str) -> Origin:
            return (right if self.leaves(name, right) else self).origin(name)

        return self._with(right, origin)

    def leaves(self, name: str, right: Self) -> bool:
        """Whether a joined column of the given name may come from the right side.

        A table's columns are not in the text, but a possible cursor counts as present. Of a name on
        both sides, the right side's gets a number: `Timestamp1`.
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
        """Return the known or watched names matched by a pattern with `*`."""
        return set(matching(pattern, {*self.known, *self.maybe, *watched}))
