"""A query's text in duckdb-kql's words.

Pure. Constructs refused by the translator, or read otherwise than by Kusto, are rewritten here;
constructs without an equivalent stay, and are refused there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hunting_emulator.kql import times
from hunting_emulator.kql.calls import Rewrites, rewrite_calls
from hunting_emulator.kql.lets import inlined
from hunting_emulator.kql.letter_case import Spellings
from hunting_emulator.kql.parentheses import hoist
from hunting_emulator.kql.tokens import (
    Token,
    at,
    following,
    quoted,
    split,
    string_value,
    text_of,
    tokenize,
)

INGESTED: Final = "__ingested"
"""The hidden column that says when a row became visible."""

SLOT: Final = "1701-01-01T00:00:00.{:07}Z"
"""The place-holder of the n-th datetime literal while the text is translated."""

_OLD: Final = {"notcontains": "!contains", "notcontains_cs": "!contains_cs"}
_NUMBER_AND_WORD: Final = re.compile(
    r"(?!0[xX][0-9a-fA-F]+$)(\d+(?:\.\d+)?)(?!e[+-]?\d)([A-Za-z]+)"
)
_UNITS: Final = {
    unit: short
    for short, units in {
        "d": "d day days",
        "h": "h hr hrs hour hours",
        "m": "m min minute minutes",
        "s": "s sec second seconds",
        "ms": "ms milli millis millisecond milliseconds",
        "microsecond": "microsecond microseconds micro micros",
        "tick": "tick ticks",
    }.items()
    for unit in units.split()
}
_SHOWN: Final = frozenset({"=", "["})
_NEEDS_REWRITE: Final = re.compile(r"[hH]|```|~~~|.*\\[ux]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Instant:
    """A datetime literal taken out of the text; `shown` if used as a value."""

    moment: str
    shown: bool

    @property
    def sql(self) -> str:
        """The literal for DuckDB."""
        return times.literal(self.moment, clamp=not self.shown)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text ready to translate, and the datetime literals for the slots in the text."""

    text: str
    instants: tuple[Instant, ...]


def prepare(text: str, spellings: Spellings) -> Prepared:
    """Rewrite a query; names equal to others but for case get their marks."""
    tokens, instants = _slots(_renamed(_plain_strings(tokenize(text)), spellings))
    rewritten = text_of(_without_render(tokens))
    for name, rewrite in _FORMS.items():
        rewritten = rewrite_calls(rewritten, name, rewrite)
    return Prepared(hoist(inlined(worded(rewritten))), tuple(instants))


def worded(text: str) -> str:
    """Say operators that have gone out of use as those that have come.

    >>> worded("T | where a notcontains 'b' | where b notcontains_cs 'notcontains'")
    "T | where a !contains 'b' | where b !contains_cs 'notcontains'"
    """
    return text_of([_worded(token) for token in tokenize(text)])


def _worded(token: Token) -> Token:
    """Say an old word, a long unit of time, or a name that begins with a digit in another way."""
    if token.kind == "name":
        return Token("name", _OLD.get(token.text, token.text), token.start)
    found = _NUMBER_AND_WORD.fullmatch(token.text) if token.kind == "number" else None
    if found is None:
        return token
    number, word = found.groups()
    unit = _UNITS.get(word.lower())
    if unit is not None:
        return Token("number", f"{number}{unit}", token.start)
    return Token("name", f"[{quoted(token.text)}]", token.start)


def _plain_strings(tokens: Sequence[Token]) -> list[Token]:
    return [
        Token(token.kind, quoted(string_value(token.text)), token.start)
        if token.kind == "string" and _NEEDS_REWRITE.match(token.text)
        else token
        for token in tokens
    ]


def _renamed(tokens: Sequence[Token], spellings: Spellings) -> list[Token]:
    return [
        _inner(token, tokens, index, spellings) if token.kind in {"name", "string"} else token
        for index, token in enumerate(tokens)
    ]


def _inner(token: Token, tokens: Sequence[Token], index: int, spellings: Spellings) -> Token:
    if token.kind == "string":
        name = string_value(token.text)
        inner = spellings.inner(name)
        if inner == name or not _is_bracketed_name(tokens, index):
            return token
        return Token("string", quoted(inner), token.start)
    if _is_key(tokens, index) or at(tokens, following(tokens, index + 1)) == "(":
        return token
    return Token("name", spellings.inner_word(token.text), token.start)


def _is_key(tokens: Sequence[Token], index: int) -> bool:
    """Whether the name is a key, as in `bag.key`, and no column, as in `$left.column`."""
    sides = {"$left", "$right"}
    return at(tokens, index - 1) == "." and at(tokens, index - 2) not in sides


def _is_bracketed_name(tokens: Sequence[Token], index: int) -> bool:
    """Whether the string is a name, as in `by ['a b']`, and no key, as in `bag['a b']`."""
    if index == 0 or tokens[index - 1].text != "[":
        return False
    before = tokens[index - 2] if index > 1 else None
    return before is None or not (before.kind == "name" or before.text in {")", "]"})


def _slots(tokens: Sequence[Token]) -> tuple[list[Token], list[Instant]]:
    found: list[Instant] = []
    replaced: list[Token] = []
    before = ["", "", ""]
    for token in tokens:
        moment = times.parse(token.inner) if _is_datetime(token) else None
        if moment is None:
            replaced.append(token)
        else:
            slot = f"datetime({SLOT.format(len(found))})"
            replaced.append(Token("typed", slot, token.start))
            found.append(Instant(moment, before[2] in _SHOWN and before[0] != "let"))
        before = before if token.kind == "space" else [*before[1:], token.text]
    return replaced, found


def _is_datetime(token: Token) -> bool:
    return token.kind == "typed" and token.head in {"datetime", "date"}


def _without_render(tokens: Sequence[Token]) -> list[Token]:
    """Drop a last `render`, an instruction for a person's screen."""
    parts = split(tokens, "|")
    last = [token for token in parts[-1] if token.kind != "space"]
    if len(parts) > 1 and last and last[0].text == "render":
        return [token for token in tokens if token.start < _pipe_before(parts, tokens)]
    return list(tokens)


def _pipe_before(parts: Sequence[Sequence[Token]], tokens: Sequence[Token]) -> int:
    return tokens[sum(len(part) + 1 for part in parts[:-1]) - 1].start


_FORMS: Final[Rewrites] = {
    "materialize": lambda arguments: f"({','.join(arguments)})",
    "ingestion_time": lambda _: INGESTED,
}
