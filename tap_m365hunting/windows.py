"""Which spans of time to ask for, in which order.

Pure: told what the service answered, it says what to ask next. Nothing here waits or calls.
"""

from dataclasses import dataclass
from typing import Self

from tap_m365hunting.instants import Instant


@dataclass(frozen=True, slots=True, order=True)
class TimeWindow:
    """A half-open span of time: `start` is in it, `end` is not.

    Neighbours share a bound, so a row falls in exactly one window.
    """

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        if self.start >= self.end:
            msg = f"Window starts at {self.start}, not before its end {self.end}"
            raise ValueError(msg)

    @property
    def ticks(self) -> int:
        """The window's width in ticks of 100 ns, at least 1."""
        return self.end.ticks - self.start.ticks

    def halves(self) -> tuple[Self, Self]:
        """Cut in the middle; the parts share the cut and cover the window.

        Raises:
            ValueError: the window is a single tick wide.
        """
        middle = self.start.plus(self.ticks // 2)
        return type(self)(self.start, middle), type(self)(middle, self.end)


@dataclass(frozen=True, slots=True)
class HashPart:
    """The rows whose hash, divided by `of`, leaves `index`. Together the parts hold every row."""

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            msg = f"Hash part {self.index} of {self.of} does not exist"
            raise ValueError(msg)
