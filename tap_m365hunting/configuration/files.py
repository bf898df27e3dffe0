"""Files that a person names: their text, their JSON, or in a few words why there is none."""

from collections.abc import Callable
from functools import partial
from json import loads
from pathlib import Path
from typing import Any, Final

#: UTF-8; a byte order mark, which editors on Windows put first, is none of the text.
ENCODING: Final = "utf-8-sig"
READ_UTF8: Final = partial(Path.read_text, encoding=ENCODING)


def text_from(read: Callable[[], str]) -> str:
    """Return what is read.

    Raises:
        ValueError: nothing can be; the message is to follow the file's name, and shows none of it.
    """
    try:
        return read()
    except (OSError, ValueError) as error:
        msg = f"cannot be read: {_why(error)}"
        raise ValueError(msg) from error


def json_from(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return what a JSON text says.

    Raises:
        ValueError: it is none; the message is to follow the file's name, and shows none of it.
    """
    if not text.strip():
        msg = "is empty"
        raise ValueError(msg)
    try:
        return loads(text)
    except ValueError as error:
        msg = f"is not JSON: {error}"
        raise ValueError(msg) from error
    except RecursionError as error:
        msg = "is not JSON that can be read: it is nested too deeply"
        raise ValueError(msg) from error


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return "no file has such a name"
