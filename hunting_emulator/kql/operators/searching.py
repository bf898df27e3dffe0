"""`search` and `find`: terms in any column of any table.

Pure, but for the desk's answers.
"""

from collections.abc import Sequence
from typing import Final

from hunting_emulator.kql.desk import Desk
from hunting_emulator.kql.operators.parts import kql_name, listed, parameters
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


def search(tokens: Sequence[Token], place: Place, desk: Desk) -> str:
    """Look for terms in every column; the table's name goes before the columns."""
    words = place.words(tokens)[1:]
    given, words = parameters(words, ("kind",))
    case = "_cs" if given.get("kind") == "case_sensitive" else ""
    words, tables = _tables(words)
    lets = text_of(tokens[: place.statement])
    if place.pipe > place.outset:
        source = place.source(tokens).removeprefix(lets)
        texts = [("", source)]
        first = tokens[place.outset].text
        texts = [(first if first in desk.tables() else "", source)]
    else:
        names = tables or list(desk.tables())
        texts = [(name, name) for name in _wild(names, desk)]
    branches = []
    for name, text in texts:
        held = _predicate(words, lets + text, desk, case)
        branches.append(f"({text} | extend __table = {quoted(name)} | where {held})")
    joined = branches[0][1:-1] if len(branches) == 1 else f"union {', '.join(branches)}"
    columns = [name for name, _ in desk.columns(lets + joined) if name != "__table"]
    named = ", ".join(["['$table'] = __table", *map(kql_name, columns)])
    return place.replaced(tokens, f"{joined} | project {named}")


def _tables(words: Sequence[Token]) -> tuple[list[Token], list[str]]:
    first = following(words, 0)
    opening = following(words, first + 1)
    if at(words, first) != "in" or at(words, opening) != "(":
        return list(words), []
    end = closing(words, opening) or opening
    return list(words[end + 1 :]), listed(words[opening + 1 : end])


def _wild(names: Sequence[str], desk: Desk) -> list[str]:
    """Write out `Device*`."""
    found: list[str] = []
    for name in names:
        start = name.removesuffix("*")
        found += [t for t in desk.tables() if t.startswith(start)] if name.endswith("*") else [name]
    return found


def _predicate(words: Sequence[Token], source: str, desk: Desk, case: str) -> str:
    columns = [name for name, kind in desk.columns(source) if name != "__table" and kind]
    said = ""
    told = set(meaningful(words))
    for index, token in enumerate(words):
        if index in told and token.kind == "string" and _is_term(words, index):
            said += _in_any(string_value(token.text), columns, case)
        elif token.text == ":" and token.kind == "mark":
            said += " has "
        else:
            said += token.text
    return _known_columns(said.strip(), columns) or "true"


def _known_columns(text: str, _columns: Sequence[str]) -> str:
    return "" if text in {"*", "'*'"} else text


def _is_term(words: Sequence[Token], index: int) -> bool:
    before = [words[i].text for i in meaningful(words) if i < index]
    return not before or before[-1] in {"and", "or", "not", "("} or before[-1] not in _NEXT_TO


def _in_any(term: str, columns: Sequence[str], case: str) -> str:
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
    tests = [f"tostring({kql_name(c)}) {operator}{case} {quoted(word)}" for c in columns]
    return f"({' or '.join(tests)})"


def find(tokens: Sequence[Token], place: Place, desk: Desk) -> str:
    """Take the rows of several tables for which a predicate holds."""
    words = place.words(tokens)[1:]
    words, tables = _tables(words)
    text = text_of(words).strip().removeprefix("where").strip()
    predicate, _, projected = text.partition(" project ")
    names = _wild(tables or list(desk.tables()), desk)
    wanted = listed(tokenize(projected))
    branches = []
    for name in names:
        have = {column for column, _ in desk.columns(name)}
        read = [token.text for token in tokenize(predicate) if token.kind == "name"]
        shown = [column for column in wanted or sorted(have & set(read)) if column in have]
        given = ", ".join([f"source_ = {quoted(name)}", *shown])
        branches.append(f"({name} | where {predicate} | project {given})")
    return place.replaced(tokens, f"union {', '.join(branches)}")
