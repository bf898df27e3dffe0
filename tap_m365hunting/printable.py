"""Text of strangers, made fit for a log or a terminal. Pure.

A message may repeat a token that it was sent, or hold one that it should hand out elsewhere.

A name or a message that the service sends may hold an escape sequence that clears a terminal, a
line end that begins a log line of its own, or a mark that turns the direction of reading.
"""

import re
from typing import Final

# A JWT (RFC 7519), whole or cut, and what has its form; names of hosts have shorter parts
_TOKEN: Final = re.compile(
    r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}|[\w-]{8,}\.[\w-]{16,}\.[\w-]{5,}|(?<=Bearer )\S+", re.ASCII
)

# The form of a slip of the pen: words, times, a table with its operators
_PLAIN: Final = re.compile(r"(?s:(?!.*-----))[\w\s.,:;|*?<>()'-]{0,80}")
_BREAKS: Final = re.compile(r"[ ,:;|()'<>]")
# A digit between letters, as in tokens, keys and made passwords; names have digits at their ends
_MIXED: Final = re.compile(r"[A-Za-z]\d+[A-Za-z]")
_SHORTEST_SECRET: Final = 12
_SHORTEST_TOKEN: Final = 20
_FEWEST_MIXED: Final = 3
_TOKEN_WORD: Final = re.compile(r"[\w.~+/=-]+", re.ASCII)
_LONG_WORD: Final = re.compile(r"[\w.~+/=-]{20,}", re.ASCII)
# MD5, SHA-1, SHA-256 and a GUID, which queries look for
_HASH: Final = re.compile(r"=*(?:[\da-f]{32}|[\da-f]{40}|[\da-f]{64}|[\da-f-]{36})", re.IGNORECASE)
_UNSHOWN: Final = "(not shown, as it may be a secret)"


def without_tokens(text: str) -> str:
    """Return the text with stars in the place of what may be a token.

    >>> without_tokens("Bearer abc of graph.microsoft.com: eyJhbGciOiJub25lIn0.e30.")
    'Bearer *** of graph.microsoft.com: ***'
    """
    return _TOKEN.sub("***", text)


def is_token(word: str) -> bool:
    """Return whether a long word is made like a token, a key or a client secret; no hash is.

    >>> is_token("iK28Q~iGp.58WAm_dX3a"), is_token("d41d8cd98f00b204e9800998ecf8427e")
    (True, False)
    """
    if len(word) < _SHORTEST_TOKEN or _HASH.fullmatch(word) or not _TOKEN_WORD.fullmatch(word):
        return False
    return word.startswith("eyJ") or "Q~" in word or len(_MIXED.findall(word)) >= _FEWEST_MIXED


def masked(text: str) -> str:
    """Return the text with a star for each character of a word that is made like a token.

    >>> masked('T | where Key == "iK28Q~iGp.58WAm_dX3a"')
    'T | where Key == "********************"'
    """
    return _LONG_WORD.sub(
        lambda found: "*" * len(found[0]) if is_token(found[0]) else found[0], text
    )


def printable(text: str) -> str:
    r"""Return the text with every character escaped that has no printed form of its own.

    Escaped are control characters (C0, C1, DEL), marks of direction and other invisible characters,
    line and paragraph ends, halves of surrogate pairs, and spaces other than the plain space.

    >>> printable("\x1b[2J two\nlines \u202e")
    '\\x1b[2J two\\nlines \\u202e'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def quoted(text: str) -> str:
    """Return a setting's refused text in quotation marks, or not at all where a secret may stand.

    >>> quoted("last week"), quoted("Alert Info; drop")
    ("'last week'", "'Alert Info; drop'")
    >>> quoted("a9Xb2~Qw8rTz7"), quoted("-----BEGIN PRIVATE KEY-----")
    ('a text (not shown, as it may be a secret)', 'a text (not shown, as it may be a secret)')
    """
    return repr(text) if _is_plain(text) else f"a text {_UNSHOWN}"


def shown_key(key: str) -> str:
    """Return an unknown key as part of a path; not where a secret may stand.

    >>> f"queries[0].{shown_key('qery')}", f"queries[0].{shown_key('{}')}"
    ('queries[0].qery', 'queries[0].a key (not shown, as it may be a secret)')
    """
    return key if _is_plain(key) else f"a key {_UNSHOWN}"


def _is_plain(text: str) -> bool:
    words = _BREAKS.split(text)
    mixed = any(len(word) >= _SHORTEST_SECRET and _MIXED.search(word) for word in words)
    return _PLAIN.fullmatch(text) is not None and not mixed


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
