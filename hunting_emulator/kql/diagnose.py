"""The reason why a query has no answer, in the service's words where the service refuses, too.

Pure.
"""

import re
from itertools import pairwise
from typing import Final

from duckdb_kql.types import kusto_type

from hunting_emulator.kql import locate
from hunting_emulator.kql.errors import (
    KqlError,
    KqlSemanticError,
    KqlSyntaxError,
    KqlUnsupportedError,
)
from hunting_emulator.kql.letter_case import unmarked
from hunting_emulator.kql.tokens import CLOSING, OPENING, Token, tokenize
from hunting_emulator.kql.words import FUNCTIONS, OPERATORS

INCOMPLETE: Final = "The incomplete fragment is unexpected"
NO_OPERATOR: Final = "Query operator expected."
NO_KQL: Final = "A recognition error occurred."
NO_STATEMENT: Final = "No tabular expression statement found"

_UNFINISHED: Final = frozenset(
    {"|", ",", "=", "(", "[", "{", "==", "!=", "<", ">", "<=", ">=", "=~", "!~", "+", "-", "*", "/"}
    | {"and", "or", "has", "contains", "startswith", "in", "by", "on", "between"}
)
_COMPARED: Final = re.compile(r"Cannot compare values of type (.+?) and (?:type )?([A-Z_]+)")
_MISSING_COLUMN: Final = tuple(
    map(
        re.compile,
        (
            r'Referenced column "(.+?)" not found',
            r'does not have a column named "(.+?)"',
            r'Column "(.+?)" referenced that exists in the SELECT',
            r'Column "(.+?)" in EXCLUDE list not found',
            r'Alias with name ""(.+?)"" exists',
        ),
    )
)
_MISSING_TABLE: Final = re.compile(r"Table with name (?P<name>.+?) does not exist")


def syntax(text: str) -> KqlSyntaxError:
    """Return the service's words for a text outside KQL."""
    tokens = [token for token in tokenize(text) if token.kind != "space"]
    if not tokens:
        return KqlSyntaxError(NO_KQL, line=1, column=1)
    for before, token in pairwise(tokens):
        if before.text == "|" and not _is_operator(token):
            return _at(NO_OPERATOR, text, token.start)
    last = tokens[-1]
    if last.text in _UNFINISHED or last.text in OPERATORS or _open(tokens):
        return _at(INCOMPLETE, text, len(text))
    return _at(NO_KQL, text, last.start)


def _at(message: str, text: str, offset: int) -> KqlSyntaxError:
    line, column = locate.position(text, offset)
    return KqlSyntaxError(message, line=line, column=column)


def _is_operator(token: Token) -> bool:
    return token.kind == "name" and any(
        word == token.text or word.startswith(f"{token.text}-") for word in OPERATORS
    )


def _open(tokens: list[Token]) -> bool:
    marks = [token.text for token in tokens if token.kind == "mark"]
    return sum((mark in OPENING) - (mark in CLOSING) for mark in marks) > 0


def missing_table(text: str, name: str) -> KqlSemanticError:
    """Return the service's words for a table missing, or not licensed."""
    said = f"Failed to resolve table or column expression named '{name}'"
    return _semantic(text, name, locate.operator_on(text, name), said)


def missing_column(text: str, name: str) -> KqlSemanticError:
    """Return the service's words for a missing column."""
    said = f"Failed to resolve scalar expression named '{name}'"
    return _semantic(text, name, locate.operator_around(text, name), said)


def unknown_function(text: str, name: str) -> KqlSemanticError:
    """Return the service's words for a missing function."""
    return _semantic(text, name, None, f"Unknown function: '{name}'")


def compared(left: str, right: str) -> str:
    """Return the service's words for values of two types not to be compared."""
    return f"Cannot compare values of types {left} and {right}. Try adding explicit casts"


def _semantic(text: str, name: str, operator: str | None, said: str) -> KqlSemanticError:
    offset = locate.find(text, name)
    line, column = (None, None) if offset is None else locate.position(text, offset)
    prefix = "" if operator is None else f"'{operator}' operator: "
    return KqlSemanticError(f"{prefix}{said}", line=line, column=column)


def unsupported(text: str, construct: str) -> KqlError:
    """Tell a function unknown to Kusto from a function missing in the emulator alone."""
    kind, _, name = construct.partition(":")
    if construct == "statement":
        return KqlSemanticError(NO_STATEMENT)
    if kind in {"function", "aggregate", "invoke"} and name.casefold() not in FUNCTIONS:
        return unknown_function(text, name)
    return KqlUnsupportedError(construct)


def database(text: str, marked_message: str) -> KqlError:
    """Return the meaning of DuckDB's refusal for the query."""
    message = unmarked(marked_message)
    if found := _MISSING_TABLE.search(message):
        return missing_table(text, found["name"])
    for pattern in _MISSING_COLUMN:
        found = pattern.search(message)
        if found and locate.find(text, found[1]) is not None:
            return missing_column(text, found[1])
    if found := _COMPARED.search(message):
        left, right = kusto_type(found[1]), kusto_type(found[2])
        return KqlSemanticError(compared(left, right))
    return KqlUnsupportedError(message.splitlines()[0])


def schema(text: str, error: Exception) -> KqlError:
    """Return the meaning of the translator's complaint about names for the query."""
    name = getattr(error, "name", "")
    if "unknown table" in str(error) or "matched no table" in str(error):
        return missing_table(text, name)
    return KqlUnsupportedError(str(error))
