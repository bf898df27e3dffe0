"""Names equal but for case, kept apart: Kusto distinguishes case, DuckDB does not.

Pure. The first spelling of a name stays plain; every other spelling carries a mark of its capital
letters. So a misspelt name is not found, as with Kusto.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from hunting_emulator.kql.words import FUNCTIONS, KEYWORDS, OPERATORS

MARK: Final = r"__twin[0-9a-f]+z"
"""The pattern of a mark."""

_MARK: Final = re.compile(MARK)
_NOT_COLUMNS: Final = FUNCTIONS | KEYWORDS | OPERATORS


def marked(name: str) -> str:
    """Return a name unlike any other spelling, whatever the case.

    >>> marked("Id"), marked("ID")
    ('Id__twin2z', 'ID__twin3z')
    """
    capitals = "".join("1" if mark.isupper() else "0" for mark in name)
    return f"{name}__twin{int(capitals or '0', 2):x}z"


def unmarked(name: str) -> str:
    """Return a name as written, wherever the mark stands.

    >>> unmarked("max_" + marked("ID") + "1")
    'max_ID1'
    """
    return _MARK.sub("", name)


@dataclass(frozen=True, slots=True)
class Spellings:
    """The plain spelling of each name."""

    plain: Mapping[str, str]

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """Let the first spelling of each name be the plain one."""
        plain: dict[str, str] = {}
        for name in names:
            plain.setdefault(name.casefold(), name)
        return cls(plain)

    def inner(self, name: str) -> str:
        """Return a column's name for DuckDB.

        >>> Spellings.of(["LogonId", "LogonID"]).inner("LogonID")
        'LogonID__twin43z'
        """
        return name if self.plain.get(name.casefold(), name) == name else marked(name)

    def inner_word(self, word: str) -> str:
        """Return a word of a query for DuckDB; the word need not be a column."""
        return word if word in _NOT_COLUMNS else self.inner(word)
