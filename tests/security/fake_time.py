"""The time of a command: a wait ends at once, and the clocks move on by it.

With `TIME_FOLDER` a test shares in it: the file `slept` there has the seconds waited, and the file
`step` the seconds by which somebody has set the machine's clock forward.
"""

import os
from pathlib import Path
from time import monotonic, sleep, time
from typing import Final

SHARED: Final = "TIME_FOLDER"


class FakeTime:
    """Clocks and waits of one command."""

    def __init__(self) -> None:
        self._slept = 0.0

    def sleep(self, seconds: float) -> None:
        """Wait for nothing, and move the clocks on."""
        self._slept += seconds
        if SHARED in os.environ:
            share("slept", self._slept, Path(os.environ[SHARED]))
        sleep(min(seconds, 0.001))

    def timer(self) -> float:
        """Return seconds that no step of a clock changes."""
        return monotonic() + self._slept

    def clock(self) -> float:
        """Return the time of the machine's clock, which may have been set."""
        return time() + self._slept + (shared("step") if SHARED in os.environ else 0.0)


def share(name: str, seconds: float, folder: Path) -> None:
    """Write a file whole, as the other side may read meanwhile."""
    written = folder / f"{name}.part"
    written.write_text(str(seconds), "utf-8")
    written.replace(folder / name)


def shared(name: str, folder: Path | None = None) -> float:
    """Return the seconds in a file that test and command share; 0 where there is none."""
    file = (folder or Path(os.environ[SHARED])) / name
    return float(file.read_text("utf-8")) if file.is_file() else 0.0
