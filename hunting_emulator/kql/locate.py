"""The operator of a query around a name, and the name's place in the text.

Pure. The service names the operator in its messages.
"""

from collections.abc import Sequence
from typing import Final

from hunting_emulator.kql.tokens import CLOSING, OPENING, Token, string_value, tokenize

# After these a column is gone, so a complaint about it means a later operator.
_TAKE_AWAY: Final = frozenset({"project-away", "project-rename"})


def position(text: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")


def find(text: str, name: str) -> int | None:
    """Return where a name first stands in a text, outside comments; `None` if nowhere."""
    tokens = tokenize(text)
    return next((tokens[index].start for index in _indices(tokens, name)), None)


def operator_around(text: str, name: str) -> str | None:
    """Return the operator around the named column.

    >>> operator_around("T | where a > 1 | project strcat(a, b)", "b")
    'project'
    """
    tokens = tokenize(text)
    around = [operator_at(tokens, index) for index in _indices(tokens, name)]
    readers = [word for word in around if word not in _TAKE_AWAY]
    return next(iter(readers or around), None)


def operator_on(text: str, table: str) -> str | None:
    """Return the operator on a table: the next operator, else the operator around.

    >>> operator_on("Nope | where a == 1 | take 5", "Nope")
    'where'
    >>> operator_on("T | join kind=inner (Nope) on a", "Nope")
    'join'
    """
    tokens = tokenize(text)
    index = next(iter(_indices(tokens, table)), None)
    if index is None:
        return None
    return _operator_after(tokens, index) or operator_at(tokens, index)


def _indices(tokens: Sequence[Token], name: str) -> list[int]:
    return [
        index
        for index, token in enumerate(tokens)
        if (token.kind == "name" and token.text == name)
        or (token.kind == "string" and string_value(token.text) == name)
    ]


def operator_at(tokens: Sequence[Token], index: int) -> str | None:
    """Return the operator around the token at an index."""
    depth = 0
    for at in range(index - 1, -1, -1):
        text = tokens[at].text
        depth += (text in CLOSING) - (text in OPENING) if tokens[at].kind == "mark" else 0
        if text == ";" and depth <= 0:
            break
        if text == "|" and depth <= 0:
            return word_after(tokens, at)
        depth = min(depth, 0) if text in OPENING else depth
    return None


def _operator_after(tokens: Sequence[Token], index: int) -> str | None:
    for at in range(index + 1, len(tokens)):
        if tokens[at].kind != "space":
            return word_after(tokens, at) if tokens[at].text == "|" else None
    return None


def word_after(tokens: Sequence[Token], index: int) -> str | None:
    """Return the operator's word behind a pipe, hyphens and all."""
    word = ""
    for token in tokens[index + 1 :]:
        if token.kind == "space" and not word:
            continue
        if token.kind != "name" and token.text != "-":
            break
        word += token.text
    return word or None
