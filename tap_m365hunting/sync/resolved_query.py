"""A query with the way in which it is read: what to send for each ask.

Pure.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from msgspec import Struct

from tap_m365hunting import kql
from tap_m365hunting.errors import QueryRejectedError
from tap_m365hunting.kql import Mode
from tap_m365hunting.planning.spans import span_between
from tap_m365hunting.planning.windows import Ask, CountAsk, TimeWindow

_SECOND: Final = timedelta(seconds=1)


class Hunt(Struct, frozen=True):
    """A query with the way in which it is read.

    `cursor` is named as in the query; windows are whole multiples of `bin`, if there is one.
    """

    query: kql.Query
    mode: Mode
    cursor: str | None
    bin: timedelta | None = None

    @property
    def step(self) -> timedelta | None:
        """What a window must be a multiple of; `None` if it may start and end anywhere."""
        return self.bin or (_SECOND if self.mode is Mode.WINDOWED else None)

    @property
    def fingerprint(self) -> str:
        """What a state remembers the query by."""
        return kql.fingerprint(self.query, self.mode)

    def whole_steps(self, window: TimeWindow) -> TimeWindow | None:
        """Return the part of a window that is made of whole steps."""
        return span_between(window.start.ceil(self.step), window.end.floor(self.step))

    def text(self, ask: Ask) -> str:
        """Return the KQL that asks what the planner wants to know."""
        cursor = self.cursor if self.mode is Mode.INCREMENTAL else None
        if isinstance(ask, CountAsk):
            if cursor and ask.window and ask.bin:
                return kql.count(self.query, cursor, ask.window, ask.bin)
            return kql.total(self.query, cursor, ask.window)
        if cursor and ask.window:
            return kql.window(self.query, cursor, ask.window, ask.part)
        if ask.window:
            return kql.windowed(self.query, ask.window, ask.part)
        return kql.whole(self.query, ask.part)


@contextmanager
def in_user_lines(query: kql.Query, sent: str) -> Iterator[None]:
    """Let a refusal name the line in the user's own text, not in the one that was sent.

    Raises:
        QueryRejectedError: the same, with that line in its message.
    """
    try:
        yield
    except QueryRejectedError as error:
        if error.line is None:
            raise
        line = kql.user_line(query, sent, error.line)
        msg = f"{error} (line {line} of the query)"
        raise QueryRejectedError(msg, text=error.text, line=line, table=error.table) from error
