"""Calls as a reader takes calls: made elsewhere, awaited one after another."""

from typing import Protocol, TypeVar

from tap_m365hunting.planning.windows import AnswerTimes, Ask
from tap_m365hunting.wire.answer import QueryResult


class Asked(Protocol):
    """A call on its way to an answer."""

    @property
    def text(self) -> str:
        """The KQL sent."""

    @property
    def times(self) -> AnswerTimes | None:
        """The times of question and answer, once there is an answer."""

    @property
    def tries(self) -> int:
        """The number of times that the call was made."""

    def again(self) -> None:
        """Make the call anew when an answer is next awaited."""

    def answer(self) -> QueryResult:
        """Wait for the answer; the caller closes the answer."""


C = TypeVar("C", bound=Asked)


class Calls(Protocol[C]):
    """The calls for the asks of a planner, as `PartitionSync` makes calls."""

    def take(self) -> tuple[Ask, C] | None:
        """Return the call for the oldest window; `None` with no call out or to make."""

    def used(self, call: C) -> None:
        """Take note of the use of the answer."""

    def fill(self) -> None:
        """Make further calls, if some may be made."""
