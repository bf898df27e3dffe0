"""A local stand-in for the Microsoft 365 Defender advanced hunting service.

>>> from hunting_emulator import Emulator
>>> with Emulator() as emulator:
...     emulator.graph_url.startswith("https://localhost:")
True
"""

from hunting_emulator.emulator import Emulator

__all__ = ["Emulator"]
