"""Log records without secrets and without forged lines, whoever the writer or the formatter.

The tap's own code logs only publishable text. The libraries below log bodies, headers and URLs, and
their errors quote the same, so of a library's record only the constant part is kept: the template
of the message, and the line of code. A traceback is written at debug level, with foreign errors
named by their class.
"""

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import singer_sdk
from singer_sdk.exceptions import SingerSDKError
from singer_sdk.metrics import Point

from tap_m365hunting.printable import printable

_OWN: Final = f"{Path(__file__).parent}{os.sep}"
_SDK: Final = f"{Path(singer_sdk.__file__).parent}{os.sep}"
# `captureWarnings` of the standard library: file, line and category, then the text
_WARNING: Final = re.compile(r"[^\n]{0,300}?:\d+: \w+")


def guard_logs() -> None:
    """Let all records of the process be guarded, whatever the formatters and handlers."""
    logging.setLogRecordFactory(_GuardedRecord)
    logging.raiseExceptions = False  # a record that cannot be written would be shown with its parts
    sys.excepthook = _log_uncaught


class _GuardedRecord(logging.LogRecord):
    """A record with a final text: a single line, without open arguments."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (of the standard library)
        super().__init__(*args, **options)
        if self._is_metric:
            return
        error = self.exc_info[1] if self.exc_info else None
        self.msg, self.args = printable(_text(self, error)), ()
        self.exc_info = None
        if error and logging.getLogger().isEnabledFor(logging.DEBUG):
            self.exc_text = "\n".join(traceback_lines(error))

    @property
    def _is_metric(self) -> bool:
        """Whether the record is an SDK metric, in a form of its own."""
        return isinstance(self.args, tuple) and any(isinstance(arg, Point) for arg in self.args)


def traceback_lines(error: BaseException) -> Iterator[str]:
    """Yield a traceback without the texts of foreign errors, the first cause first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield from traceback_lines(cause)
        yield "which led to:"
    yield "Traceback (most recent call last):"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  File {printable(frame.filename)!r}, line {frame.lineno}, in {frame.name}"
    yield named(error)


def named(error: BaseException) -> str:
    """Name an error by its class, and by its text for errors of the tap or the SDK.

    >>> named(ValueError("invalid literal: 'a secret'"))
    'ValueError'
    """
    kind = type(error).__name__
    return f"{kind}: {printable(str(error))}" if isinstance(error, SingerSDKError) else kind


def _text(record: logging.LogRecord, error: BaseException | None) -> str:
    if record.pathname.startswith(_OWN):
        return record.getMessage()
    if record.name == "py.warnings":
        found = _WARNING.match(record.getMessage())
        return found[0] if found else "a warning"
    if record.pathname.startswith(_SDK) and record.levelno > logging.DEBUG:
        return _failure(error) if error else record.getMessage()
    template = f"{record.msg}" if record.args and isinstance(record.msg, str) else "a message"
    return f"{template} (text withheld, as it may hold a secret; {record.filename}:{record.lineno})"


def _failure(error: BaseException) -> str:
    """Name the error that ended the run, and its place."""
    if isinstance(error, SingerSDKError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_OWN)] or frames
    place = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return (
        f"A fault in the tap, {type(error).__name__}{place}; please report it, with the log of a "
        "run whose LOGLEVEL is debug"
    )


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log an uncaught error, in the form of all other lines."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("%s", _failure(error), exc_info=(kind, error, trace))
