"""The translator's SQL for some expressions over the column `x`.

Pure. The translator is asked, so that the SQL cannot drift from the SQL looked for.
"""

from typing import Final

import duckdb_kql


def _written(expression: str) -> str:
    sql = str(duckdb_kql.to_sql(f"T | project y = {expression}", schema={"T": ["x"]}))
    return sql.split("_s1 AS (SELECT ", 1)[1].rsplit(' AS "y" FROM _s0', 1)[0]


TOSTRING: Final = _written("tostring(x)")
TODATETIME: Final = _written("todatetime(x)")
BIN: Final = _written("bin(x, 1h)")
PLACE: Final = _written("x[x]").partition(", ")[2].removesuffix(")")  # within a dynamic value
