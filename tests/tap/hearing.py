"""Hears what is logged, at every level and by every library."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heard() -> Iterator[io.StringIO]:
    """Hear every log line of every library at its most talkative."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    loggers = [root, *map(logging.getLogger, ["tap-m365hunting", "msal", "urllib3", "requests"])]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield text
    finally:
        root.removeHandler(handler)
        for logger, before in zip(loggers, levels, strict=True):
            logger.setLevel(before)
        root.setLevel(level)
