"""A made-up tenant: events in bulk, and one attack told across the tables."""

from hunting_emulator.data.generate import generate

__all__ = ["generate"]
