"""Text of strangers, made fit for a log or a terminal. Pure.

A name or a message that the service sends may hold an escape sequence that clears a terminal, a
line end that begins a log line of its own, or a mark that turns the direction of reading.
"""


def printable(text: str) -> str:
    r"""Return the text with every character escaped that is not printed as itself.

    Those are control characters (C0, C1, DEL), marks of direction and other invisible ones, line
    and paragraph ends, halves of surrogate pairs, and spaces other than the plain one.

    >>> printable("\x1b[2J two\nlines \u202e")
    '\\x1b[2J two\\nlines \\u202e'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
