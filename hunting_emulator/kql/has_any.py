"""The terms of `has_any` in one regular expression.

Pure. The translator writes an expression for each term, and DuckDB takes 14 ms to compile each of
them, because the letters of all scripts bound a term: a list of 300 took seconds to plan, in which
DuckDB is not interrupted.
"""

import re
from collections.abc import Iterator
from typing import Final

from hunting_emulator.kql.errors import KqlUnsupportedError

MOST_TERMS: Final = 150
"""Terms that are looked for one by one, as those of `has` and `has_all`."""

_CALL: Final = "regexp_matches("
_OR: Final = " OR "
_TERM: Final = re.compile(
    r", '\(\?i\)(?P<before>(?:\(\?:\^\|\[\^\\pL\\pN\]\))?)' \|\| "
    r"regexp_escape\('(?P<term>(?:[^']|'')*)'\)"
    r"(?P<after>(?: \|\| '\(\?:\$\|\[\^\\pL\\pN\]\)')?)\)"
)
_LETTERS: Final = r"\pL\pN]"
_WRITTEN: Final = 4  # a term has two bounds, and is written for texts and for dynamic values
_SPECIAL: Final = re.compile(r"[^\w\x80-\U0010ffff]", re.ASCII)

Alternatives = dict[tuple[str, str], list[str]]
"""The terms by the SQL before and behind them."""


def together(sql: str) -> str:
    r"""Look for the terms of a list with one expression for each kind of bounds.

    Raises:
        KqlUnsupportedError: too many terms stay that are looked for one by one.

    >>> together("(regexp_matches(x, '(?i)' || regexp_escape('-a.'))"
    ...          " OR regexp_matches(x, '(?i)' || regexp_escape('.b-')))")
    "(regexp_matches(x, '(?i)(?:\\-a\\.|\\.b\\-)'))"
    """
    made = "".join(_pieces(sql))
    if made.count(_LETTERS) > MOST_TERMS * _WRITTEN:
        reason = f"it looks for more than {MOST_TERMS} terms one by one"
        raise KqlUnsupportedError(reason)
    return made


def _pieces(sql: str) -> Iterator[str]:
    done = 0
    while (found := _TERM.search(sql, done)) is not None:
        start = sql.rfind(_CALL, done, found.start())
        value = sql[start + len(_CALL) : found.start()]
        if start < 0 or value.count("(") != value.count(")"):
            yield sql[done : found.end()]
            done = found.end()
            continue
        yield sql[done:start]
        alternatives, done = _chain(sql, start, value)
        yield _OR.join(
            f"{_CALL}{value}, '(?i){before}(?:{'|'.join(terms)})'{after})"
            for (before, after), terms in alternatives.items()
        )
    yield sql[done:]


def _chain(sql: str, start: int, value: str) -> tuple[Alternatives, int]:
    """Collect the terms that are looked for in a value, one after the other."""
    head = f"{_CALL}{value}"
    alternatives: Alternatives = {}
    while (found := _TERM.match(sql, start + len(head))) is not None:
        bounds = found["before"], found["after"]
        alternatives.setdefault(bounds, []).append(_SPECIAL.sub(_escaped, found["term"]))
        start = found.end()
        if not sql.startswith(f"{_OR}{head}", start):
            break
        start += len(_OR)
    return alternatives, start


def _escaped(found: re.Match[str]) -> str:
    return {"\0": r"\x00", "'": "'"}.get(found[0], f"\\{found[0]}")
