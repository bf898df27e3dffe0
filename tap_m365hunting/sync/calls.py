"""Calls as a reader takes them: made by others, awaited one after another."""

from typing import Protocol, TypeVar

from tap_m365hunting.planning.windows import AnswerTimes, Ask
from tap_m365hunting.wire.answer import QueryResult


class Asked(Protocol):
    """A call that was made, whose answer may be awaited."""

    @property
    def text(self) -> str:
        """The KQL sent."""

    @property
    def times(self) -> AnswerTimes | None:
        """When it was asked and answered, once it is."""

    @property
    def tries(self) -> int:
        """How often it was made."""

    def again(self) -> None:
        """Make it anew when its answer is next awaited."""

    def answer(self) -> QueryResult:
        """Wait for the answer, which belongs to the caller."""


C = TypeVar("C", bound=Asked)


class Calls(Protocol[C]):
    """The calls that are made for the asks of a planner, as `PartitionSync` makes them."""

    def take(self) -> tuple[Ask, C] | None:
        """Return the call for the oldest window; `None` if there is none, and none to make."""

    def used(self, call: C) -> None:
        """Take note that the answer has been used."""

    def fill(self) -> None:
        """Make further calls, if some may be made."""
