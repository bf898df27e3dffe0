"""Pieces of operators' texts: names, parameters, types, and columns as SQL.

Pure.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from hunting_emulator.kql.tokens import (
    Token,
    closing,
    meaningful,
    quoted,
    split,
    string_value,
    text_of,
    tokenize,
)

SQL_TYPES: Final = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "int": "INTEGER",
    "real": "DOUBLE",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "boolean": "BOOLEAN",
    "datetime": "TIMESTAMP_NS",
    "date": "TIMESTAMP_NS",
    "timespan": "INTERVAL",
    "time": "INTERVAL",
    "guid": "UUID",
    "decimal": "DECIMAL(38, 10)",
    "dynamic": "JSON",
}
"""DuckDB's types for Kusto's."""

_PARAMETER: Final = 3  # tokens: a name, `=`, a value
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def listed(tokens: Sequence[Token]) -> list[str]:
    """Return the parts between commas, trimmed."""
    return [text_of(part).strip() for part in split(tokens, ",") if text_of(part).strip()]


def parameters(
    words: Sequence[Token], names: Collection[str]
) -> tuple[dict[str, str], list[Token]]:
    """Take the parameters `name=value` of these names off the front of an operator's tokens.

    >>> found, rest = parameters(tokenize("kind=outer isfuzzy = true b = c"), ("isfuzzy", "kind"))
    >>> found, text_of(rest)
    ({'kind': 'outer', 'isfuzzy': 'true'}, ' b = c')
    """
    found: dict[str, str] = {}
    rest = list(words)
    while True:
        told = meaningful(rest)[:_PARAMETER]
        given = [rest[index].text for index in told]
        if len(given) < _PARAMETER or given[0] not in names or given[1] != "=":
            return found, rest
        found[given[0]] = given[2]
        rest = rest[told[-1] + 1 :]


def named(text: str) -> tuple[str | None, str]:
    """Take a name off an expression.

    >>> named("a = b == 1"), named("b == 1"), named("['x y'] = 2")
    (('a', 'b == 1'), (None, 'b == 1'), ('x y', '2'))
    """
    tokens = tokenize(text)
    told = meaningful(tokens)
    for place in (1, 3):
        if len(told) > place + 1 and tokens[told[place]].text == "=":
            name = text_of(tokens[: told[place]]).strip()
            return column_name(name), text_of(tokens[told[place] + 1 :]).strip()
    return None, text


def column_name(text: str) -> str:
    """Return the name in a text, with brackets or without.

    >>> column_name("['x y']"), column_name("x")
    ('x y', 'x')
    """
    text = text.strip()
    return string_value(text[1:-1].strip()) if text.startswith("[") else text


def kql_name(name: str) -> str:
    """Write a column's name in KQL."""
    return name if _PLAIN.fullmatch(name) else f"[{quoted(name)}]"


def type_of(text: str) -> str:
    """Return Kusto's type in `typeof(long)` or `long`."""
    inner = re.sub(r"^\s*typeof\s*\(|\)\s*$", "", text)
    return inner.strip().lower()


def converted(sql: str, kind: str) -> str:
    """Write a dynamic value as a value of another type."""
    if kind == "dynamic":
        return sql
    text = f"({sql} ->> '$')"
    if kind == "string":
        return f"coalesce({text}, '')"
    if kind in {"datetime", "date"}:
        return f"kusto_todatetime({text})"
    if kind in {"long", "int"}:
        return f"TRY_CAST(trunc(TRY_CAST({text} AS DOUBLE)) AS {SQL_TYPES[kind]})"
    return f"TRY_CAST({text} AS {SQL_TYPES[kind]})"


def bare_word(text: str) -> bool:
    """Say whether a text is one name."""
    return _PLAIN.fullmatch(text) is not None


def path_name(text: str) -> str | None:
    """Return Kusto's name for a path such as `a.b['c'][0]`, `None` for another text.

    >>> path_name("A.q[0]"), path_name("parse_json(A).x"), path_name("f(A, B)")
    ('A_q_0', 'A_x', None)
    """
    tokens = tokenize(text)
    told = [tokens[index] for index in meaningful(tokens)]
    if told and told[0].text in _FIRST_ALONE and closing(told, 1) == len(told) - 1:
        return path_name(listed(told[2:-1])[0])
    while len(told) > len("f()") and told[0].text in _TRANSPARENT and told[1].text == "(":
        end = _closing(told)
        if end is None:
            return None
        told = [*told[2:end], *told[end + 1 :]]
    words = [word for token in told for word in _word(token)]
    known = [word for word in words if word is not None]
    return "_".join(known) if told and told[0].kind == "name" and known == words else None


_FIRST_ALONE: Final = frozenset({"split", "parse_csv", "extract_all"})
_TRANSPARENT: Final = frozenset(
    {"parse_json", "todynamic", "toobject", "tostring", "parsejson", "dynamic_to_json"}
)


def _closing(told: Sequence[Token]) -> int | None:
    depth = 0
    for index, token in enumerate(told):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text == ")":
            return index if "," not in [t.text for t in told[2:index]] else None
    return None


def _word(token: Token) -> list[str | None]:
    if token.text in {".", "[", "]"}:
        return []
    if token.kind == "string":
        return [string_value(token.text)]
    return [token.text] if token.kind in {"name", "number"} else [None]
