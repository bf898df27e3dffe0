"""Waiting that ends: each wait has a most, and looks whether those that it waits for are alive."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo.errors import DemoError


@dataclass(frozen=True, slots=True)
class Patience:
    """The most seconds to wait for something, and how often to look."""

    what: str
    seconds: float
    every: float = 0.5

    def until(
        self,
        there: Callable[[], bool],
        *,
        alive: Sequence["subprocess.Popen[bytes]"] = (),
    ) -> float:
        """Return the seconds that passed until something is there.

        Raises:
            DemoError: too many passed, or a program ended meanwhile.
        """
        started = time.monotonic()
        while not there():
            for process in alive:
                if process.poll() is not None:
                    msg = f"{process.args!r} ended with status {process.returncode}"
                    raise DemoError(msg)
            if time.monotonic() - started > self.seconds:
                msg = f"Waited {self.seconds:.0f} s for {self.what}"
                raise DemoError(msg)
            time.sleep(self.every)
        return time.monotonic() - started
