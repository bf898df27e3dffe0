"""KQL text as tokens; the tokens together are the text.

Pure.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

OPENING: Final = "([{"
CLOSING: Final = ")]}"

_TYPED = "datetime|date|long|int|real|double|bool|decimal|guid|timespan|time"
_TOKEN: Final = re.compile(
    r"(?P<space>\s+|//[^\n]*)"
    r"|(?P<string>[hH]?@\"(?:[^\"]|\"\")*\"|[hH]?@'(?:[^']|'')*'"
    r"|[hH]?\"(?:\\.|[^\"\\\n])*\"|[hH]?'(?:\\.|[^'\\\n])*'"
    r"|[hH]?```.*?```|[hH]?~~~.*?~~~)"
    rf"|(?P<typed>\b(?:{_TYPED})\s*\([^()\n]*\))"
    r"|(?P<number>0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[a-zA-Z]*)"
    r"|(?P<name>[^\W\d]\w*|\$\w+)"
    r"|(?P<mark>==|!=|<>|<=|>=|=~|!~|=>|<\||\.\.|.)",
    re.DOTALL,
)
_VERBATIM: Final = re.compile(r"[hH]?@(['\"])(.*)\1", re.DOTALL)
_LINES: Final = re.compile(r"[hH]?(```|~~~)(.*)\1", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_QUOTED: Final = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. `kind` is space, string, typed, number, name or mark."""

    kind: str
    text: str
    start: int

    @property
    def head(self) -> str:
        """The type's name of a typed literal such as `datetime(…)`."""
        return self.text.partition("(")[0].strip()

    @property
    def inner(self) -> str:
        """The text in the brackets of a typed literal."""
        return self.text.partition("(")[2][:-1].strip()


def tokenize(text: str) -> list[Token]:
    """Cut a text into tokens; unfinished strings are left as single marks."""
    return [
        Token(str(found.lastgroup), found.group(), found.start()) for found in _TOKEN.finditer(text)
    ]


def text_of(tokens: Sequence[Token]) -> str:
    """Put tokens together again."""
    return "".join(token.text for token in tokens)


def meaningful(tokens: Sequence[Token]) -> list[int]:
    """Return the indices of the tokens other than space and comments."""
    return [index for index, token in enumerate(tokens) if token.kind != "space"]


def with_depth(tokens: Sequence[Token]) -> Iterator[tuple[int, int, Token]]:
    """Yield index, depth of brackets and token, without space.

    A bracket has the depth of its surroundings, not of its contents.
    """
    depth = 0
    for index, token in enumerate(tokens):
        if token.kind == "mark" and token.text in CLOSING:
            depth -= 1
        if token.kind != "space":
            yield index, depth, token
        if token.kind == "mark" and token.text in OPENING:
            depth += 1


def closing(tokens: Sequence[Token], opening: int) -> int | None:
    """Return the index of the closing bracket for the bracket at `opening`."""
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].kind == "mark":
            depth += (tokens[index].text in OPENING) - (tokens[index].text in CLOSING)
            if depth == 0:
                return index
    return None


def following(tokens: Sequence[Token], index: int) -> int:
    """Return the index of the first token from `index` other than space."""
    while index < len(tokens) and tokens[index].kind == "space":
        index += 1
    return index


def at(tokens: Sequence[Token], index: int) -> str:
    """Return the text of a token, empty beyond the ends."""
    return tokens[index].text if 0 <= index < len(tokens) else ""


def split(tokens: Sequence[Token], mark: str) -> list[list[Token]]:
    """Cut at a mark outside all brackets.

    >>> [text_of(part) for part in split(tokenize("let a = f(x; y); T"), ";")]
    ['let a = f(x; y)', ' T']
    """
    cuts = [i for i, depth, token in with_depth(tokens) if depth == 0 and token.text == mark]
    starts = [0, *(cut + 1 for cut in cuts)]
    return [
        list(tokens[start:end]) for start, end in zip(starts, [*cuts, len(tokens)], strict=True)
    ]


def string_value(text: str) -> str:
    r"""Return the value of a string literal, in any form.

    >>> string_value('h@"C:\\x"'), string_value(r"'a\tb'"), string_value("```a'b```")
    ('C:\\x', 'a\tb', "a'b")
    """
    if found := _LINES.fullmatch(text):
        return found[2]
    if found := _VERBATIM.fullmatch(text):
        return found[2].replace(found[1] * 2, found[1])
    return _ESCAPE.sub(_unescape, text.lstrip("hH")[1:-1])


def _unescape(found: re.Match[str]) -> str:
    escaped = found[1]
    if len(escaped) > 1:
        return chr(int(escaped[1:], 16))
    return _ESCAPES.get(escaped, escaped)


def quoted(value: str) -> str:
    r"""Write a value as a plain literal.

    >>> quoted('say "hi"')
    '"say \\"hi\\""'
    """
    return f'"{value.translate(_QUOTED)}"'
