"""Brackets around sources, and around brackets, taken off.

Pure. `(T | where a) | take 1` is KQL, and is `T | where a | take 1`; the translator takes only
names for sources, and a text's nesting is what it costs to read.
"""

from collections.abc import Sequence

from hunting_emulator.kql.tokens import Token, at, following, text_of, tokenize


def hoist(text: str) -> str:
    """Take off the brackets that change nothing.

    >>> hoist("let x = 1; (T | where n > x) | take 1")
    'let x = 1;  T | where n > x  | take 1'
    >>> hoist("T | where (((a == 1))) | join ((U | take 1) | take 2) on a")
    'T | where   (a == 1)   | join ( U | take 1  | take 2) on a'
    """
    tokens = tokenize(text)
    ends = _brackets(tokens)
    dropped: set[int] = set()
    for start, end in sorted(ends.items()):
        if _doubled(tokens, ends, start, end) or _around_source(tokens, start, end, dropped):
            dropped |= {start, end}
    return text_of(
        [
            Token("space", " ", token.start) if index in dropped else token
            for index, token in enumerate(tokens)
        ]
    )


def _brackets(tokens: Sequence[Token]) -> dict[int, int]:
    """Return the index of the end of each round bracket."""
    opened: list[int] = []
    ends = {}
    for index, token in enumerate(tokens):
        if token.kind == "mark" and token.text == "(":
            opened.append(index)
        elif token.kind == "mark" and token.text == ")" and opened:
            ends[opened.pop()] = index
    return ends


def _doubled(tokens: Sequence[Token], ends: dict[int, int], start: int, end: int) -> bool:
    """Say whether a bracket holds nothing but another one."""
    inner = following(tokens, start + 1)
    return (
        inner in ends and following(tokens, ends[inner] + 1) == end and not _called(tokens, inner)
    )


def _called(tokens: Sequence[Token], opening: int) -> bool:
    before = _before(tokens, opening)
    return before >= 0 and tokens[before].kind == "name"


def _around_source(tokens: Sequence[Token], start: int, end: int, dropped: set[int]) -> bool:
    """Say whether a bracket opens a pipeline and is followed by a pipe, or is a statement."""
    if not _opens_pipeline(tokens, start, dropped):
        return False
    place = following(tokens, end + 1)
    while place in dropped:
        place = following(tokens, place + 1)
    behind = at(tokens, place)
    return behind == "|" or (behind in {"", ";"} and _is_pipeline(tokens, start, end))


def _opens_pipeline(tokens: Sequence[Token], start: int, dropped: set[int]) -> bool:
    before = _before(tokens, start)
    while before in dropped:
        before = _before(tokens, before)
    if before < 0 or tokens[before].text in {";", "("}:
        return True
    return (
        tokens[before].text == "=" and at(tokens, _before(tokens, _before(tokens, before))) == "let"
    )


def _is_pipeline(tokens: Sequence[Token], start: int, end: int) -> bool:
    return any(token.text == "|" for token in tokens[start:end]) or at(tokens, start - 1) != "="


def _before(tokens: Sequence[Token], index: int) -> int:
    index -= 1
    while index >= 0 and tokens[index].kind == "space":
        index -= 1
    return index
