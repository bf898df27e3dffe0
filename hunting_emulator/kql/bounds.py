"""Bounds of a text: how long, how deep, how often it reads tables, and how much SQL it would make.

Pure. The translator writes an argument of some functions several times, so nested calls grow by a
power of their depth, and names of `let` that read one another by a power of their number; a text
that would grow too far is the emulator's own limit.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final

import duckdb_kql

from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.library.catalog import MACROS
from hunting_emulator.kql.tokens import CLOSING, OPENING, Token, at, meaningful, split, tokenize

MOST_TOKENS: Final = 60_000
MOST_DEPTH: Final = 120
MOST_PIPES: Final = 300
MOST_READS: Final = 300
"""Reads of tables, those of a name of `let` as often as the name is read."""

MOST_JOINS: Final = 30
"""Joins, counted likewise: DuckDB plans them without an interruption, each wider than the last."""

MOST_SQL: Final = 4_000_000
"""Characters of SQL, as estimated before the translation."""

_PROBE: Final = "regex_quote(x)"
_WRITTEN: Final = "kusto_regex_quote("
_MACRO: Final = re.compile(r"CREATE OR REPLACE MACRO \w+\((.*?)\) AS (.*)", re.DOTALL)
_JOINS: Final = ("join", "lookup")
_TOO_MANY: Final = 1_000_000
_VALUE: Final = 3  # where the value stands, behind `let`, a name and `=`
_EACH: Final = 8  # characters of SQL for a token, at least


def bounded(text: str, tables: Collection[str] = ()) -> None:
    """Look whether a text over these tables can be translated in bounded time and room.

    Raises:
        KqlUnsupportedError: it cannot.
    """
    tokens = [token for token in tokenize(text) if token.kind != "space"]
    if len(tokens) > MOST_TOKENS:
        reason = f"it has {len(tokens)} tokens, more than {MOST_TOKENS}"
        raise KqlUnsupportedError(reason)
    pipes = sum(token.kind == "mark" and token.text == "|" for token in tokens)
    if pipes > MOST_PIPES:
        reason = f"it has {pipes} operators, more than {MOST_PIPES}"
        raise KqlUnsupportedError(reason)
    if _depth(tokens) > MOST_DEPTH:
        reason = f"it is nested deeper than {MOST_DEPTH}"
        raise KqlUnsupportedError(reason)
    if _read(tokens, dict.fromkeys(tables, 1)) > MOST_READS:
        reason = f"it reads tables more than {MOST_READS} times"
        raise KqlUnsupportedError(reason)
    if _read(tokens, dict.fromkeys(_JOINS, 1)) > MOST_JOINS:
        reason = f"it has more than {MOST_JOINS} joins"
        raise KqlUnsupportedError(reason)


def _read(tokens: Sequence[Token], words: Mapping[str, int]) -> int:
    """Count some words in the statement with most of them, names of `let` written out."""
    weights = dict(words)
    most = 0
    for statement in split(tokens, ";"):
        told = [statement[index] for index in meaningful(statement)]
        names = [token.text for token in told if token.kind == "name"]
        read = min(sum(weights.get(name, 0) for name in names), _TOO_MANY)
        if len(told) > _VALUE and told[0].text == "let":
            weights[told[1].text] = read
        most = max(most, read)
    return most


def small(text: str) -> None:
    """Look whether the SQL of a text that is ready to translate stays small.

    Raises:
        KqlUnsupportedError: it would not.
    """
    if _size([token for token in tokenize(text) if token.kind != "space"]) > MOST_SQL:
        reason = "its calls are nested so that its SQL would be too large"
        raise KqlUnsupportedError(reason)


def _depth(tokens: Sequence[Token]) -> int:
    deepest = depth = 0
    for token in tokens:
        if token.kind == "mark":
            depth += (token.text in OPENING) - (token.text in CLOSING)
            deepest = max(deepest, depth)
    return deepest


def _size(tokens: Sequence[Token]) -> int:
    """Estimate the characters of SQL: each token as often as the calls around it write it."""
    around = [1]
    size = 0
    for index, token in enumerate(tokens):
        size += around[-1] * max(_EACH, len(token.text))
        if token.kind == "mark" and token.text in OPENING:
            around.append(min(around[-1] * _times(tokens, index), MOST_SQL))
        elif token.kind == "mark" and token.text in CLOSING and len(around) > 1:
            around.pop()
    return size


def _times(tokens: Sequence[Token], opening: int) -> int:
    before = tokens[opening - 1] if opening else None
    if before is None or before.kind != "name" or at(tokens, opening) != "(":
        return 1
    return times_written(before.text)


@lru_cache(maxsize=1_000)
def times_written(function: str) -> int:
    """Return how often an argument of a function is written, by the translator and in macros.

    >>> times_written("exp"), times_written("strcat"), times_written("no_such_function")
    (1, 8, 1)
    """
    for given in (_PROBE, f"{_PROBE}, 1", f"'a', {_PROBE}"):
        text = f"T | project y = {function}({given})"
        try:
            sql = str(duckdb_kql.to_sql(text, schema={"T": ["x"]}))
        except (duckdb_kql.KqlError, AssertionError, LookupError):
            continue
        written = sql.count(_WRITTEN)
        return max(1, written) * _in_macro(f"kusto_{function}")
    return 1


@lru_cache(maxsize=1_000)
def _in_macro(name: str) -> int:
    """Return how often a macro writes its parameters, those that it calls reckoned in."""
    found = _MACRO.match(MACROS.get(name, ""))
    if found is None:
        return 1
    parameters = {word.strip() for word in found[1].split(",")}
    around = [1]
    times = 0
    tokens = [token for token in tokenize(found[2]) if token.kind != "space"]
    for index, token in enumerate(tokens):
        times += around[-1] if token.text in parameters else 0
        if token.text == "(":
            before = tokens[index - 1].text if index else ""
            around.append(around[-1] * (_in_macro(before) if before.startswith("kusto_") else 1))
        elif token.text == ")" and len(around) > 1:
            around.pop()
    return max(1, min(times, MOST_SQL))
