r"""Texts that are surely no KQL: files of secrets, given in the place of a query. Pure.

A query is sent to a service, which keeps it in logs; so such a text is refused before, by its kind.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from tap_m365hunting.printable import is_token

_COMMENTS: Final = re.compile(r"\s*(?:(?://|#)[^\n]*(?:\n\s*|$)|/\*.*?\*/\s*)*", re.DOTALL)
_KEY: Final = r"(?:[A-Za-z_][\w.-]*|\"[\w. -]+\"|'[\w. -]+')"
_DIGITS: Final = re.compile(r"[0-9A-Fa-f]{32,}")
# By the first line that is no comment; an option of KQL has a plain value and a semicolon
_KINDS: Final[Mapping[str, re.Pattern[str]]] = {
    "a key or a certificate": re.compile(
        r"(?s:.*?-----BEGIN [A-Z0-9 ]+-----)|(?:ssh-\w+|ecdsa-[\w-]+|sk-[\w@.-]+)\s+AAAA"
    ),
    "a token": re.compile(r"(?:bearer|basic)\s+[\w.~+/=-]{8,}\s*$", re.IGNORECASE | re.MULTILINE),
    "settings, as a .env file": re.compile(
        rf"(?:export\s+|declare\s+-\w+\s+)?\"?{_KEY}[ \t]*[?:+]?=(?![=~])"
        r"|set\s+\"?\w+=(?![^;=\n]*;)|set(?:x|env)\s+\w+\s|\$[\w:{}]+[ \t]*=|@echo\b"
        r"|\[[\w .\\-]+\]\s*(?:\n|::|$)|Windows Registry Editor",
        re.MULTILINE,
    ),
    "passwords, as a .netrc or a .pgpass file": re.compile(
        r"(?:machine\s+\S+|default)\s+(?:login|password|account)\b"
        r"|[^\s:|]+:(?:\d+|\*):[^\s:|]*:[^\s:|]*:\S"
    ),
    "JSON": re.compile(
        r"\{|\[(?:\s|//[^\n]*|#[^\n]*|(?s:/\*.*?\*/))*(?:[{\[]|\"[^\"\n]*\"(?:\s|//[^\n]*)*,)"
    ),
    "YAML": re.compile(rf"---\s|(?:-\s+)*{_KEY}[ \t]*:\s|(?:-\s+)+\S+\s*$", re.MULTILINE),
    "XML": re.compile(r"<[?!/A-Za-z]"),
}


def not_kql(text: str) -> str | None:
    """Name the kind of a text that is surely no query; `None` for any other.

    >>> not_kql("CLIENT_SECRET=hunter2"), not_kql("let n = 5; T | take n")
    ('settings, as a .env file', None)
    """
    start = _COMMENTS.sub("", text, count=1)
    kinds = (kind for kind, form in _KINDS.items() if form.match(start))
    return next(kinds, None) or _other_kind(start)


def _other_kind(start: str) -> str | None:
    lines = start.split()
    word = "".join(lines) if len(lines) <= len(start.splitlines()) else ""
    if is_token(word) or _DIGITS.fullmatch(word):
        return "a token"  # also where it goes over several lines
    return "JSON" if _is_json_list(start) else None


def _is_json_list(text: str) -> bool:
    try:
        return text.startswith("[") and isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False
