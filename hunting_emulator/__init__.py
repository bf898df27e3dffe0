"""A local stand-in for the Microsoft 365 Defender advanced hunting service.

>>> from hunting_emulator import Emulator
>>> with Emulator() as emulator:
...     emulator.graph_url.startswith("https://localhost:")
True
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunting_emulator.emulator import Emulator

__all__ = ["Emulator"]


def __getattr__(name: str) -> object:
    """Import the emulator on first use: the command has to start without the extra."""
    if name != "Emulator":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from hunting_emulator.emulator import Emulator  # noqa: PLC0415 - needs the extra

    return Emulator
