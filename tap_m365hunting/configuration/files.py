"""Files that a person names: their text, their JSON, or in a few words why there is none.

A file of secrets may stand where one of KQL belongs; no content is shown.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from json import loads
from pathlib import Path
from typing import Any, Final

#: UTF-8; a byte order mark, which editors on Windows put first, is none of the text.
ENCODING: Final = "utf-8-sig"
READ_UTF8: Final = partial(Path.read_text, encoding=ENCODING)

# Kinds of files given in the place of KQL, by the first line that is no comment
_COMMENTS: Final = re.compile(r"\s*(?:(?://|#)[^\n]*(?:\n\s*|$))*")
_FOREIGN: Final[Mapping[str, re.Pattern[str]]] = {
    "a key or a certificate": re.compile(r".*?-----BEGIN [A-Z0-9 ]+-----", re.DOTALL),
    "a token": re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*\s*$"),
    "settings, as a .env file": re.compile(r"(?:export\s+)?[A-Za-z_][\w.-]*[ \t]*=(?![=~])"),
    "JSON": re.compile(r"\{"),
    "YAML": re.compile(r"---\s|[A-Za-z_][\w-]*:\s"),
}


def not_kql(text: str) -> str | None:
    """Name the kind of a text that is surely no query; `None` for any other.

    >>> not_kql("CLIENT_SECRET=hunter2"), not_kql("let n = 5; T | take n")
    ('settings, as a .env file', None)
    """
    start = _COMMENTS.sub("", text, count=1)
    kinds = (kind for kind, form in _FOREIGN.items() if form.match(start))
    return next(kinds, "JSON" if _is_json_list(start) else None)


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
        return loads(text, object_pairs_hook=partial(_object, twice=twice))
    except ValueError as error:
        msg = f"is not JSON: {error}"
        raise ValueError(msg) from error
    except RecursionError as error:
        msg = "is not JSON that can be read: it is nested too deeply"
        raise ValueError(msg) from error


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


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return "no file has such a name"


def _object(pairs: list[tuple[str, Any]], twice: Callable[[str], None]) -> dict[str, Any]:
    for key, times in Counter(key for key, _ in pairs).items():
        if times > 1:
            twice(key)
    return dict(pairs)


def _is_json_list(text: str) -> bool:
    try:
        return text.startswith("[") and isinstance(loads(text), list)
    except (ValueError, RecursionError):
        return False
