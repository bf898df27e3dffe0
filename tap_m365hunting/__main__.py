"""Starts the tap: `python -m tap_m365hunting`, and the command `tap-m365hunting`."""

import gc
from signal import SIGINT, signal
from types import FrameType


def main() -> None:
    """Load the tap with the collector at rest, then run it.

    Of 900 modules nothing becomes garbage while they load, yet looking for it takes a quarter of a
    short run; frozen, they are not looked through when the process ends, either.
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
