"""Files that a person names: their text, their JSON, or in a few words why there is none.

No content is shown.
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable
from functools import partial
from json import loads
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

#: UTF-8; a byte order mark, which editors on Windows put first, is none of the text.
ENCODING: Final = "utf-8-sig"
#: The most bytes of a file of settings, or of one that settings name: 100,000 tenants fit in.
MOST_BYTES: Final = 1 << 26
# Opens a pipe without waiting for a writer
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)

#: The deepest lists and objects in JSON; deeper ones end in the middle of a run.
DEEPEST: Final = 100
_TOO_DEEP: Final = f"is not JSON that can be read: it is nested too deeply, beyond {DEEPEST} levels"
# Of integers beyond 4,300 digits Python's own refusal tells how to change Python
_MOST_DIGITS: Final = 1_000


class TooLargeError(ValueError):
    """A file holds more bytes than any of its kind, as a device does."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it holds more than {most >> 20:,} MiB")


def read_utf8(path: Path) -> str:
    """Return the text of a file, which may be a pipe, with a plain line feed at each line's end.

    Raises:
        OSError, ValueError: it cannot be read, is no UTF-8, or holds more than `MOST_BYTES`.
    """
    with path.open("rb") as file:
        text = bounded(file).decode(ENCODING)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def bounded(file: BinaryIO, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file of at most so many bytes.

    Raises:
        TooLargeError: it holds more.
    """
    content = file.read(most + 1)
    if len(content) > most:
        raise TooLargeError(most)
    return content


def open_regular(path: Path) -> BinaryIO:
    """Open a file that is read again and again; a pipe would wait for a writer without an end.

    Raises:
        OSError: it cannot be opened, or is a pipe, a device or a folder.
    """
    file = open(path, "rb", opener=_at_once)  # noqa: SIM115 - whoever asks closes the file
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file")
    return file


def _at_once(name: str, flags: int) -> int:
    return os.open(name, flags | _AT_ONCE)


def text_from(read: Callable[[], str]) -> str:
    """Return the text read.

    Raises:
        ValueError: no text can be read; the message follows the file's name, and quotes no content.
    """
    try:
        return read()
    except (OSError, ValueError) as error:
        msg = f"cannot be read: {_why(error)}"
        raise ValueError(msg) from error


def json_from(text: str, *, twice: Callable[[str], None] = lambda _: None) -> Any:  # noqa: ANN401 - JSON
    """Return the value of a JSON text; `twice` is told each key repeated in an object.

    Raises:
        ValueError: the text is no JSON; the message follows the file's name, and quotes no content.
    """
    if not text.strip():
        msg = "is empty"
        raise ValueError(msg)
    try:
        value = loads(
            text,
            object_pairs_hook=partial(_object, twice=twice),
            parse_int=_whole_number,
            parse_float=_finite,
            parse_constant=_no_number,
        )
    except ValueError as error:
        msg = f"is not JSON: {error}"
        raise ValueError(msg) from error
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if _is_deeper(value, DEEPEST):
        raise ValueError(_TOO_DEEP)
    return value


def object_from(text: str, *, twice: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Return the object of a JSON text, as `json_from` does.

    Raises:
        ValueError: the text is no JSON, or no object.
    """
    content = json_from(text, twice=twice)
    if not isinstance(content, dict):
        msg = "must hold an object"
        raise ValueError(msg)  # noqa: TRY004 - of what a file holds
    return content


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        msg = f"a number has {len(digits):,} digits, of at most {_MOST_DIGITS:,}"
        raise ValueError(msg)
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _no_number(digits)


def _no_number(name: str) -> NoReturn:
    msg = f"a number is {name if name == 'NaN' else 'infinite'}, which JSON has no word for"
    raise ValueError(msg)


def _is_deeper(value: object, levels: int) -> bool:
    """Say if lists and objects are nested deeper than so many levels."""
    layer = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        inner = (held.values() if isinstance(held, dict) else held for held in layer)
        layer = [held for values in inner for held in values if isinstance(held, dict | list)]
    return bool(layer)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, TooLargeError):
        return str(error)
    return "no file has such a name"


def _object(pairs: list[tuple[str, Any]], twice: Callable[[str], None]) -> dict[str, Any]:
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            twice(key)
    return dict(pairs)
