"""Which columns a step of a query has, as far as its text tells.

Pure. A table's columns are not in the text, so the answer to "is it there?" is yes, no or unknown.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, Self

from msgspec import Struct, field

from tap_m365hunting.kql.names import matching


class Origin(Struct, frozen=True):
    """How the values of a column came to be: as they were, rounded down to bins, or computed."""

    computed: bool = False
    bin: timedelta | None = None


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

    def or_(self, other: Self) -> Self:
        """Return a step with the columns of both; the first's origin counts."""
        names = self.known.keys() | other.known.keys()
        known: dict[str, Origin | None] = {}
        for name in names:
            if self.has(name) or other.has(name):
                known[name] = (other if self.has(name) is False else self).origin(name)
            elif self.has(name) is False and other.has(name) is False:
                known[name] = None
        maybe = (self.maybe | other.maybe) - known.keys()
        return type(self)(known, maybe, self.rest or other.rest)

    def matching(self, pattern: str, watched: Iterable[str]) -> set[str]:
        """Return the names, known or watched for, that a pattern with `*` means."""
        return set(matching(pattern, {*self.known, *self.maybe, *watched}))
