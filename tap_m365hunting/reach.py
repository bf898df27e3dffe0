"""How much one answer may hold, learned from what the service refused and what it answered.

Pure. Two things are learned apart: rows (a result can be too large in bytes) and width (a query
over a long time can be too costly, whatever it returns).
"""

from typing import Final

# "The maximum query result size of a single request can't exceed 50 MB."
# -- https://learn.microsoft.com/en-us/graph/api/security-security-runhuntingquery (2026-08-18).
# Older pages say 124 MB, so it is believed only once an answer has been refused for its size.
BYTE_CAP: Final = 50_000_000
# Refused at this many bytes, by our reckoning: stay below it by a margin.
MARGIN: Final = 0.85


class Reach:
    """The most rows and the widest window to ask for next; `width` is in ticks, `None` unbound."""

    def __init__(self, row_cap: int) -> None:
        self.rows = row_cap - 1
        self.width: int | None = None
        self._row_cap = row_cap
        self._ceiling: float | None = None
        self._byte_room: float | None = None
        self._row_bytes: float | None = None

    @property
    def size_bound(self) -> bool:
        """Say if bytes, not rows, decide how much fits."""
        return self._byte_room is not None

    def refused_size(self, width: int, expected: int | None) -> None:
        """Learn that a window gave too many bytes."""
        if expected is None or expected < 2:  # noqa: PLR2004 - one row cannot be halved
            self.width = width // 2
            return
        rows = min(expected, self._row_cap)
        guess = rows * self._row_bytes if self._row_bytes else BYTE_CAP
        self._byte_room = MARGIN * min(guess, BYTE_CAP)
        self.rows = max(1, min(self.rows, rows // 2))

    def refused_cost(self, width: int) -> None:
        """Learn that a window was too costly to answer."""
        self._ceiling = float(width)
        self.width = width // 2

    def worked(self, rows: int, size: int) -> None:
        """Learn from an answer; narrow windows may widen again.

        Below a width that was refused the growth is slow, so that few calls are spent on finding
        the limit again and again.
        """
        if self.width is not None:
            self.width *= 2
            if self._ceiling is not None:
                self.width = min(self.width, int(self._ceiling * 0.75))
                self._ceiling *= 1.1
        if rows and size:
            self._row_bytes = size / rows
        if self._byte_room and self._row_bytes:
            if size > self._byte_room / 2:
                self._byte_room = min(self._byte_room * 1.03, MARGIN * BYTE_CAP)
            self.rows = max(1, min(self._row_cap - 1, int(self._byte_room / self._row_bytes)))
