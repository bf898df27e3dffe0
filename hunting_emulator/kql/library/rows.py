"""The functions in the places where the translator and DuckDB look for functions.

The translator's table of functions is public and belongs to the process; rows are added once.
"""

from typing import Final

from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec

from hunting_emulator.kql.library import (
    addresses,
    aggregates,
    dynamics,
    hashes,
    moments,
    series,
    texts,
)
from hunting_emulator.kql.library.form import macros

_TABLES: Final = (
    dynamics.FUNCTIONS,
    addresses.FUNCTIONS,
    texts.FUNCTIONS,
    hashes.FUNCTIONS,
    series.FUNCTIONS,
    moments.FUNCTIONS,
    aggregates.FUNCTIONS,
)

MACROS: Final = macros(_TABLES)
"""The statements that make DuckDB know the functions."""

NAMES: Final = frozenset(row.name for table in _TABLES for row in table if not row.hidden)
"""The functions' names in KQL."""

PREFIX: Final = "kusto_"
"""The prefix of a function whose bare name the translator would take for its own."""


_WRITTEN_ONCE: Final = {"kusto_concat": "concat({})", "kusto_text_once": "kusto_text_once({})"}
"""Functions that make text, and write no argument more than once."""


def register() -> None:
    """Give the translator the missing functions and aggregates."""
    for name in NAMES:
        for known in (name, f"{PREFIX}{name}"):
            SCALAR_FUNCTIONS[known] = FunctionSpec(known, "template", f"{PREFIX}{name}({{}})")
    for name, template in _WRITTEN_ONCE.items():
        SCALAR_FUNCTIONS[name] = FunctionSpec(name, "template", template)
    aggregates.register()
