"""Whether two columns of different types hold the same value, in DuckDB's SQL.

Pure. Each condition is an equation, since DuckDB joins by equations alone in little time.
"""

import re
from typing import Final

from bulk_loader.columns import DECIMAL
from bulk_loader.sql_types import Sql, converted, value

_NUMBER: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*")
_FRACTION: Final = re.compile(r"DOUBLE|FLOAT|DECIMAL.*")
_TIME: Final = re.compile(r"TIMESTAMP.*|DATE")


def same(left: Sql, left_kind: str, right: Sql, right_kind: str) -> Sql:
    """Return whether two columns are equal by value, each of its type."""
    if left_kind == right_kind:
        return f"{left} = {right}"
    if _TIME.fullmatch(right_kind):
        left, left_kind, right, right_kind = right, right_kind, left, left_kind
    if _TIME.fullmatch(left_kind):
        return f"{_instant(left, left_kind)} = {_instant(right, right_kind)}"
    if _NUMBER.fullmatch(left_kind) and _NUMBER.fullmatch(right_kind):
        return f"{_number(left)} = {_number(right)}"
    texts = (converted(left_kind, "VARCHAR", left), converted(right_kind, "VARCHAR", right))
    if _FRACTION.fullmatch(left_kind) or _FRACTION.fullmatch(right_kind):
        return " = ".join(rf"regexp_replace({text}, '^(-?\d+)[.]0+$', '\1')" for text in texts)
    return " = ".join(texts)


def _number(column: Sql) -> Sql:
    """Return a number as the decimal that its text names; beyond decimals, its text."""
    text = f"CAST({column} AS VARCHAR)"
    return f"coalesce(CAST(TRY_CAST({text} AS {DECIMAL}) AS VARCHAR), {text})"


def _instant(column: Sql, kind: str) -> Sql:
    """Return an instant as DuckDB's text, which is the same for all types of times."""
    if kind == "VARCHAR":
        column = value("TIMESTAMP_NS", column, declared="TIMESTAMP_NS")
    elif kind == "DATE":
        column = f"CAST({column} AS TIMESTAMP)"
    return f"CAST({column} AS VARCHAR)"
