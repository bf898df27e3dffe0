"""Places of operators in a query's tokens, and the pipeline in front.

Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hunting_emulator.kql.tokens import (
    CLOSING,
    OPENING,
    Token,
    at,
    following,
    text_of,
)


@dataclass(frozen=True, slots=True)
class Place:
    """An operator in its pipeline, as indices of tokens.

    `outset` is where the pipeline begins, `pipe` the mark before the operator (the outset where
    the operator is the source itself), `start` the operator's first word, `end` what is behind it.
    `statement` is where the statement begins that holds them all.
    """

    statement: int
    outset: int
    pipe: int
    start: int
    end: int

    def source(self, tokens: Sequence[Token]) -> str:
        """Return the query whose rows reach the operator, the statements before it with it.

        >>> from hunting_emulator.kql.tokens import tokenize
        >>> tokens = tokenize("let n = 1; let A = T | where a > n | take 5; A")
        >>> place_of(tokens, [token.text for token in tokens].index("take")).source(tokens)
        'let n = 1;T | where a > n '
        """
        lets = text_of(tokens[: self.statement])
        return lets + text_of(tokens[self.outset : self.pipe]).lstrip()

    def words(self, tokens: Sequence[Token]) -> list[Token]:
        """Return the operator's own tokens."""
        return list(tokens[self.start : self.end])

    def replaced(self, tokens: Sequence[Token], text: str) -> str:
        """Return the query with other text for the operator and all of its pipeline before it."""
        return f"{text_of(tokens[: self.outset])} {text} {text_of(tokens[self.end :])}"

    def reworded(self, tokens: Sequence[Token], text: str) -> str:
        """Return the query with other text for the operator."""
        return f"{text_of(tokens[: self.start])}{text} {text_of(tokens[self.end :])}"


def place_of(tokens: Sequence[Token], start: int) -> Place:
    """Find out about the operator whose first word is at `start`."""
    pipe, outset = _back(tokens, start, operator=True)
    return Place(
        _statement(tokens, start),
        outset,
        outset if pipe is None else pipe,
        start,
        end_of(tokens, start),
    )


def around(tokens: Sequence[Token], index: int) -> Place | None:
    """Find out about the operator that stands around a token; nothing where there is none."""
    pipe, outset = _back(tokens, index, operator=False)
    if pipe is None:
        return None
    start = following(tokens, pipe + 1)
    return Place(_statement(tokens, index), outset, pipe, start, end_of(tokens, start))


def find(
    tokens: Sequence[Token], name: str, accept: Callable[[int], bool] | None = None
) -> int | None:
    """Return the index of the first operator of a name, behind a pipe or as a source.

    >>> from hunting_emulator.kql.tokens import tokenize
    >>> find(tokenize("T | where search == 1 | search 'x'"), "search")
    14
    """
    width = 2 * name.count("-") + 1
    for index, token in enumerate(tokens):
        if token.kind != "name" or text_of(tokens[index : index + width]) != name:
            continue
        if at(tokens, index + width) == "-" or not _begins(tokens, index):
            continue
        if accept is None or accept(index):
            return index
    return None


def _begins(tokens: Sequence[Token], index: int) -> bool:
    """Say whether a word begins an operator or a source."""
    before = index - 1
    while before >= 0 and tokens[before].kind == "space":
        before -= 1
    return before < 0 or tokens[before].text in {"|", ";", "(", "="}


def _back(tokens: Sequence[Token], index: int, *, operator: bool) -> tuple[int | None, int]:
    """Return the last pipe before a token, and where its pipeline begins.

    A bracket without a pipe of its own, as that of a call, belongs to the operator around it.
    """
    depth, pipe = 0, None
    for place in range(index - 1, -1, -1):
        mark = tokens[place].text if tokens[place].kind == "mark" else " "
        if depth == 0 and mark == ";":
            return pipe, _after_let(tokens, place + 1)
        if depth == 0 and mark == "|" and pipe is None:
            pipe = place
        if (
            depth == 0
            and mark in OPENING
            and (pipe is not None or (operator and _opens_source(tokens, place, index)))
        ):
            return pipe, following(tokens, place + 1)
        depth = max(depth + (mark in CLOSING) - (mark in OPENING), 0)
    return pipe, _after_let(tokens, 0)


def _opens_source(tokens: Sequence[Token], bracket: int, index: int) -> bool:
    """Say whether a word is the first in a bracket, so that it is the source there."""
    return tokens[bracket].text == "(" and following(tokens, bracket + 1) == index


def _after_let(tokens: Sequence[Token], start: int) -> int:
    index = following(tokens, start)
    if at(tokens, index) != "let":
        return index
    name = following(tokens, index + 1)
    equals = following(tokens, name + 1)
    return following(tokens, equals + 1) if at(tokens, equals) == "=" else index


def _statement(tokens: Sequence[Token], index: int) -> int:
    """Return where the whole statement around a token begins, brackets and all."""
    depth, start = 0, 0
    for place in range(index):
        mark = tokens[place].text if tokens[place].kind == "mark" else " "
        depth += (mark in OPENING) - (mark in CLOSING)
        if depth == 0 and mark == ";":
            start = place + 1
    return start


def end_of(tokens: Sequence[Token], start: int) -> int:
    """Return where the operator that begins at `start` ends."""
    depth = 0
    for index in range(start, len(tokens)):
        text = tokens[index].text if tokens[index].kind == "mark" else ""
        if depth == 0 and text and text in "|;" + CLOSING:
            return index
        depth += bool(text and text in OPENING) - bool(text and text in CLOSING)
    return len(tokens)


def end_of_pipeline(tokens: Sequence[Token], start: int) -> int:
    """Return where the pipeline around an operator's end ends."""
    index = start
    while at(tokens, index) == "|":
        index = end_of(tokens, index + 1)
    return index
