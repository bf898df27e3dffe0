"""The documented identity of a table's rows: offered as a key, counted in the newest rows."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from tap_m365hunting.commands import counting
from tap_m365hunting.configuration.queries import HuntingQuery
from tap_m365hunting.errors import QueryRejectedError, WindowTooLargeError
from tap_m365hunting.instants import Instant
from tap_m365hunting.kql.documented_keys import documented_identity
from tap_m365hunting.planning.density import Density
from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.sync.reader import Call
from tap_m365hunting.sync.resolved_query import ResolvedQuery
from tap_m365hunting.wire.schema import Column
from tap_m365hunting.wording import plural

_TRIED: Final = timedelta(days=1)
# of a table that is filled slowly a day may have no row, and so no two with one key
_ENOUGH: Final = 1_000


class Identity(Struct, frozen=True):
    """Possible key columns; `keys` is the number of distinct values in so many `rows`, if counted.

    `nulls` is the number of rows with a null in the columns, forbidden in a key.
    """

    columns: tuple[str, ...]
    rows: int | None = None
    keys: int | None = None
    nulls: int | None = None

    @classmethod
    def offered(cls, query: HuntingQuery, columns: Iterable[Column]) -> Self | None:
        """Return the documented identity of a whole table without `primary_keys`."""
        documented = documented_identity(query.query)
        there = {column.name for column in columns}
        wanted = documented and not query.primary_keys and there.issuperset(documented)
        return cls(documented) if wanted else None

    def tried(
        self,
        resolved: ResolvedQuery,
        cursor: str | None,
        counted: Density | None,
        call: Call,
        *,
        most: int,
    ) -> Self:
        """Count the keys of the newest rows: of a day or a thousand, and about `most` at most.

        Without counts over time, those of all rows.
        """
        window = _newest(counted, most) if counted else None
        window = (window and resolved.whole_steps(window)) or window
        try:
            rows, keys, nulls = counting.keys(resolved, cursor, window, self.columns, call)
        except (QueryRejectedError, WindowTooLargeError):
            return self  # it is an offer, and can be made without
        return replace(self, rows=rows, keys=keys, nulls=nulls)

    def as_configured(self) -> str | None:
        """Return the fault of the columns as the configured key; `None` without a fault."""
        if self.unique is not False:
            return None
        rows, keys = plural(self.rows or 0, "row"), plural(self.keys or 0, "key")
        why = (
            f"null in {self.nulls:,} of {rows}, and a run fails on the first"
            if self.nulls
            else f"{rows} have {keys}, and a loader keeps one row of each"
        )
        return (
            f"primary_keys {', '.join(self.columns)}: {why}. Add columns that tell rows apart, or "
            "leave it out and use _row_id; if one row of each key is all you want, all is well"
        )

    @property
    def unique(self) -> bool | None:
        """Whether the columns would have been a key of the rows; `None` if no row was counted."""
        return not self.nulls and self.keys == self.rows if self.rows else None

    def __str__(self) -> str:
        columns = ", ".join(self.columns)
        if self.unique is None:
            return f"{columns}; set primary_keys to use it"
        rows = plural(self.rows or 0, "row")
        if self.unique:
            return f"{columns}, unique in {rows}; set primary_keys to use it"
        if self.nulls:
            return f"{columns}, but no key: null in {self.nulls:,} of {rows}"
        return f"{columns}, but no key: {rows} have {self.keys:,}"

    def to_json(self) -> dict[str, object]:
        """Return the entry of `identity`."""
        return {
            "columns": list(self.columns),
            "unique": self.unique,
            "rows": self.rows,
            "keys": self.keys,
        }


def _newest(counted: Density, most: int) -> TimeWindow:
    """Return the time of the newest rows: a day, longer if it has few, shorter if it has many."""
    end = Instant(counted.edges[-1])
    longest, enough = (
        Instant(counted.point(max(0, counted.total - rows))) for rows in (most, min(most, _ENOUGH))
    )
    return TimeWindow(min(max(min(end - _TRIED, enough), longest), end.plus(-1)), end)
