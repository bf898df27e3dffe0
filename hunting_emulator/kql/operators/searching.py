"""`search` and `find`: terms in any column of any table.

Pure, but for the translator's answers.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.operators.parts import kql_name, listed, parameters
from hunting_emulator.kql.part_translator import PartTranslator
from hunting_emulator.kql.pipelines import Place
from hunting_emulator.kql.tokens import (
    Token,
    at,
    closing,
    following,
    meaningful,
    quoted,
    string_value,
    text_of,
    tokenize,
)

_NEXT_TO: Final = frozenset(
    {"==", "!=", "=~", "!~", "<>", "<", ">", "<=", ">=", "has", "contains", "startswith"}
    | {"endswith", ":", "in", "has_any", "has_all", "regex", "matches", "has_cs", "contains_cs"}
    | {"startswith_cs", "hasprefix", "hassuffix", ",", "(", "["}
)

_MOST_TABLES: Final = 40

_TEXT: Final = "__text"
"""The column with the text of all columns, in which terms are looked for."""


def search(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Look for terms in every column; the table's name goes before the columns.

    Raises:
        KqlUnsupportedError: in more tables than one SQL holds.
    """
    words = place.words(tokens)[1:]
    given, words = parameters(words, ("kind",))
    case = "_cs" if given.get("kind") == "case_sensitive" else ""
    words, tables = _tables(words)
    lets = text_of(tokens[: place.statement])
    if place.pipe > place.outset:
        source = place.source(tokens).removeprefix(lets)
        texts = [("", source)]
        first = tokens[place.outset].text
        texts = [(first if first in translator.tables() else "", source)]
    else:
        names = tables or list(translator.tables())
        texts = [(name, name) for name in _wild(names, translator)]
    if len(texts) > _MOST_TABLES:
        reason = "it searches too many tables for one SQL; name some, as in search in (Device*)"
        raise KqlUnsupportedError(reason)
    branches = []
    for name, text in texts:
        made = f"__table = {quoted(name)}, {_TEXT} = {_text(translator.columns(lets + text))}"
        branches.append(f"({text} | extend {made} | where {_predicate(words, case)})")
    joined = branches[0][1:-1] if len(branches) == 1 else f"union {', '.join(branches)}"
    columns = [
        name for name, _ in translator.columns(lets + joined) if name not in {"__table", _TEXT}
    ]
    named = ", ".join(["['$table'] = __table", *map(kql_name, columns)])
    return place.replaced(tokens, f"{joined} | project {named}")


def _tables(words: Sequence[Token]) -> tuple[list[Token], list[str]]:
    first = following(words, 0)
    opening = following(words, first + 1)
    if at(words, first) != "in" or at(words, opening) != "(":
        return list(words), []
    end = closing(words, opening) or opening
    return list(words[end + 1 :]), listed(words[opening + 1 : end])


def _wild(names: Sequence[str], translator: PartTranslator) -> list[str]:
    """Write out `Device*`."""
    found: list[str] = []
    for name in names:
        start = name.removesuffix("*")
        found += (
            [t for t in translator.tables() if t.startswith(start)]
            if name.endswith("*")
            else [name]
        )
    return found


def _text(columns: Iterable[tuple[str, str]]) -> str:
    """Write the text of all columns; a new line bounds terms, and is in no word."""
    texts = [
        kql_name(name) if kind == "VARCHAR" else f"tostring({kql_name(name)})"
        for name, kind in columns
        if kind
    ]
    return f"strcat_delim('\\n', {', '.join(texts)}, '')"


def _predicate(words: Sequence[Token], case: str) -> str:
    said = ""
    told = set(meaningful(words))
    for index, token in enumerate(words):
        if index in told and token.kind == "string" and _is_term(words, index):
            said += _in_any(string_value(token.text), case)
        elif token.text == ":" and token.kind == "mark":
            said += " has "
        else:
            said += token.text
    return "true" if said.strip() in {"", "*", "'*'"} else said.strip()


def _is_term(words: Sequence[Token], index: int) -> bool:
    before = [words[i].text for i in meaningful(words) if i < index]
    return not before or before[-1] in {"and", "or", "not", "("} or before[-1] not in _NEXT_TO


def _in_any(term: str, case: str) -> str:
    if term in {"", "*"}:
        return "true"
    word = term.strip("*")
    operator = "has"
    if term.startswith("*") and term.endswith("*"):
        operator = "contains"
    elif term.endswith("*"):
        operator = "hasprefix"
    elif term.startswith("*"):
        operator = "hassuffix"
    return f"{_TEXT} {operator}{case} {quoted(word)}"


def find(tokens: Sequence[Token], place: Place, translator: PartTranslator) -> str:
    """Take the rows of several tables for which a predicate holds."""
    words = place.words(tokens)[1:]
    words, tables = _tables(words)
    text = text_of(words).strip().removeprefix("where").strip()
    predicate, _, projected = text.partition(" project ")
    names = _wild(tables or list(translator.tables()), translator)
    wanted = listed(tokenize(projected))
    branches = []
    for name in names:
        have = {column for column, _ in translator.columns(name)}
        read = [token.text for token in tokenize(predicate) if token.kind == "name"]
        shown = [column for column in wanted or sorted(have & set(read)) if column in have]
        given = ", ".join([f"source_ = {quoted(name)}", *shown])
        branches.append(f"({name} | where {predicate} | project {given})")
    return place.replaced(tokens, f"union {', '.join(branches)}")
