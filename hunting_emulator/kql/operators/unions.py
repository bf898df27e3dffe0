"""`union` of tables with different types for the same column name, or that are not there.

Pure, but for the translator's answers. Kusto gives such a column once for each type, with the
type in its name: `ReportId_long`, `ReportId_string`. With `isfuzzy` a table that is not there is
left out.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from duckdb_kql.types import kusto_type

from hunting_emulator.kql.errors import KqlError
from hunting_emulator.kql.operators.parts import kql_name, listed, parameters
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import Token, at, following, text_of, tokenize

_PARAMETERS: Final = ("kind", "withsource", "with_source", "isfuzzy")


def union(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str | None:
    """Rename the columns whose types differ; without a difference there is no change."""
    given, rest = parameters(place.words(tokens)[1:], _PARAMETERS)
    branches = listed(rest)
    if given.get("isfuzzy") in {"true", "1"}:
        known = {*translator.tables(), *_let_names(tokens)}
        there = [branch for branch in branches if not _is_missing(branch, known)]
        if there != branches and (there or place.pipe > place.outset):
            return place.reworded(tokens, _of_branches(given, there))
    if given.get("kind", "outer") != "outer" or any("*" in branch for branch in branches):
        return None
    lets = text_of(tokens[: place.statement])
    first = [place.source(tokens)] if place.pipe > place.outset else []
    texts = first + [lets + _bare(branch) for branch in branches]
    kinds = [_kinds(text, translator) for text in texts]
    if any(kind is None for kind in kinds):
        return None
    found = [kind for kind in kinds if kind is not None]
    apart = _apart(found)
    if not apart:
        return None
    renamed = [
        _renamed(text.removeprefix(lets), kind, apart)
        for text, kind in zip(texts, found, strict=True)
    ]
    order = ", ".join(map(kql_name, _order(found, apart)))
    kept = "".join(f"{name}={value} " for name, value in given.items() if name != "isfuzzy")
    source = given.get("withsource")
    columns = f"{kql_name(source)}, {order}" if source else order
    made = f"union {kept}{', '.join(f'({text})' for text in renamed)} | project {columns}"
    return place.replaced(tokens, made)


def _of_branches(given: Mapping[str, str], branches: Sequence[str]) -> str:
    kept = "".join(f"{name}={value} " for name, value in given.items())
    return f"union {kept}{', '.join(branches)}" if branches else "where true"


def _let_names(tokens: Sequence[Token]) -> set[str]:
    return {
        at(tokens, following(tokens, index + 1))
        for index, token in enumerate(tokens)
        if token.text == "let"
    }


def _is_missing(branch: str, known: Collection[str]) -> bool:
    """Say whether a branch reads a table of another name than the known ones.

    >>> [_is_missing(text, {"T"}) for text in ("T", "Nope", "(Nope | take 1)", "(print a=1)", "N*")]
    [False, True, True, False, False]
    """
    tokens = tokenize(_bare(branch))
    first = following(tokens, 0)
    if first >= len(tokens) or tokens[first].kind != "name" or tokens[first].text in known:
        return False
    return at(tokens, following(tokens, first + 1)) in {"", "|"}


def _bare(branch: str) -> str:
    """Take the brackets off a branch."""
    tokens = tokenize(branch)
    first = following(tokens, 0)
    return branch.strip()[1:-1] if at(tokens, first) == "(" else branch


def _kinds(text: str, translator: PartTranslator) -> Mapping[str, str] | None:
    try:
        return {name: kusto_type(kind) for name, kind in translator.columns(text)}
    except KqlError:
        return None


def _apart(kinds: Sequence[Mapping[str, str]]) -> frozenset[str]:
    seen: dict[str, set[str]] = {}
    for columns in kinds:
        for name, kind in columns.items():
            seen.setdefault(name, set()).add(kind)
    return frozenset(name for name, found in seen.items() if len(found) > 1)


def _renamed(text: str, kinds: Mapping[str, str], apart: frozenset[str]) -> str:
    renames = [
        f"{kql_name(f'{name}_{kind}')} = {kql_name(name)}"
        for name, kind in kinds.items()
        if name in apart
    ]
    return f"{text.strip()} | project-rename {', '.join(renames)}" if renames else text.strip()


def _order(kinds: Sequence[Mapping[str, str]], apart: frozenset[str]) -> list[str]:
    """Return the columns in order, the types of one name side by side."""
    order: list[str] = []
    for columns in kinds:
        for name in columns:
            made = [f"{name}_{other[name]}" for other in kinds if name in other]
            order += made if name in apart else [name]
    return list(dict.fromkeys(order))
