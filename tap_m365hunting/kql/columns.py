"""Columns at one step of a query, as far as the query's text tells.

Pure. A table's columns are not in the text, so a column is there, not there, or unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from math import lcm
from typing import Any, Final, Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import TICKS_PER_MICROSECOND, ticks
from tap_m365hunting.kql.layered import Layered
from tap_m365hunting.kql.names import matching
from tap_m365hunting.kql.operators import CURSORS


def common_width(widths: Iterable[timedelta | None]) -> timedelta | None:
    """Return the least common multiple of the widths, and no more than the longest width.

    >>> str(common_width([timedelta(hours=2), None, timedelta(hours=3)]))
    '6:00:00'
    """
    found = [ticks(width) // TICKS_PER_MICROSECOND for width in widths if width]
    longest = ticks(timedelta.max) // TICKS_PER_MICROSECOND
    return timedelta(microseconds=min(lcm(*found), longest)) if found else None


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
_NONE: Final[Layered[Any]] = Layered()


class Columns(Struct, frozen=True):
    """Known columns at one step.

    `there` maps a name to the origin of the values, and `gone` has the names that are surely
    absent, unless they are there anew. Names in `maybe` are open; with `rest`, so are all others.
    `typed` has the names whose values may be of another type than time.

    >>> table = Columns()
    >>> table.has("Timestamp"), table.only({"DeviceId": PLAIN}).has("Timestamp")
    (None, False)
    """

    there: Layered[Origin | None] = _NONE
    gone: Layered[bool] = _NONE
    maybe: frozenset[str] = frozenset()
    rest: bool = True
    typed: Layered[bool] = _NONE

    def has(self, name: str) -> bool | None:
        """Whether the column is there; `None` if the text does not tell."""
        if self.there.get(name):
            return True
        if self.gone.get(name):
            return False
        return None if self.rest or name in self.maybe else False

    def __contains__(self, name: object) -> bool:
        """Whether the column is surely there."""
        return isinstance(name, str) and self.has(name) is True

    def origin(self, name: str) -> Origin:
        """Return the origin of the column's values; unchanged, if nothing else is known."""
        return self.there.get(name) or PLAIN

    def known(self) -> Iterator[tuple[str, Origin]]:
        """Yield the columns that are surely there, with the origin of their values."""
        return ((name, origin) for name, origin in self.there.items() if origin)

    def only(self, known: Mapping[str, Origin | None], maybe: Iterable[str] = ()) -> Self:
        """Return a step with these columns and no others."""
        return type(self)(rest=False).plus(known, maybe)

    def plus(self, known: Mapping[str, Origin | None], maybe: Iterable[str] = ()) -> Self:
        """Return the step with columns added, replaced or (`None`) taken away."""
        gone = {name: True for name, origin in known.items() if origin is None}
        return self._with(known, gone, maybe)

    def _with(
        self, known: Mapping[str, Origin | None], gone: Mapping[str, bool], maybe: Iterable[str]
    ) -> Self:
        unsure = self.maybe
        more = frozenset(maybe).difference(unsure)
        if more or not unsure.isdisjoint(known):  # a copy only where there is a difference
            unsure = unsure.union(more).difference(known)
        typed = {name: True for name, origin in known.items() if origin and origin.other_type}
        return type(self)(
            self.there.plus(known), self.gone.plus(gone), unsure, self.rest, self.typed.plus(typed)
        )

    def unsure(self) -> Self:
        """Return the step after an operator of unknown effect: any column may be gone."""
        there = dict.fromkeys((name for name, _ in self.known()), False)
        maybe = self.maybe.union(there)
        return type(self)(gone=self.gone.plus(there), maybe=maybe, rest=self.rest)

    def union(self, other: Self) -> Self:
        """Return the columns of rows from either side."""
        both = self._beside(
            other, lambda name: self.origin(name).beside(other.origin(name)), self.typed
        )
        return replace(both, typed=_NONE)

    def join(self, right: Self) -> Self:
        """Return the columns of rows joined from both sides."""

        def origin(name: str) -> Origin:
            return (right if self.leaves(name, right) else self).origin(name)

        return self._beside(right, origin)

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

    def _beside(
        self, other: Self, origin: Callable[[str], Origin], names: Iterable[str] = ()
    ) -> Self:
        """Return the columns of both sides; of this side's only `names` are looked at.

        Any other column of this side alone stays as it is. Where the other side may have any
        column, none is surely gone any more.
        """
        named = {*names, *other.there, *other.gone, *other.maybe}
        known: dict[str, Origin | None] = {}
        gone: dict[str, bool] = {}
        for name in named:
            if self.has(name) or other.has(name):
                known[name] = origin(name)
            elif name in self.there or name in self.gone or name in other.gone:
                gone[name] = self.has(name) is False and other.has(name) is False
        both = replace(self, gone=_NONE) if other.rest else self
        both = both._with(known, gone, other.maybe)  # noqa: SLF001 - of its own type
        return replace(both, rest=self.rest or other.rest)

    def matching(self, pattern: str, watched: Iterable[str]) -> set[str]:
        """Return the names, there, open or watched, that are matched by a pattern with `*`."""
        if "*" not in pattern:
            there = self.has(pattern) or pattern in self.maybe or pattern in watched
            return {pattern} if there else set()
        return set(matching(pattern, {*self.there, *self.maybe, *watched}))
