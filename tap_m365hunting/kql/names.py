"""Names as a query writes them: bare, with a digit first, or as ['quoted'].

Pure.
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from tap_m365hunting.kql.query import Query, TokenSpan
from tap_m365hunting.kql.tokens import TokenKind

_STATEMENT_ENDS: Final = frozenset({";", "{"})
_ENDING: Final = frozenset({";", "}"})
_WORDS: Final = frozenset({TokenKind.NAME, TokenKind.NUMBER})


class Definition(Struct, frozen=True):
    """The name and value of a `let`: a scalar, rows or a function."""

    name: str
    value: TokenSpan


class Source(Struct, frozen=True):
    """A table, function or pattern as the source of rows.

    `name` is the last name of the path, at the token `index`; `arguments` belong to a call. A
    `qualified` source, such as `database('d').T`, is never a name defined by the query.
    """

    name: str
    index: int
    arguments: TokenSpan | None
    qualified: bool

    @property
    def is_pattern(self) -> bool:
        """Whether the name is a pattern for several tables."""
        return "*" in self.name


def column_name(query: Query, span: TokenSpan) -> str:
    """Return the name, if the span is a column's name alone, bare or as ['quoted']."""
    if span.end - span.start == 1:
        return query.name_at(span.start)
    bracketed = query.is_sign(span.start, "[") and query.closing[span.start] == span.end - 1
    return quoted_name(query, span.start + 1) if bracketed else ""


def quoted_name(query: Query, index: int) -> str:
    """Return the text of a string literal, without quotes; empty for other tokens."""
    token = query.tokens[index]
    if token.kind is not TokenKind.STRING:
        return ""
    inner = token.text.lstrip("hH@")[1:-1]
    return re.sub(r"\\(['\"\\])", r"\1", inner)


def label(query: Query, span: TokenSpan) -> str:
    """Return the span as a name, even one no column may have: `24h_peak`, `T*`."""
    tokens = query.tokens[span.start : span.end]
    text = "".join(token.text for token in tokens)
    if len(tokens) == 1 and tokens[0].kind in _WORDS:
        return text
    parts = all(token.kind in _WORDS or token.text == "*" for token in tokens)
    return text if parts and "*" in text else column_name(query, span)


def definition(query: Query, statement: TokenSpan) -> Definition | None:
    """Return the definition in a `let` statement; `None` for other statements."""
    signs = (i for i in query.top_level(statement) if query.is_sign(i, "="))
    equals = next(signs, None) if query.name_at(statement.start) == "let" else None
    if equals is None:
        return None
    name = label(query, TokenSpan(statement.start + 1, equals))
    return Definition(name, TokenSpan(equals + 1, statement.end))


def functions(query: Query) -> dict[str, TokenSpan]:
    """Return the body of each function defined in the text, inside other functions as well."""
    found: dict[str, TokenSpan] = {}
    for index, token in enumerate(query.tokens):
        if token.text == "let" and (index == 0 or query.tokens[index - 1].text in _STATEMENT_ENDS):
            defined = definition(query, TokenSpan(index, _end_of_statement(query, index)))
            body = defined and function_at(query, defined.value.start)
            if defined and body:
                found[defined.name] = body[1]
    return found


def variables(query: Query) -> dict[str, int]:
    """Return the first place of each name that is used as a variable, not as a member."""
    first: dict[str, int] = {}
    for index, token in enumerate(query.tokens):
        if token.kind is TokenKind.NAME and not query.is_sign(index - 1, "."):
            first.setdefault(token.text, index)
    return first


def _end_of_statement(query: Query, start: int) -> int:
    """Return the place of the semicolon behind a statement, or of the bracket around it."""
    whole = query.top_level(TokenSpan(start, len(query.tokens)))
    ends = (index for index in whole if query.tokens[index].text in _ENDING)
    return next(ends, len(query.tokens))


def function_at(query: Query, start: int) -> tuple[TokenSpan, TokenSpan] | None:
    """Return parameters and body of the function starting there, if there is one."""
    opening = start + (query.name_at(start) == "view")
    closing = query.closing.get(opening, opening)
    if not query.is_sign(opening, "(") or not query.is_sign(closing + 1, "{"):
        return None
    return TokenSpan(opening + 1, closing), TokenSpan(closing + 2, query.closing[closing + 1])


def source(query: Query, span: TokenSpan) -> Source | None:
    """Read where rows come from: `T`, `['T']`, `f(x)`, `database('d').T`, `Device*Events`."""
    segments = [_segment(query, piece) for piece in query.split(span, ".")]
    *path, last = segments
    if last is None or None in path:
        return None
    if last.name == "table" and last.arguments is not None:
        named = quoted_name(query, last.arguments.start)
        return Source(named, last.index, None, qualified=bool(path) or not named)
    return Source(last.name, last.index, last.arguments, qualified=bool(path))


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names matched by a pattern with `*`."""
    form = re.compile(re.escape(pattern).replace(r"\*", ".*"))
    start = pattern.partition("*")[0]
    return [name for name in names if name.startswith(start) and form.fullmatch(name)]


def _segment(query: Query, span: TokenSpan) -> Source | None:
    opening = next((i for i in query.top_level(span) if query.is_sign(i, "(")), span.end)
    name = label(query, TokenSpan(span.start, opening))
    if not name or opening == span.end:
        return Source(name, span.start, None, qualified=False) if name else None
    arguments = TokenSpan(opening + 1, query.closing[opening])
    whole = arguments.end == span.end - 1
    return Source(name, span.start, arguments, qualified=False) if whole else None
