"""The words of Kusto's query language: operators, functions and keywords.

Pure, but for reading the lists in the package. A function absent from the list is unknown to the
service, too; a listed function without an implementation is the emulator's own limit.
"""

from pathlib import Path
from typing import Final

_CATALOG: Final = Path(__file__).parents[1] / "catalog"


def _words(name: str) -> frozenset[str]:
    return frozenset((_CATALOG / name).read_text("utf-8").split())


OPERATORS: Final = _words("operators.txt")
FUNCTIONS: Final = _words("functions.txt")
KEYWORDS: Final = _words("keywords.txt")
