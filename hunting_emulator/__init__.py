"""A local stand-in for the Microsoft 365 Defender advanced hunting service."""
