"""The columns that make the ids of a stream's rows, as its state remembers them.

Pure. A table gains columns, filled for old rows as well. Rows that are read again must keep their
ids, so a column that was not there when a query was first read makes no id of its rows.

In a state `row_id` stands beside the bookmark, without `columns` before the first answer. With
parts for tenants it stands once at the stream, and in a part is `true`, or the part's own where
that differs. A bookmark without it is one of version 0.1, whose ids are made as that version made
them: by the types of columns, and under the tenant's id as it was spelled.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final, Self, TypeGuard

#: The name of the entry in a state.
ENTRY: Final = "row_id"

State = Mapping[str, Any]


class IdColumns:
    """The columns in the ids of a query's rows in a tenant.

    `names` are the columns, `None` before the first answer. With `by_type` ids are those of version
    0.1, made under `tenant_id`.
    """

    def __init__(
        self,
        query: str,
        tenant_id: str,
        *,
        names: Iterable[str] | None = None,
        by_type: bool = False,
    ) -> None:
        self.names = None if names is None else tuple(map(str, names))
        self.by_type = by_type
        self.tenant_id = tenant_id
        self._query = query

    @classmethod
    def read(cls, stream: State, part: State, *, query: str, tenant_id: str) -> Self:
        """Read the columns for a query from the state of a stream, and of its part for a tenant.

        Without parts both are the same. `query` is a fingerprint.

        Raises:
            ValueError: the state has not the tap's form.
        """
        told = part.get(ENTRY)
        entry = stream.get(ENTRY) if told is True else told
        if entry is None:
            of_0_1 = "replication_key_value" in part and (part.get("query") or query) == query
            spelled = str(part.get("tenant_id") or tenant_id) if of_0_1 else tenant_id
            return cls(query, spelled, by_type=of_0_1)
        if not _is_entry(entry):
            msg = f"`{ENTRY}` has no list of columns"
            raise ValueError(msg)
        if entry.get("query") != query:
            return cls(query, tenant_id)
        by_type = bool(entry.get("by_type"))
        spelled = str(entry.get("tenant_id") or tenant_id)
        return cls(query, spelled, names=entry.get("columns"), by_type=by_type)

    def follow(self, stream: State) -> None:
        """Take the columns that other tenants have, as the stream's state tells, if none are known.

        So a tenant without a state of its own has the same ids in a run that ends early, and in the
        next one.
        """
        known = self._known(stream)
        if self.names is None and not self.by_type and not known.get("by_type"):
            self.names = tuple(known["columns"]) if "columns" in known else None

    def came(self, names: Iterable[str]) -> None:
        """Take the columns of an answer; the first ones make the ids from here on."""
        if self.names is None:
            self.names = tuple(names)

    def write(self, stream: MutableMapping[str, Any], part: MutableMapping[str, Any]) -> bool:
        """Put it into the state of a stream and of its part.

        Return whether the state now says what no state before it said.
        """
        columns = {} if self.names is None else {"columns": list(self.names)}
        entry: dict[str, Any] = {"query": self._query, **columns}
        if self.by_type:
            entry |= {"by_type": True, "tenant_id": self.tenant_id}
        if stream is not part and "columns" not in self._known(stream):
            changed = stream.get(ENTRY) != entry
            stream[ENTRY] = entry
            part[ENTRY] = True
            return changed
        follows = stream is not part and (entry == stream[ENTRY] or self._is_open)
        changed = part.get(ENTRY) != entry and not follows
        part[ENTRY] = True if follows else entry
        return changed

    @property
    def _is_open(self) -> bool:
        return self.names is None and not self.by_type

    def _known(self, stream: State) -> State:
        known = stream.get(ENTRY)
        if not isinstance(known, Mapping) or known.get("query") != self._query:
            return {}
        return known


def _is_entry(entry: object) -> TypeGuard[Mapping[str, Any]]:
    """Say if it names a query, and columns or none so far."""
    open_ = isinstance(entry, Mapping) and "query" in entry and "columns" not in entry
    return open_ or (isinstance(entry, Mapping) and isinstance(entry.get("columns"), list))
