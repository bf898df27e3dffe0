"""Sources as messages may show them: a URL without user, password and options.

What a driver says of a URL may quote any part of the URL, so the same parts are taken out of it.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

from tap_m365hunting.configuration.file_names import is_there, shown_name
from tap_m365hunting.known_secrets import without_secrets

_PLACE: Final = re.compile(r"(?:[\w.-]{1,80}|\[[\da-fA-F:.]+\])?(?::\d{1,5})?(?:/[\w./-]{0,200})?")
_SCHEME: Final = re.compile(r"[a-z][a-z\d+]{0,30}", re.IGNORECASE)
_USER: Final = re.compile(r"[A-Za-z_.-]{1,24}")
_OPTION: Final = re.compile(r"[a-z_]{1,24}")
_MIXED: Final = re.compile(r"[A-Za-z]\d+[A-Za-z]\w{8}|\w{8}[A-Za-z]\d+[A-Za-z]")
# Options with values that are words of the database's own
_PUBLIC: Final = frozenset(
    {"application_name", "channel_binding", "client_encoding", "connect_timeout", "sslmode"}
)


def shown_source(source: str) -> str:
    """Return a source as a message may show it.

    >>> shown_source("postgresql://u:hidden@db.example:5432/hunting?sslpassword=hidden")
    'postgresql://db.example:5432/hunting'
    >>> shown_source("postgresql://u:p@hid@den?x=a@b"), shown_source("gone.jsonl")
    ('a database (postgresql)', 'gone.jsonl')
    """
    if "://" not in source:
        shown = shown_name(source)
        return source if is_there(source) or shown == repr(source) else shown
    scheme, _, rest = source.partition("://")
    if not _SCHEME.fullmatch(scheme):
        return "a database"
    user, at, behind = rest.rpartition("@")
    place = behind.partition("?")[0]
    plain = not _MIXED.search(place) and not (at and ("@" in user or "?" in user))
    return f"{scheme}://{place}" if plain and _PLACE.fullmatch(place) else f"a database ({scheme})"


def without_parts(url: str, text: str) -> str:
    """Return a text about a URL without the parts of the URL that may be secrets."""
    return without_secrets({form for part in _parts(url) for form in _decoded(part)}, text)


def _parts(url: str) -> Iterator[str]:
    rest = url.partition("://")[2]
    named, at, behind = rest.rpartition("@")
    user, *others = re.split(r"[:@]", named)
    yield from (others if _USER.fullmatch(user) else [user, *others])
    place, _, options = (behind if at else rest).partition("?")
    if shown_source(url) != f"{url.partition('://')[0]}://{place}":
        yield from re.split(r"[:/?&=]", place)
    for option in options.split("&"):
        key, _, value = option.partition("=")
        if key not in _PUBLIC:
            yield value
        if not _OPTION.fullmatch(key):
            yield key


def _decoded(part: str) -> set[str]:
    return {part, unquote(part), unquote_plus(part)}
