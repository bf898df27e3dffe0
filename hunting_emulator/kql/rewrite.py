"""A query's text in the words that duckdb-kql knows.

Pure. What the translator refuses or reads otherwise than Kusto is said in another way here; what
it has no way to say stays, and is refused there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hunting_emulator.kql import times
from hunting_emulator.kql.tokens import (
    Token,
    closing,
    quoted,
    split,
    string_value,
    text_of,
    tokenize,
)
from hunting_emulator.kql.twins import Spellings

INGESTED: Final = "__ingested"
"""The hidden column that says when a row became visible."""

CALL: Final = "pow('@{name}', "
"""How a call of a macro goes through the translator, which leaves `pow` and its arguments alone."""

MACRO_FUNCTIONS: Final = frozenset(
    {
        "bag_keys",
        "ipv4_is_in_range",
        "isascii",
        "next",
        "prev",
        "row_number",
        "strcat_array",
        "tohex",
        "unixtime_microseconds_todatetime",
        "unixtime_milliseconds_todatetime",
        "unixtime_nanoseconds_todatetime",
        "unixtime_seconds_todatetime",
        "url_decode",
        "url_encode",
    }
)
"""Functions that the translator lacks and that macros have."""

SLOT: Final = "1701-01-01T00:00:00.{:07}Z"
"""What stands for the n-th datetime literal while the text is translated."""

_SHOWN: Final = frozenset({"=", "["})
_NEEDS_REWRITE: Final = re.compile(r"[hH]|```|~~~|.*\\[ux]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Instant:
    """A datetime literal taken out of the text; `shown` if it is a value of its own."""

    moment: str
    shown: bool

    @property
    def sql(self) -> str:
        """The literal for DuckDB."""
        return times.literal(self.moment, clamp=not self.shown)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text ready to translate, and the datetime literals whose slots stand in it."""

    text: str
    instants: tuple[Instant, ...]


def prepare(text: str, spellings: Spellings) -> Prepared:
    """Rewrite a query; names that differ only in case from others get their marks."""
    tokens, instants = _slots(_renamed(_plain_strings(tokenize(text)), spellings))
    rewritten = text_of(_without_render(tokens))
    for name, rewrite in _FORMS.items():
        rewritten = rewrite_calls(rewritten, name, rewrite)
    return Prepared(hoist(rewritten), tuple(instants))


def in_other_words(text: str) -> str:
    """Say what the translator has no function for with those that it has."""
    for name, rewrite in _FUNCTIONS.items():
        text = rewrite_calls(text, name, rewrite)
    return text


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
    if _is_key(tokens, index) or _at(tokens, _next(tokens, index + 1)) == "(":
        return token
    return Token("name", spellings.inner_word(token.text), token.start)


def _is_key(tokens: Sequence[Token], index: int) -> bool:
    """Whether the name is a key, as in `bag.key`, and no column, as in `$left.column`."""
    sides = {"$left", "$right"}
    return _at(tokens, index - 1) == "." and _at(tokens, index - 2) not in sides


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
    """Drop a last `render`, which is for people who look at the answer."""
    parts = split(tokens, "|")
    last = [token for token in parts[-1] if token.kind != "space"]
    if len(parts) > 1 and last and last[0].text == "render":
        return [token for token in tokens if token.start < _pipe_before(parts, tokens)]
    return list(tokens)


def _pipe_before(parts: Sequence[Sequence[Token]], tokens: Sequence[Token]) -> int:
    return tokens[sum(len(part) + 1 for part in parts[:-1]) - 1].start


def rewrite_calls(text: str, name: str, rewrite: Callable[[list[str]], str]) -> str:
    """Replace each `name(…)` by what `rewrite` makes of its arguments, innermost first.

    >>> rewrite_calls("print f(f(1), g(2))", "f", lambda given: "-".join(given))
    'print 1- g(2)'
    """
    while True:
        tokens = tokenize(text)
        call = _last_call(tokens, name)
        if call is None:
            return text
        start, opening, end = call
        inside = tokens[opening + 1 : end]
        arguments = [text_of(part) for part in split(inside, ",")] if text_of(inside) else []
        made = rewrite(arguments)
        text = text_of(tokens[:start]) + made + text_of(tokens[end + 1 :])


def _last_call(tokens: Sequence[Token], name: str) -> tuple[int, int, int] | None:
    for start in range(len(tokens) - 1, -1, -1):
        if tokens[start].kind == "name" and tokens[start].text == name:
            opening = _next(tokens, start + 1)
            end = closing(tokens, opening) if _at(tokens, opening) == "(" else None
            if end is not None:
                return start, opening, end
    return None


def _next(tokens: Sequence[Token], index: int) -> int:
    while index < len(tokens) and tokens[index].kind == "space":
        index += 1
    return index


def _at(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""


def hoist(text: str) -> str:
    r"""Name a source that stands in brackets, `(T) | take 1`, by a `let` before it.

    >>> hoist("let x = 1; (T | where n > x) | take 1")
    'let x = 1;let __source0 = (T | where n > x);\n __source0 | take 1'
    """
    lets: list[str] = []
    made = []
    for part in split(tokenize(text), ";"):
        before = len(lets)
        statement = _hoisted(part, lets)
        made.append("".join(lets[before:]) + statement)
    return ";".join(made)


def _hoisted(tokens: list[Token], lets: list[str]) -> str:
    """Return a statement whose bracketed sources are names, whose `let` is added to `lets`."""
    tokens = _unwrapped(tokens)
    while (found := _bracketed_source(tokens)) is not None:
        start, end = found
        source = _hoisted(tokens[start + 1 : end], lets)
        name = f"__source{len(lets)}"
        lets.append(f"let {name} = ({source});\n")
        tokens = [*tokens[:start], Token("name", name, 0), *tokens[end + 1 :]]
    return text_of(tokens)


def _unwrapped(tokens: list[Token]) -> list[Token]:
    """Take off brackets around the whole statement."""
    start = _next(tokens, 0)
    end = closing(tokens, start) if _at(tokens, start) == "(" else None
    if end is None or _at(tokens, _next(tokens, end + 1)):
        return tokens
    return _unwrapped(tokens[start + 1 : end])


def _bracketed_source(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """Find a bracket that opens an expression and is followed by a pipe."""
    for start in _openings(tokens):
        end = closing(tokens, start)
        if end is not None and _at(tokens, _next(tokens, end + 1)) == "|":
            return start, end
    return None


def _openings(tokens: Sequence[Token]) -> list[int]:
    """Indices of brackets that begin the statement's expression, outermost first."""
    index = _next(tokens, 0)
    if _at(tokens, index) == "let":
        equals = next((i for i in range(index, len(tokens)) if _at(tokens, i) == "="), len(tokens))
        index = _next(tokens, equals + 1)
    found = []
    while _at(tokens, index) == "(":
        found.append(index)
        index = _next(tokens, index + 1)
    return found


def call(name: str, *arguments: str) -> str:
    """Write the call of a macro, whose one argument is 1 unless given, for the translator.

    >>> call("tohex", "n"), call("hypot", "a", "b")
    ("pow('@tohex', n)", "pow('@hypot', pow(a, b))")
    """
    given = f"pow({', '.join(arguments)})" if len(arguments) > 1 else "".join(arguments) or "1"
    return f"{CALL.format(name=name)}{given})"


def _hash(arguments: list[str]) -> str:
    hashed = call("hash", arguments[0])
    return hashed if len(arguments) == 1 else f"({hashed} % ({arguments[1]}))"


def _called(name: str, arguments: list[str]) -> str:
    return call(name, *arguments)


def _is_private(arguments: list[str]) -> str:
    private = r"^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)[0-9.]+(/[0-9]+)?$"
    return f"(tostring({arguments[0]}) matches regex {quoted(private)})"


def _has_any_ipv4(arguments: list[str]) -> str:
    return "(" + " or ".join(f"{arguments[0]} has {ip}" for ip in arguments[1:]) + ")"


def _percentiles(arguments: list[str]) -> str:
    return ", ".join(f"percentile({arguments[0]}, {rank.strip()})" for rank in arguments[1:])


_Rewrites = Mapping[str, Callable[[list[str]], str]]

_FORMS: Final[_Rewrites] = {
    "materialize": lambda arguments: f"({','.join(arguments)})",
    "ingestion_time": lambda _: INGESTED,
}
_FUNCTIONS: Final[_Rewrites] = {
    "hash": _hash,
    "has_any_ipv4": _has_any_ipv4,
    "has_ipv4": _has_any_ipv4,
    "hash_xxhash64": _hash,
    "percentiles": _percentiles,
    "ipv4_is_private": _is_private,
    **{name: partial(_called, name) for name in sorted(MACRO_FUNCTIONS)},
}
