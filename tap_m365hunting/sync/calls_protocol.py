"""What reading a query needs of those who say what to ask, and of those who ask it."""

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeVar

from tap_m365hunting.instants import Instant
from tap_m365hunting.planning import windows
from tap_m365hunting.planning.windows import Ask, CountAsk, ReadAsk, Unreadable, WindowDone
from tap_m365hunting.wire.answer import Answer


class Asked(Protocol):
    """A call that was made, whose answer may be awaited."""

    @property
    def text(self) -> str:
        """What was asked."""

    def answer(self) -> Answer:
        """Wait for the answer, which belongs to the caller."""


C = TypeVar("C", bound=Asked)


class Calls(Protocol[C]):
    """The calls that are made for what a planner asks, as `sweeps.Sweep` makes them."""

    def take(self) -> tuple[Ask, C] | None:
        """Return the call for the oldest window; `None` if there is none, and none to make."""

    def used(self, call: C) -> None:
        """Take note that the answer has been used."""

    def fill(self) -> None:
        """Make further calls, if some may be made."""


class Planner(Protocol):
    """What to ask, as `planner.Planner` and `parts.TablePlanner` say it."""

    @property
    def unreadable(self) -> Unreadable | None:
        """What fails even at its narrowest."""

    @property
    def hopeless(self) -> bool:
        """Whether skipping may not help: the service may be down, and no window bad."""

    def next(self) -> Ask | None:
        """Return the next ask."""

    def counted(self, ask: CountAsk, counts: Mapping[Instant, int]) -> None:
        """Take the rows per bin."""

    def answered(self, ask: ReadAsk, answer: windows.Answer) -> Instant | None:
        """Take what came; return the instant before which its rows may be used, `None` for all."""

    def too_large(self, ask: Ask, reason: str, *, size: bool = False) -> None:
        """Take a refusal."""

    def skip(self) -> None:
        """Give up what is unreadable."""

    def drain(self) -> Iterator[WindowDone]:
        """Yield what was finished since."""
