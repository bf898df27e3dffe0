"""STATE lines, written when there is more to lose without a line than a line costs."""

from typing import Any, Final, cast

from singer_sdk.helpers import types
from singer_sdk.helpers._state import StateWriter
from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import StateMessage
from typing_extensions import override

from tap_m365hunting.output import WholeLines

#: The worth of one finished window or partition, in bytes: reading a window again costs a call.
WINDOW_BYTES: Final = 1_000


class WorthwhileStateWriter(StateWriter):
    """Writes the state of a run once the records since the last STATE outweigh a STATE line.

    A STATE holds the bookmarks of all streams and tenants, so a line for every window would make
    the output grow with the square of tenants times streams. Instead a line is due once the bytes
    written since the last one, plus `WINDOW_BYTES` for each request, exceed the size of the last
    line. So all STATE lines together are no longer than all other lines, plus `WINDOW_BYTES` a
    window, plus two lines.

    After a kill the next run reads again less than one line's worth: records of as many bytes as
    the STATE line has, and at most one window for each `WINDOW_BYTES` of the line. With few streams
    a line is shorter than `WINDOW_BYTES`, and every window has its STATE.
    """

    def __init__(self, writer: GenericSingerWriter[Any, Any]) -> None:
        super().__init__(writer)
        self._writer = writer
        self._last: str | None = None
        self._written_before = 0
        self._written_with_last = 0
        self._requests = 0

    @override
    def write_state(self, state: types.TapState) -> None:
        """Write the state if a line is due; `flush` makes up for lines left out."""
        self._requests += 1
        if self._worth() >= len(self._last or ""):
            self._write(state)

    def flush(self, state: types.TapState) -> None:
        """Write the state, unless it is the last line already, or has no bookmark.

        A loader may forget a STATE when records follow, so the same state is written once more
        behind them.
        """
        if self._last is not None or any(state.get("bookmarks", {}).values()):
            self._write(state, again=self._written() > self._written_with_last)

    def _write(self, state: types.TapState, *, again: bool = False) -> None:
        line = self._writer.format_message(StateMessage(value=cast(dict[str, Any], state)))
        if again or line != self._last:
            self._writer.write_message(StateMessage(value=cast(dict[str, Any], state)))
            self._last, self._written_with_last = line, self._written()
        self._requests, self._written_before = 0, self._written()

    def _worth(self) -> int:
        return self._written() - self._written_before + self._requests * WINDOW_BYTES

    def _written(self) -> int:
        return self._writer.written if isinstance(self._writer, WholeLines) else 0
