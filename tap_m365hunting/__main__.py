"""Starts the tap: `python -m tap_m365hunting`, and the command `tap-m365hunting`."""

import gc
from signal import SIGINT, signal
from types import FrameType


def main() -> None:
    """Load the tap with the collector at rest, then run the tap.

    Of 900 modules none becomes garbage while loading, yet looking for garbage takes a quarter of a
    short run; frozen modules are not searched at the end of the process, either.
    """
    signal(SIGINT, _interrupted)  # until the tap handles it
    gc.disable()
    from tap_m365hunting import tap_command  # noqa: PLC0415 - this import is what takes long

    gc.freeze()
    gc.enable()
    tap_command.main()


def _interrupted(signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    main()
