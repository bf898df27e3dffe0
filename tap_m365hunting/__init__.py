"""Singer tap for Microsoft 365 Defender advanced hunting queries."""
