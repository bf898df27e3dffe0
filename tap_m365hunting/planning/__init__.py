"""Spans of time to ask for, and the progress of a stream. Pure."""
