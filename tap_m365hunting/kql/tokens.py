"""KQL text as tokens, exactly as Kusto reads it.

Pure. The rules are those of Microsoft's lexer (TokenParser in Kusto-Query-Language): comments are
`//` to the end of the line and nothing else, a string may not pass the end of its line unless it
stands in ``` or ~~~, and a typed literal such as `datetime(2026-01-01)` holds raw text.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

from tap_m365hunting.errors import QueryTextError

_LINE_END: Final = re.compile(r"\r\n|\r|\n")

# Every alternative takes what it matches at once and gives nothing back (`*+`), and an opening
# quote that is never closed ends the reading, so the time grows with the text's length alone.
_TOKEN: Final = re.compile(
    r"""
      (?P<SPACE> [\s\u200b\ufeff]++ )
    | (?P<COMMENT> // [^\r\n\u2028\u2029]*+ )
    | (?P<STRING>
          [hH]? " (?: [^"\\\r\n] | \\[^\r\n] )*+ "
        | [hH]? ' (?: [^'\\\r\n] | \\[^\r\n] )*+ '
        | [hH]? @" (?: [^"\r\n] | "" )*+ "
        | [hH]? @' (?: [^'\r\n] | '' )*+ '
        | [hH]? @? (?P<fence> ``` | ~~~ ) (?s: .*? ) (?P=fence) )
    | (?P<OPEN_STRING> [hH]? @? (?: ["'] | ``` | ~~~ ) )
    | (?P<LITERAL>
          (?: datetime | date | timespan | time | guid | long | int | int32 | int64
            | real | double | bool | decimal ) \( [^)\r\n]*+ \) )
    | (?P<OPEN_LITERAL>
          (?: datetime | date | timespan | time | guid | long | int | int32 | int64
            | real | double | bool | decimal ) \( )
    | (?P<NAME> [A-Za-z_$] [A-Za-z0-9_$]*+ )
    | (?P<NUMBER> [0-9] [A-Za-z0-9_]*+ (?: \. [0-9] [A-Za-z0-9_]*+ )? )
    | (?P<DIRECTIVE> \# [^\r\n]*+ )
    | (?P<SIGN> <\| | => | == | =~ | != | !~ | <= | >= | \.\. | (?s: . ) )
    """,
    re.VERBOSE,
)


class TokenKind(Enum):
    """Kind of a token, as far as bounding a query needs to know."""

    NAME = auto()
    STRING = auto()
    LITERAL = auto()
    NUMBER = auto()
    SIGN = auto()
    SPACE = auto()
    COMMENT = auto()
    DIRECTIVE = auto()


class Token(NamedTuple):
    """A piece of the text; `start` counts characters from 0."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the next token starts."""
        return self.start + len(self.text)

    @property
    def is_code(self) -> bool:
        """Whether the piece is neither space nor comment."""
        return self.kind not in (TokenKind.SPACE, TokenKind.COMMENT)


@lru_cache(maxsize=8)
def line_starts(text: str) -> tuple[int, ...]:
    r"""Return where each line of the text starts; lines end in `\n`, `\r\n` or `\r`."""
    return (0, *(found.end() for found in _LINE_END.finditer(text)))


def position(text: str, offset: int) -> tuple[int, int]:
    r"""Return line and column of the offset, both from 1.

    >>> position("T\n| take 5", 4)
    (2, 3)
    """
    starts = line_starts(text)
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def tokens(text: str) -> Iterator[Token]:
    """Cut the text into tokens that, put together again, are the text.

    Raises:
        QueryTextError: a string or a typed literal is not closed.
    """
    for found in _TOKEN.finditer(text):
        group = found.lastgroup or ""
        if group.startswith("OPEN"):
            raise _unclosed(text, found)
        yield Token(TokenKind[group], found.group(), found.start())


def _unclosed(text: str, found: re.Match[str]) -> QueryTextError:
    line, column = position(text, found.start())
    opening = found.group()
    if opening.endswith(("```", "~~~")):
        msg = f"The string that {opening} opens is never closed"
    else:
        msg = f"{opening} is not closed on its line"
    return QueryTextError(msg, line=line, column=column)
