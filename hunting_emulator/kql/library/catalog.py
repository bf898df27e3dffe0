"""All macros by name, and the macros of a statement.

Pure.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from hunting_emulator.kql.library.rows import MACROS as _FUNCTIONS
from hunting_emulator.kql.macros import MACROS as _OTHERS

_NAME: Final = re.compile(r"\bkusto_\w+(?=\()")
_MADE: Final = re.compile(r"CREATE MACRO (kusto_\w+)")


def _name(statement: str) -> str:
    found = _MADE.match(statement)
    return found[1] if found else ""


MACROS: Final[Mapping[str, str]] = {
    _name(statement): statement.replace("CREATE MACRO", "CREATE OR REPLACE MACRO", 1)
    for statement in (*_OTHERS, *_FUNCTIONS)
}
"""The statement that makes each macro."""


def macro_names(statement: str, known: Collection[str]) -> list[str]:
    """Return the unknown macros called by a statement, each behind the macros called by it.

    >>> macro_names("SELECT kusto_ipv6('x'), kusto_row_number(1)", ())
    ['kusto_row_number']
    """
    order: list[str] = []
    _collect(statement, set(known), order)
    return order


def _collect(statement: str, seen: set[str], order: list[str]) -> None:
    for name in dict.fromkeys(_NAME.findall(statement)):
        if name not in seen and name in MACROS:
            seen.add(name)
            _collect(MACROS[name].partition(" AS ")[2], seen, order)
            order.append(name)
