"""A made-up tenant: events in bulk and one attack told across them."""

from hunting_emulator.data.generate import generate

__all__ = ["generate"]
