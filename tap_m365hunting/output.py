"""Singer lines to standard output, each whole, whenever a signal comes."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from singer_sdk.singerlib import Message
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

# What a shell reports of a process that a signal ended.
_SIGNALLED: Final = 128


class Terminated(SystemExit):
    """The process was asked to end; the exit status is 128 plus the signal, as a shell has it."""

    def __init__(self, signum: int) -> None:
        super().__init__(_SIGNALLED + signum)


class Signals:
    """Ends the process when a signal comes, but never in the middle of a line."""

    def __init__(self) -> None:
        self._holding = False
        self._pending: int | None = None

    def handle(self, signum: int, _frame: FrameType | None = None) -> None:
        """Take a signal: leave now, or as soon as what is held is written.

        Raises:
            Terminated: nothing is held back.
        """
        if self._holding:
            self._pending = signum
        else:
            raise Terminated(signum)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Put off signals until the block is done."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._pending is not None:
            raise Terminated(self._pending)


class WholeLines(SimpleSingerWriter):
    """Writes each Singer message as one line, which a signal cannot cut.

    The SDK's own handler ends with status 0 and may write a STATE into the middle of a RECORD.
    """

    def __init__(self, signals: Signals) -> None:
        super().__init__()
        self._signals = signals

    @override
    def write_message(self, message: Message) -> None:
        with self._signals.held():
            super().write_message(message)
