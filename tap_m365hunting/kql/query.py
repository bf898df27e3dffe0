"""A query taken apart: tokens, brackets, statements, lines.

Pure. Nothing is changed here; `wrapping` puts the pieces together again.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.kql.tokens import Token, TokenKind, line_starts, position

WINDOW_NAMES: Final = ("window_start", "window_end")

# Every token is asked for its kind many times.
_NAME: Final = TokenKind.NAME
_SIGN: Final = TokenKind.SIGN


class TokenSpan(Struct, frozen=True):
    """Tokens of a query from `start` up to, not including, `end`."""

    start: int
    end: int

    def __bool__(self) -> bool:
        return self.start < self.end


@dataclass(frozen=True, slots=True)
class Query:
    """A query that can be bounded: leading statements and one last, tabular expression.

    `tokens` holds the code alone, without space and comments. `closing` leads from an opening
    bracket to the closing one, `functions` from a name to the body given by a `let`, `lets` to the
    value given by a leading one, `variables` to the first use. `hunt` is a name absent from the
    text.
    """

    text: str
    tokens: tuple[Token, ...]
    closing: Mapping[int, int] = field(repr=False, compare=False)
    leading: tuple[TokenSpan, ...]
    final: TokenSpan
    hunt: str
    functions: Mapping[str, TokenSpan] = field(default_factory=dict, repr=False, compare=False)
    lets: Mapping[str, TokenSpan] = field(default_factory=dict, repr=False, compare=False)
    variables: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def windowed(self) -> bool:
        """Whether the text uses `window_start` and `window_end`, so that the tap defines both."""
        return all(self.uses(name) is not None for name in WINDOW_NAMES)

    def uses(self, name: str) -> int | None:
        """Return the first token with the name used as a variable, if there is one."""
        return self.variables.get(name)

    def is_sign(self, index: int, text: str) -> bool:
        """Whether the token is the operator or bracket; false beyond the ends."""
        within = 0 <= index < len(self.tokens)
        return within and self.tokens[index].text == text and self.tokens[index].kind is _SIGN

    def name_at(self, index: int) -> str:
        """Return the token as a bare name, or an empty text."""
        within = 0 <= index < len(self.tokens) and self.tokens[index].kind is _NAME
        return self.tokens[index].text if within else ""

    def error(self, message: str, index: int) -> QueryTextError:
        """Return the error, to be raised, at the place of the token."""
        line, column = position(self.text, self.tokens[index].start)
        return QueryTextError(message, line=line, column=column)

    def top_level(self, span: TokenSpan) -> Iterator[int]:
        """Yield the span's tokens outside brackets, and the brackets."""
        index = span.start
        while index < span.end:
            yield index
            index = self.closing.get(index, index + 1)

    def split(self, span: TokenSpan, sign: str) -> list[TokenSpan]:
        """Cut the span at an operator outside brackets; empty pieces are kept."""
        cuts = [i for i in self.top_level(span) if self.is_sign(i, sign)]
        starts = [span.start, *(cut + 1 for cut in cuts)]
        return [TokenSpan(*ends) for ends in zip(starts, [*cuts, span.end], strict=True)]

    def lines(self, start: int, end: int) -> list[tuple[int, str]]:
        """Return the text between two offsets as numbered lines, without the blank ones.

        The portal takes a blank line for the end of a query, and some gateways do as well. A
        blank line inside a multi-line string is part of a value, and stays.
        """
        starts = line_starts(self.text)
        inside = self._lines_inside_strings(starts)
        found = []
        for number in range(bisect_right(starts, start), bisect_right(starts, end) + 1):
            stop = min(end, starts[number] if number < len(starts) else end)
            piece = self.text[max(start, starts[number - 1]) : stop]
            if piece.strip(" \t\r\n\f\u00a0\u200b\ufeff") or (piece and number in inside):
                found.append((number, piece))
        return found

    def _lines_inside_strings(self, starts: tuple[int, ...]) -> set[int]:
        inside: set[int] = set()
        for token in self.tokens:
            if token.kind is TokenKind.STRING and ("\n" in token.text or "\r" in token.text):
                first = bisect_right(starts, token.start) + 1
                inside.update(range(first, bisect_right(starts, token.end) + 1))
        return inside
