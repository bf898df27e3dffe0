"""Results held on disk until their rows are proven."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.planning.windows import TimeWindow
from tap_m365hunting.wire.answer import QueryResult


class HeldResults:
    """The results of each window's hash parts, in one temporary file a window."""

    def __init__(self) -> None:
        self._files = dict[TimeWindow | None, BinaryIO]()
        self._results = dict[TimeWindow | None, list[QueryResult]]()

    def hold(self, window: TimeWindow | None, result: QueryResult) -> None:
        """Copy a result; the caller's own may be closed.

        Raises:
            FatalAPIError: the folder for temporary files has no room.
        """
        try:
            if window not in self._files:
                self._files[window] = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - `drop` closes
            held = result.moved(self._files[window])
        except OSError as error:
            msg = f"No room for rows in the folder for temporary files: {error}; check TMPDIR"
            raise FatalAPIError(msg) from error
        self._results.setdefault(window, []).append(held)

    @contextmanager
    def taken(self, window: TimeWindow | None) -> Iterator[Sequence[QueryResult]]:
        """Yield the results of a window, in the order of arrival, and drop them after."""
        try:
            yield self._results.get(window, ())
        finally:
            self.drop(window)

    def drop(self, window: TimeWindow | None) -> None:
        """Forget the results of a window, if there are any."""
        self._results.pop(window, None)
        if file := self._files.pop(window, None):
            file.close()

    def close(self) -> None:
        """Forget all results."""
        for window in list(self._files):
            self.drop(window)
