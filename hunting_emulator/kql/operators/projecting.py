"""`project-away *1` and its like, and aggregates with a name inside, or of one column alone.

Pure, but for the translator's answers.
"""

import fnmatch
from collections.abc import Sequence
from typing import Final

from hunting_emulator.kql.operators.parts import bare_word, column_name, kql_name, listed, named
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import Token, closing, following, meaningful, text_of, tokenize

_EXTREMES: Final = {"arg_max": "max", "arg_min": "min", "argmax": "max", "argmin": "min"}
_NAMED_INSIDE: Final = 5  # tokens: `f`, a bracket, a name, `=`, and more


def project_away(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str | None:
    """Write out the names of a pattern; without a pattern there is no change."""
    asked = [column_name(part) for part in listed(place.words(tokens)[3:])]
    if not any("*" in pattern for pattern in asked):
        return None
    have = [name for name, _ in translator.columns(place.source(tokens))]
    gone = [name for name in have if any(fnmatch.fnmatchcase(name, p) for p in asked)]
    if not gone:
        return place.reworded(tokens, "where true")
    return place.reworded(tokens, f"project-away {', '.join(map(kql_name, gone))}")


def summarize(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str | None:
    """Put a name from inside an aggregate before the aggregate; else make no change."""
    words = place.words(tokens)[1:]
    by = _by(words)
    parts = listed(words[:by])
    keys = listed(words[by + 1 :])
    written = [
        [_largest_alone(_name_before(part)) for part in parts],
        list(map(_name_before, keys)),
    ]
    if written == [parts, keys]:
        return None
    behind = f" by {', '.join(written[1])}" if keys else ""
    return place.reworded(tokens, f"summarize {', '.join(written[0])}{behind}")


def _by(words: Sequence[Token]) -> int:
    depth = 0
    for index, token in enumerate(words):
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind == "mark" else 0
        if depth == 0 and token.kind == "name" and token.text == "by":
            return index
    return len(words)


def _name_before(part: str) -> str:
    """Turn `f(n = g())` into `n = f(g())`.

    >>> _name_before("toint(C = count())"), _name_before("x = sum(y)"), _name_before("bin(d=t, 1d)")
    ('C = toint(count())', 'x = sum(y)', 'd = bin(t, 1d)')
    """
    tokens = tokenize(part)
    told = meaningful(tokens)
    if len(told) < _NAMED_INSIDE or tokens[told[1]].text != "(" or tokens[told[3]].text != "=":
        return part
    if tokens[told[2]].kind != "name" or closing(tokens, told[1]) != told[-1]:
        return part
    inside = text_of(tokens[following(tokens, told[3] + 1) : told[-1]])
    return f"{tokens[told[2]].text} = {tokens[told[0]].text}({inside.strip()})"


def _largest_alone(part: str) -> str:
    """Write an `arg_max` that returns no other column as `max`.

    >>> _largest_alone("arg_max(Timestamp)"), _largest_alone("L = arg_min(n + 1)")
    ('Timestamp = max(Timestamp)', 'L = min(n + 1)')
    >>> _largest_alone("arg_max(Timestamp, *)")
    'arg_max(Timestamp, *)'
    """
    name, call = named(part)
    function, _, rest = call.strip().partition("(")
    extreme = _EXTREMES.get(function.strip())
    given = listed(tokenize(rest.rpartition(")")[0])) if extreme else []
    if len(given) != 1:
        return part
    own = name or (column_name(given[0]) if bare_word(given[0]) else None)
    return f"{kql_name(own)} = {extreme}({given[0]})" if own else f"{extreme}({given[0]})"


def distinct(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str | None:
    """Write out `distinct *`."""
    if text_of(place.words(tokens)[1:]).strip() != "*":
        return None
    names = [kql_name(name) for name, _ in translator.columns(place.source(tokens))]
    return place.reworded(tokens, f"distinct {', '.join(names)}")


def name_only(tokens: Sequence[Token], place: Place, _desk: PartTranslator) -> str:
    """Leave out `as`, whose name is read nowhere else."""
    return place.reworded(tokens, "where true")
