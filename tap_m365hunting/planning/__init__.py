"""Which spans of time to ask for, and how far a stream is complete. Pure."""
