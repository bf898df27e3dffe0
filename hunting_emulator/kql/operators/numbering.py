"""Rows numbered, and their neighbours found, within `mv-apply`.

Pure. The subquery runs beside each row, where DuckDB keeps no order, so the order is told: that of
the last step which sorts, else that of the elements, in a hidden column beside each of them.
"""

import re
from typing import Final

from hunting_emulator.kql.errors import KqlUnsupportedError
from hunting_emulator.kql.tokens import split, text_of, tokenize

ORDINAL: Final = "__array_at"
"""The hidden column with the place of an element."""

_ASKED: Final = re.compile(r"\b(?:row_number|prev|next)\s*\(")
_SORTING: Final = frozenset({"sort", "order", "top"})
_KEEPING: Final = frozenset(
    {"extend", "serialize", "where", "filter", "project", "project-away", "project-rename"}
    | {"parse", "parse-where", "take", "limit"}
)
_CALL: Final = re.compile(r"kusto_(row_number|prev|next)\(((?:[^()]|\([^()]*\))*)\)")
_SORTED: Final = re.compile(
    r"FROM _s\d+ ORDER BY (?P<keys>.*?)(?: LIMIT \S+)?\)(?=,\s+_s\d+ AS \(|\s+SELECT )", re.DOTALL
)
_BY_NAME: Final = {"row_number": "row_number()", "prev": "lag({})", "next": "lead({})"}


def asked(subquery: str) -> bool:
    """Say whether a subquery numbers rows or looks at their neighbours."""
    return _ASKED.search(subquery) is not None


def with_ordinals(subquery: str) -> str:
    """Keep the elements' places up to the step that asks for the order.

    Raises:
        KqlUnsupportedError: a step before leaves no order that is known.

    >>> with_ordinals("project a | extend n = row_number() | project n")
    'project a, __array_at | extend n = row_number() | project n'
    """
    steps = [text_of(part).strip() for part in split(tokenize(subquery), "|")]
    known = True
    for place, step in enumerate(steps):
        word = step.split(None, 1)[0]
        known = word in _SORTING or (known and word in _KEEPING)
        if not known:
            reason = f"it numbers rows behind {word}, within mv-apply"
            raise KqlUnsupportedError(reason)
        if asked(step):
            break
        if word == "project":
            steps[place] = f"{step}, {ORDINAL}"
    return " | ".join(steps)


def in_order(sql: str) -> str:
    """Write the order into each call that asks for one."""

    def ordered(found: re.Match[str]) -> str:
        sorts = list(_SORTED.finditer(sql, 0, found.start()))
        keys = sorts[-1]["keys"] if sorts else ORDINAL
        name, given = found.groups()
        made = f"{_BY_NAME[name].format(given)} OVER (ORDER BY {keys})"
        return f"({made} - 1 + {given})" if name == "row_number" else made

    return _CALL.sub(ordered, sql)
