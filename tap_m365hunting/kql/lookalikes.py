"""Text that looks like KQL and is none: SQL's comments, HTML's entities, a document's quotes.

Pure. Such a text is no query anywhere, and what a reader of KQL says of it would mislead.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from tap_m365hunting.errors import QueryTextError
from tap_m365hunting.kql.tokens import Token, TokenKind, position

_ENTITY: Final = re.compile(r"&(?:gt|lt|amp|quot|apos|nbsp|#\d+|#x[0-9a-fA-F]+);")
_SMART_QUOTES: Final = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb")
_OPERATORS: Final = frozenset(
    (
        *("count", "distinct", "evaluate", "extend", "join", "limit", "lookup", "make-series"),
        *("order", "parse", "project", "sort", "summarize", "take", "top", "union", "where"),
    )
)
# Words behind which a name is their operand, however far below it stands
_AWAITING: Final = _OPERATORS | frozenset(
    (
        *("and", "or", "by", "on", "in", "has", "contains", "startswith", "endswith", "has_cs"),
        *("between", "of", "from", "to", "with", "has_any", "has_all", "matches", "regex", "step"),
        # the last words of operators with a hyphen
        *("apply", "away", "expand", "hitters", "keep", "kv", "nested", "rename", "reorder"),
        *("distinct", "series", "where"),
    )
)
_BLANK_LINE: Final = re.compile(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)")
_LINE_END: Final = re.compile(r"[\r\n]")


def refuse_lookalikes(text: str, code: Sequence[Token]) -> None:
    """Refuse a text whose tokens are not those of KQL, by the first of them.

    Raises:
        QueryTextError: names the sign, its place, and how KQL writes it.
    """
    for offset, message in sorted(_found(text, code))[:1]:
        line, column = position(text, offset)
        raise QueryTextError(message, line=line, column=column)


def _found(text: str, code: Sequence[Token]) -> Iterator[tuple[int, str]]:
    yield from _signs(text, code)
    for before, token in pairwise([None, *code]):
        if token is not None:
            yield from _capitals(before, token)
            yield from _dashes(text, before, token)
    yield from _second_query(text, code)


def _signs(text: str, code: Sequence[Token]) -> Iterator[tuple[int, str]]:
    for token in code:
        if token.kind is TokenKind.SIGN and (message := _about_sign(text, token)):
            yield token.start, message


def _about_sign(text: str, token: Token) -> str | None:
    if text.startswith(("/*", "*/"), token.start):
        return "KQL has no /* */ comments; write // before each line of one"
    if token.text == "\\":
        return _escape(text[token.start : token.start + 2])
    if entity := _ENTITY.match(text, token.start):
        return f"{entity[0]} is an HTML entity, as web pages have them; write the sign itself"
    if token.text in _SMART_QUOTES:
        return f"{token.text} is a typographer's quote; KQL's are \" and '"
    return None


def _escape(written: str) -> str:
    if written in {r"\n", r"\r", r"\t"}:
        return (
            f"The text holds {written} as two characters where a line should end; it was escaped "
            "twice"
        )
    return "A backslash stands outside a text"


def _capitals(before: Token | None, token: Token) -> Iterator[tuple[int, str]]:
    lower = token.text.lower()
    behind_pipe = before is not None and before.text == "|"
    if behind_pipe and lower in _OPERATORS and token.text != lower:
        yield token.start, f"Operators are lower case in KQL: {lower}, not {token.text}"


def _dashes(text: str, before: Token | None, token: Token) -> Iterator[tuple[int, str]]:
    between = text[before.end if before else 0 : token.start]
    first = before is None or bool(_LINE_END.search(between))
    if first and text.startswith("--", token.start):
        yield token.start, "KQL has no -- comments; write //"


def _second_query(text: str, code: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Find a table behind a blank line where a query has come to its end."""
    depth = 0
    for before, token, after in zip(code, code[1:], [*code[2:], None], strict=False):
        depth += (before.text in "([{") - (before.text in ")]}")
        starts = token.kind is TokenKind.NAME and token.text[:1].isupper()
        ends = before.kind is not TokenKind.SIGN or before.text in {")", "]"}
        ends = ends and before.text not in _AWAITING
        apart = _BLANK_LINE.search(text[before.end : token.start])
        alone = after is None or after.text == "|"
        if not depth and starts and ends and apart and alone:
            message = (
                "A second query starts behind a blank line, and a stream has one; make a query of "
                "each, or join them with union"
            )
            yield token.start, message
