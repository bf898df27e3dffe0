"""A stream's memory between runs: bookmark, holes, and the query and tenant of both.

Pure. A bookmark is read from a stream's state and written back; the value never decreases.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from functools import cached_property
from typing import Any, Final, Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.late_rows import LookbackCounts
from tap_m365hunting.planning.spans import (
    Hole,
    Timing,
    advanced,
    kept,
    merged,
    overlap,
    span_between,
)
from tap_m365hunting.planning.windows import TimeWindow, WindowDone

#: Stands for the replication key in the state of a query that bounds itself by the window.
WINDOW_END: Final = "window_end"


class Bookmark(Struct, frozen=True):
    """A promise: every row with a cursor `key` before `value` is written, but for those in `holes`.

    The rows are those of the query with the fingerprint, in the tenant, as far as known. `tally` is
    left for the next run's lookback. `tried` are the holes left by earlier runs.
    """

    key: str
    value: Instant | None = None
    holes: tuple[Hole, ...] = ()
    query: str | None = None
    tally: LookbackCounts | None = None
    tried: tuple[Hole, ...] = ()
    tenant_id: str | None = None

    @classmethod
    def read(
        cls,
        state: Mapping[str, Any],
        key: str,
        *,
        query: str | None = None,
        tenant_id: str | None = None,
    ) -> Self:
        """Read the state of a stream.

        What was saved for another cursor, query or tenant does not count.

        Raises:
            ValueError: the state is none that this tap writes.
        """
        void = why_void(state, key, query=query, tenant_id=tenant_id)
        if void or "replication_key" not in state:
            return cls(key, query=query, tenant_id=tenant_id)
        holes = tuple(map(Hole.from_json, _list(state.get("holes", []))))
        return cls(
            key,
            Instant.parse(str(state["replication_key_value"])),
            holes,
            query,
            # rows of a query that is not known to be the same are not compared
            LookbackCounts.of_state(state.get("lookback")) if state.get("query") == query else None,
            tried=holes,
            tenant_id=tenant_id,
        )

    def write(self, state: MutableMapping[str, Any]) -> None:
        """Put the bookmark into the state of a stream.

        All of it changes at once, so that a signal in between leaves a state that is true: the
        holes go with the value behind which they lie.
        """
        value = {"replication_key": self.key, "replication_key_value": str(self.value)}
        optional = {
            "tenant_id": self.tenant_id,
            "query": self.query,
            "holes": [hole.to_json() for hole in self.holes],
            "lookback": self.tally and self.tally.to_json(),
        }
        moved = value if self.value is not None else {}
        state.update({**moved, **{name: told for name, told in optional.items() if told}})
        for name in [name for name, told in optional.items() if not told]:
            state.pop(name, None)

    def after(self, done: WindowDone, *, tally: LookbackCounts | None = None) -> Self:
        """Return the bookmark after the next finished window, read or given up.

        A window read again fills a hole as far as covered. `tally` takes the place of the earlier
        tally.
        """
        tries = [hole.attempts for hole in self.tried if overlap(hole.window, done.window)]
        holes = [rest for hole in self.holes for rest in _without(hole, done.window)]
        if done.gap and not done.lost:
            holes.append(Hole(done.window, done.gap, 1 + max(tries, default=0)))
        value = advanced(self.value, done.window.end)
        return replace(self, value=value, holes=merged(holes), tally=tally)

    def beside(self, done: WindowDone) -> Self:
        """Return the bookmark after a window of a backfill: a gap before it is a hole from then on.

        What lies behind the bookmark is the next run's, and if there is none, so is everything.
        """
        until = self.value and min(done.window.end, self.value)
        window = span_between(done.window.start, until) if until else None
        if window is None or not done.gap or done.lost:
            return self
        return replace(self, holes=merged((*self.holes, Hole(window, done.gap))))

    def within(self, timing: Timing, *, now: Instant) -> tuple[Self, tuple[TimeWindow, ...]]:
        """Return the bookmark without the holes lost to retention, and those holes."""
        alive, lost = kept(self.holes, now=now, retention=timing.retention, step=timing.step)
        return replace(self, holes=alive), lost


def why_void(
    state: Mapping[str, Any], key: str, *, query: str | None = None, tenant_id: str | None = None
) -> str | None:
    """Say why the bookmark of a state is void for a cursor, query or tenant; `None` if valid.

    A state without a fingerprint, or a tenant, is taken to be of the same.
    """
    owner = str(state.get("tenant_id") or tenant_id)
    if tenant_id is not None and owner.casefold() != tenant_id.casefold():
        return f"is one of tenant {owner}, which says nothing about {tenant_id}"
    kept = state.get("replication_key", key)
    if kept != key:
        return f"is one of {kept}, which says nothing about {key}"
    if query is not None and (state.get("query") or query) != query:
        return "is one of another query text, which says nothing about the rows of this one"
    return None


def _list(found: object) -> list[object]:
    if not isinstance(found, list):
        msg = "`holes` is no list"
        raise ValueError(msg)  # noqa: TRY004 - a wrong state is a wrong value
    return found


def _without(hole: Hole, window: TimeWindow) -> Iterator[Hole]:
    before = span_between(hole.window.start, min(hole.window.end, window.start))
    behind = span_between(max(hole.window.start, window.end), hole.window.end)
    for rest in (before, behind):
        if rest is not None:
            yield replace(hole, window=rest)


#: The name of the tenant in a part's context.
TENANT: Final = "tenant_id"


class StreamState:
    """A stream's place in the tap's state; its tenants' parts are found without a scan.

    `partitioned` says if each tenant has a part. The index of parts is made at the first look:
    parts added later belong to tenants new to the state.
    """

    def __init__(self, state: Mapping[str, Any], stream: str, *, partitioned: bool = False) -> None:
        self._state = state
        self._stream = stream
        self.partitioned = partitioned

    def of(self, tenant_id: str) -> dict[str, Any]:
        """Return the state to go on from in a tenant.

        Raises:
            ValueError: as `part`.
        """
        return self.part(tenant_id if self.partitioned else None)

    def part(self, tenant_id: str | None = None) -> dict[str, Any]:
        """Return the stream's own state, or a tenant's part; empty if new.

        >>> StreamState({"bookmarks": {"s": {"replication_key": "Timestamp"}}}, "s").part()
        {'replication_key': 'Timestamp'}

        Raises:
            ValueError: the state has not the tap's form, or has two parts of one tenant.
        """
        if tenant_id is None:
            return self._known()
        found = self._parts.get(tenant_id.lower(), [])
        if len({str(part["context"]) for part in found}) < len(found):
            msg = f"`partitions` has {len(found)} entries for tenant {tenant_id}"
            raise ValueError(msg)
        furthest = max(found, key=_reached, default={})
        return {key: value for key, value in furthest.items() if key != "context"}

    def elsewhere(self, tenant_id: str | None = None) -> str | None:
        """Say if the bookmark is kept in the other form: with tenants' parts, or without.

        Raises:
            ValueError: the state has not the tap's form.
        """
        known, here = self._known(), self.part(tenant_id)
        if tenant_id is not None and not here and "replication_key_value" in known:
            return "is one of a run without `tenants`"
        if tenant_id is None and known.get("partitions") and "replication_key_value" not in known:
            return "is one of each of several `tenants`"
        return None

    @cached_property
    def _parts(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        parts = self._known().get("partitions") or []
        if not isinstance(parts, list):
            msg = "`partitions` is no list"
            raise ValueError(msg)  # noqa: TRY004 - a wrong state is a wrong value
        found = defaultdict[str, list[Mapping[str, Any]]](list)
        for part in parts:
            found[_tenant_of(_object(part)) or ""].append(part)
        return found

    def _known(self) -> dict[str, Any]:
        return _object(_object(self._state.get("bookmarks")).get(self._stream))


def folded(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state whose parts name their tenants in lower case, one part each.

    Version 0.1 had a part for each spelling: the one that has come furthest stays. What is no state
    of this tap is left as it is.
    """
    bookmarks = state.get("bookmarks")
    if not isinstance(bookmarks, Mapping):
        return dict(state)
    streams = {name: _folded(known) for name, known in bookmarks.items()}
    return {**state, "bookmarks": streams}


def _folded(known: Any) -> Any:  # noqa: ANN401 - whatever stands in a state
    parts = known.get("partitions") if isinstance(known, Mapping) else None
    if not isinstance(parts, list) or not all(map(_tenant_of, parts)):
        return known
    spelled = {str(part["context"][TENANT]) for part in parts}
    if len(spelled) < len(parts) or all(name == name.lower() for name in spelled):
        return known
    furthest = dict[str, Mapping[str, Any]]()
    for part in sorted(parts, key=_reached):
        furthest[_tenant_of(part) or ""] = part
    return {**known, "partitions": [_renamed(name, part) for name, part in furthest.items()]}


def _renamed(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part under the folded name; how it was spelled made ids in version 0.1."""
    spelled = {} if name == part["context"][TENANT] else {TENANT: part["context"][TENANT]}
    return {**spelled, **part, "context": {TENANT: name}}


def _tenant_of(part: Any) -> str | None:  # noqa: ANN401 - whatever stands in a state
    """Return the tenant that a part is of, in lower case."""
    context = part.get("context") if isinstance(part, Mapping) else None
    named = context.get(TENANT) if isinstance(context, Mapping) and len(context) == 1 else None
    return named.lower() if isinstance(named, str) else None


def _reached(part: Mapping[str, Any]) -> str:
    return str(part.get("replication_key_value") or "")


def _object(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        msg = f"An object is expected, not {type(value).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - a wrong state is a wrong value
    return dict(value)
