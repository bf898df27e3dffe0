"""The right side of `in`, `has_any` and `has_all`: arrays count by their elements.

Pure, but for the translator's answers. Documented of `in`: of a tabular expression the first
column is taken, and nested arrays are flattened into one list of values. The translator compares
an array as a whole.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from hunting_emulator.kql.operators.parts import kql_name
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import around
from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    meaningful,
    quoted,
    split,
    text_of,
    tokenize,
)

_WORDS: Final = frozenset({"in", "has_any", "has_all"})
_ELEMENT: Final = "__element"
# An id of 18 digits is no double: whole numbers are compared as such.
_CONVERSIONS: Final = {"BIGINT": "tolong", "INTEGER": "tolong", "DOUBLE": "todouble"}
_LET: Final = 3  # `let`, a name and `=`


def spread(text: str, translator: PartTranslator) -> str:
    """Put the elements of arrays in the place of the arrays on the right side.

    >>> spread("T | where a in (dynamic([1, [2]]), 3)", ...)
    'T | where a in (1, 2, 3)'
    """
    tokens = tokenize(text)
    for index in reversed(range(len(tokens))):
        if tokens[index].kind != "name" or tokens[index].text not in _WORDS:
            continue
        opening = following(tokens, index + 1 + (at(tokens, index + 1) == "~"))
        end = closing(tokens, opening) if at(tokens, opening) == "(" else None
        if end is None or _lists_tables(tokens, index):
            continue
        made = _elements(tokens, index, tokens[opening + 1 : end], translator)
        if made is not None:
            tokens[opening + 1 : end] = tokenize(made)
    return text_of(tokens)


def _lists_tables(tokens: Sequence[Token], index: int) -> bool:
    """Say whether the word is that of `search in (…)` and `find in (…)`."""
    place = around(tokens, index)
    start = following(tokens, 0) if place is None else place.start
    return at(tokens, start) in {"search", "find"}


def _elements(
    tokens: Sequence[Token], word: int, inside: list[Token], translator: PartTranslator
) -> str | None:
    """Return the right side with elements for arrays, nothing where no array is seen."""
    parts = split(inside, ",")
    if len(parts) == 1 and _is_tabular(tokens, word, inside):
        return _expanded(tokens, word, text_of(inside).strip(), translator)
    listed = [_literal(tokens, part) for part in parts]
    arrays = [part for part in listed if part is not None]
    if not arrays or (len(parts) == 1 and not any(isinstance(e, list) for e in arrays[0])):
        return None
    return ", ".join(
        text_of(part).strip() if known is None else ", ".join(map(_written, _flat(known)))
        for part, known in zip(parts, listed, strict=True)
    )


def _is_tabular(tokens: Sequence[Token], word: int, inside: Sequence[Token]) -> bool:
    """Say whether a text is a pipeline, or the name of one that a `let` gives."""
    if any(token.kind == "mark" and token.text == "|" for token in inside):
        return at(inside, following(inside, 0)) != "dynamic" and not _is_toscalar(inside)
    value = _let(tokens[:word], text_of(inside).strip())
    return value is not None and _is_tabular([], 0, value)


def _is_toscalar(tokens: Sequence[Token]) -> bool:
    told = [tokens[index] for index in meaningful(tokens)]
    return len(told) > 1 and told[0].kind == "name" and told[1].text == "("


def _let(tokens: Sequence[Token], name: str) -> list[Token] | None:
    """Return the value that a `let` before gives to a name."""
    for statement in reversed(split(tokens, ";")):
        told = meaningful(statement)
        words = [statement[index].text for index in told[:_LET]]
        if words == ["let", name, "="]:
            return statement[told[_LET - 1] + 1 :]
    return None


def _expanded(
    tokens: Sequence[Token], word: int, source: str, translator: PartTranslator
) -> str | None:
    place = around(tokens, word)
    lets = "" if place is None else text_of(tokens[: place.statement])
    name, kind = translator.columns(f"{lets}{source}")[0]
    if kind != "JSON" and not kind.endswith("[]"):
        return None
    conversion = _conversion(tokens, word, translator)
    element = f"{conversion}({_ELEMENT})"
    # a fraction is equal to no whole number
    whole = f" and todouble({_ELEMENT}) == {element}" if conversion == "tolong" else ""
    return (
        f"{source} | project {_ELEMENT} = {kql_name(name)} | mv-expand {_ELEMENT}"
        f" | where isnotnull({_ELEMENT}){whole} | project {_ELEMENT} = {element}"
    )


def _conversion(tokens: Sequence[Token], word: int, translator: PartTranslator) -> str:
    """Return the function that makes of an element what the left side is."""
    place = around(tokens, word)
    before = [i for i in meaningful(tokens[:word]) if tokens[i].text != "!"]
    if place is None or not before:
        return "tostring"
    kinds = dict(translator.columns(place.source(tokens)))
    return _CONVERSIONS.get(kinds.get(tokens[before[-1]].text, ""), "tostring")


def _literal(tokens: Sequence[Token], part: Sequence[Token]) -> list[object] | None:
    """Return the array that a text or a `let` behind its name writes out."""
    text = text_of(part).strip()
    if not text.startswith("dynamic"):
        value = _let(tokens, text)
        text = "" if value is None else text_of(value).strip()
    if not (text.startswith("dynamic(") and text.endswith(")")):
        return None
    plain = "".join(
        json.dumps(token.text[1:-1]) if token.text[:1] == "'" else token.text
        for token in tokenize(text[len("dynamic(") : -1])
    )
    try:
        known = json.loads(plain)
    except ValueError:
        return None
    return known if isinstance(known, list) else None


def _flat(values: Sequence[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(value)
        elif value is not None:
            yield value


def _written(value: object) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)
