"""Starts the tap: `python -m tap_m365hunting`, and the commands `tap-m365hunting`, `m365hunting`.

Of 900 modules none becomes garbage while loading, yet looking for garbage takes a quarter of a
short run; frozen modules are not searched at the end of the process, either. So modules are loaded
with the collector at rest.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, signal
from types import FrameType


def main() -> None:
    """Load and run the tap."""
    signal(SIGINT, _interrupted)  # until the tap handles it
    with _loading():
        from tap_m365hunting import tap_command  # noqa: PLC0415 - this import is what takes long
    tap_command.main()


def commands() -> None:
    """Load and run the commands for people."""
    with _loading():
        from tap_m365hunting import cli  # noqa: PLC0415 - this import is what takes long
    cli.main()


@contextmanager
def _loading() -> Iterator[None]:
    """Keep the collector at rest, and what was loaded out of its sight."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _interrupted(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    main()
