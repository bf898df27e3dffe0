"""A query's operators, in sequence, in the translator's words.

Pure, but for the translator's answers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.operators import (
    evaluating,
    expanding,
    externaldata,
    make_series,
    projecting,
    searching,
    top_nested,
    unions,
)
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place, find, place_of
from hunting_emulator.kql.tokens import Token, tokenize

Write = Callable[[Sequence[Token], Place, PartTranslator], str | None]
"""Answers the query with the operator in other words, or nothing where it may stay."""

_MOST: Final = 200
_OPERATORS: Final[Mapping[str, Write]] = {
    "as": projecting.name_only,
    "distinct": projecting.distinct,
    "evaluate": evaluating.evaluate,
    "extend": make_series.columns_of_series,
    "externaldata": externaldata.externaldata,
    "find": searching.find,
    "make-series": make_series.make_series,
    "mv-apply": expanding.apply,
    "mvapply": expanding.apply,
    "mv-expand": expanding.expand,
    "mvexpand": expanding.expand,
    "parse-kv": expanding.parse_kv,
    "partition": top_nested.partition,
    "project": make_series.columns_of_series,
    "project-away": projecting.project_away,
    "range": externaldata.long_range,
    "sample-distinct": top_nested.sample_distinct,
    "search": searching.search,
    "summarize": projecting.summarize,
    "top-hitters": top_nested.top_hitters,
    "top-nested": top_nested.top_nested,
    "union": unions.union,
}


def staged(text: str, translator: PartTranslator) -> str:
    """Rewrite each operator that the translator lacks, first to last."""
    done = 0
    for _ in range(_MOST):
        tokens = tokenize(text)
        found = _first(tokens, done)
        if found is None:
            return text
        index, name = found
        written = _OPERATORS[name](tokens, place_of(tokens, index), translator)
        if written is None:
            done = tokens[index].start + 1
        else:
            text, done = written, 0
    reason = "it has too many operators"
    raise KqlUnsupportedError(reason)


def _first(tokens: Sequence[Token], done: int) -> tuple[int, str] | None:
    words = {token.text for token in tokens if token.kind == "name"}
    found = [
        (index, name)
        for name in _OPERATORS
        if name.partition("-")[0] in words
        for index in [find(tokens, name, lambda at: tokens[at].start >= done)]
        if index is not None
    ]
    return min(found, default=None)
