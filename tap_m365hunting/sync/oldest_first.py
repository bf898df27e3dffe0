"""Reads the rows nearest the edge of retention first, in all streams, before any stream is read on.

The edge moves on while a stream is read, and would take rows from the streams behind.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from operator import itemgetter
from typing import Final, Protocol

from tap_m365hunting.instants import Instant
from tap_m365hunting.wire.records import Record

# How far beyond the edge all streams are read in each round; what is left has a day's time.
_MARGINS: Final = tuple(timedelta(minutes=minutes) for minutes in (10, 60, 360, 1440))
#: Among the records of a tenant, where its reading may be put off; compared by identity.
WINDOW_IS_DONE: Final[Record] = {}


class NearTheEdge(Protocol):
    """A stream that may be read in part."""

    def near_the_edge(self, margin: timedelta) -> Sequence[Instant]:
        """Return the ends of the parts read in tenants that are read no farther than the margin."""

    def sync_near_the_edge(self, margin: timedelta) -> None:
        """Read these tenants up to the margin."""


class OldestFirst:
    """Has its turn once in a run, before the first stream."""

    def __init__(self) -> None:
        self._begun = False

    def begin(self, streams: Iterable[NearTheEdge]) -> None:
        """Read the streams in rounds, the nearest first; a single stream has its turn anyway."""
        if self._begun:
            return
        self._begun = True
        selected = [stream for stream in streams if stream.near_the_edge(_MARGINS[-1])]
        for margin in _MARGINS:
            near = [(at, stream) for stream in selected for at in stream.near_the_edge(margin)]
            if len(near) > 1:
                nearest = [stream for _, stream in sorted(near, key=itemgetter(0))]
                for stream in dict.fromkeys(nearest):
                    stream.sync_near_the_edge(margin)


class Turn(Protocol):
    """The reading of one tenant, which may be put off."""

    @property
    def tenant_id(self) -> str:
        """The tenant's id."""

    def reached(self, margin: timedelta) -> Instant | None:
        """Return the end of the part read, if no farther from the edge of retention."""

    def resume(self) -> None:
        """Have the turn again."""


class Turns:
    """The tenants of a stream that have their turn, and the records of tenants put off."""

    def __init__(self) -> None:
        self._margin: timedelta | None = None
        self._put_off = dict[str, Generator[Record, None, None]]()

    @contextmanager
    def near_the_edge(self, margin: timedelta) -> Iterator[None]:
        """Have only tenants read no farther from the edge, and only up to the margin."""
        self._margin = margin
        try:
            yield
        finally:
            self._margin = None

    def wants(self, turn: Turn) -> bool:
        """Say if a tenant has its turn."""
        return self._margin is None or turn.reached(self._margin) is not None

    def has_put_off(self, turn: Turn) -> bool:
        """Say if a tenant's reading is to go on later."""
        return turn.tenant_id in self._put_off

    def records(
        self, turn: Turn, read: Callable[[], Generator[Record, None, None]]
    ) -> Generator[Record, None, None]:
        """Yield the records, from the point of the last stop, until all came or the next stop.

        Between windows there is a `WINDOW_IS_DONE` among the records.
        """
        turn.resume()
        records = self._put_off.pop(turn.tenant_id, None) or read()
        for record in records:
            if record is not WINDOW_IS_DONE:
                yield record
            elif not self.wants(turn):
                self._put_off[turn.tenant_id] = records
                return
