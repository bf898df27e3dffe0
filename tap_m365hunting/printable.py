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


def without_tokens(text: str) -> str:
    """Return the text with stars in the place of what may be a token.

    >>> without_tokens("Bearer abc of graph.microsoft.com: eyJhbGciOiJub25lIn0.e30.")
    'Bearer *** of graph.microsoft.com: ***'
    """
    return _TOKEN.sub("***", text)


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


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
