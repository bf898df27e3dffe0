"""Names of files as messages may show them.

A secret may stand where the name of a file belongs, and many a secret could be a name: secrets of
Entra ID have dots, keys in base64 have slashes. So a name is shown if it leads somewhere, or has a
form that no secret is made in: words, with a usual ending or in folders.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNSHOWN: Final = "(not shown, as it is no name of a file)"

_LONGEST: Final = 512
_NAME: Final = re.compile(r"[\w .,~+@:/\\()=-]+")
# Secrets in any place: a token (RFC 7519), a client secret as Entra ID makes it, an address, PEM,
# and a part of a key: letters of both cases and digits, without an end
_SECRET: Final = re.compile(
    r"eyJ[\w-]{10}|[\w.~-]{3}\dQ~[\w.~-]{20}|://|-----"
    r"|(?=\w*[A-Z])(?=\w*[a-z])(?=\w*\d)[\w+=~-]{33}",
    re.ASCII,
)
_ROOT: Final = re.compile(r"[A-Za-z]:[\\/]|~?/")
_GUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[/\\ ._,()+-]+")
_WORD: Final = re.compile(r"[^\W\d_]{1,24}\d{0,4}|\d{1,8}")
_FOLDERS: Final = re.compile(r"(?:\.{0,2}/|~/)?(?:[a-z]{2,24}[/._-])*[a-z]{2,24}")
_ENDING: Final = re.compile(
    r"\.(?:bak|bin|cache|cer|cert|cfg|conf|config|crt|csl|csv|dat|der|env|gz|ini|jks|jsonl?|jwt|key|"
    r"kql|kusto|log|md|p12|pem|pfx|sql|state|tmp|tok|token|toml|txt|xml|ya?ml)$",
    re.IGNORECASE,
)


def shown_name(name: str | Path) -> str:
    """Return the name of a file as a message may show it: quoted, or not at all.

    >>> shown_name("certs/tap.pem"), shown_name("/gone/token")
    ("'certs/tap.pem'", "'/gone/token'")
    >>> shown_name("iK28Q~iGp.58WAm_dX3a5IDnOdcdbWB2dC4.DSDC"), shown_name("Passw0rd.")
    ('(not shown, as it is no name of a file)', '(not shown, as it is no name of a file)')
    """
    text = str(name)
    fits = len(text) <= _LONGEST and _NAME.fullmatch(text) is not None
    if not fits or _SECRET.search(text):
        return UNSHOWN
    return repr(text) if is_there(text) or _is_usual(text) else UNSHOWN


def is_there(name: str | Path) -> bool:
    """Return whether a name leads to a file or a folder."""
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # it is too long, or no name at all
        return False


def _is_usual(text: str) -> bool:
    """Return whether a name that leads nowhere has a form that no secret is made in."""
    folder = _deepest_folder(Path(text))
    rest = str(Path(text).relative_to(folder)) if folder else _ROOT.sub("", text, count=1)
    if not all(map(_WORD.fullmatch, _words(rest))):
        return False
    return folder is not None or _ENDING.search(text) is not None or _is_in_folders(text)


def _deepest_folder(path: Path) -> Path | None:
    """Return the nearest folder above that is there; neither the root nor the working folder."""
    found = next(filter(is_there, path.parents), None)
    named = found is not None and any(part not in {found.anchor, ".."} for part in found.parts)
    return found if named else None


def _words(text: str) -> Iterator[str]:
    return filter(None, _BETWEEN.split(_GUID.sub("", text)))


def _is_in_folders(text: str) -> bool:
    return "/" in text and _FOLDERS.fullmatch(text) is not None
