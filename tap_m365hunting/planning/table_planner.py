"""Reading a table without a cursor, and so without windows.

Pure.
"""

from collections.abc import Iterator, Mapping

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning.hash_parts import Counted, PartsRead, Proof
from tap_m365hunting.planning.windows import (
    AnswerTimes,
    Ask,
    CountAsk,
    ReadAsk,
    Unreadable,
    WindowAnswer,
    WindowDone,
)


class TablePlanner:
    """Reads a table without a cursor: in one call if the rows fit, else by hash parts."""

    def __init__(self, *, row_cap: int, take_changed: bool = False) -> None:
        self._row_cap = row_cap
        self._take_changed = take_changed
        self._started = False
        self._parts: PartsRead | None = None
        self.rows: int | None = None
        self.expected: int | None = None
        self.changed: str | None = None
        self.calls = 0
        self.splits = 0

    @property
    def unreadable(self) -> Unreadable | None:
        """The reason why the table cannot be read whole, if so."""
        return self._parts.unreadable if self._parts else None

    def next(self) -> Ask | None:
        """Return the next ask, or `None` while answers are awaited or when all is done."""
        if not self._started:
            self._started = True
            ask: Ask | None = ReadAsk(None)
        else:
            ask = self._parts.next() if self._parts else None
        self.calls += ask is not None
        return ask

    def counted(
        self,
        ask: CountAsk,
        counts: Mapping[Instant, int],
        checksum: int | None = None,
        *,
        times: AnswerTimes | None = None,
    ) -> Proof:
        """Take the count of the table's rows, under any one key; say if the parts may be used."""
        del ask, times
        if self._parts is None:
            return Proof.OPEN
        proof = self._parts.counted(Counted(sum(counts.values()), checksum))
        self.rows, self.expected = self._parts.rows, self._parts.expected
        self.changed = self._parts.changed
        return proof

    def kept_from(self, times: AnswerTimes | None) -> None:
        """Return nothing: a table has no time beyond which its rows are gone."""

    def usable_until(self, ask: ReadAsk, answer: WindowAnswer) -> Instant | None:
        """Return what `answered` will, and take nothing."""
        del ask
        return Instant(0) if answer.rows >= self._row_cap else None

    def answered(self, ask: ReadAsk, answer: WindowAnswer) -> Instant | None:
        """Take an answer; return `None` if the answer is whole, else an instant before all rows.

        Rows cut off come again, in smaller parts; rows of a part wait for the proof.
        """
        truncated = answer.rows >= self._row_cap
        if ask.part and self._parts:
            self._parts.answered(ask.part, answer, truncated=truncated)
            self.splits += truncated
        elif truncated:
            self._split(known=answer.rows)
        else:
            self.rows = answer.rows
        return Instant(0) if truncated else None

    def too_large(self, ask: Ask, reason: str, *, size: bool = False) -> None:
        """Take a refusal: the table, or the part, is read in smaller parts."""
        del size
        if self._parts:
            self.splits += 1
            self._parts.too_large(ask.part if isinstance(ask, ReadAsk) else None, reason)
        else:
            self._split()

    @property
    def hopeless(self) -> bool:
        """Whether skipping does not help: a partial table is of no use."""
        return self.unreadable is not None

    def skip(self) -> None:
        """Do not skip: a table has no window to leave out."""

    def drain(self) -> Iterator[WindowDone]:
        """Yield no window: a table finishes as a whole."""
        return iter(())

    def _split(self, *, known: int = 0) -> None:
        self.splits += 1
        self._parts = PartsRead(
            None, room=self._row_cap, known=known, take_changed=self._take_changed
        )
