"""The SQL of duckdb-kql, made exact to 100 ns.

Pure. duckdb-kql writes datetimes as TIMESTAMP, which holds microseconds. The tables hold
TIMESTAMP_NS, so what the translator writes about time is replaced by macros that keep every tick.
What it writes is asked of it here, not written down, so that it cannot drift from the patterns.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

import duckdb_kql

from hunting_emulator.kql.rewrite import HASHED, INGESTED, PACKED, TWIN


def _written(expression: str) -> str:
    """Return the SQL of an expression over the column `x`."""
    sql = str(duckdb_kql.to_sql(f"T | project y = {expression}", schema={"T": ["x"]}))
    return sql.split("_s1 AS (SELECT ", 1)[1].rsplit(' AS "y" FROM _s0', 1)[0]


def _pattern(sql: str, **holes: str) -> re.Pattern[str]:
    """Make a pattern of a piece of SQL; each hole takes what holds no such piece itself."""
    text = re.escape(sql)
    head = re.escape(sql[: min(sql.index(hole) for hole in holes.values())])
    for name, hole in holes.items():
        escaped = re.escape(hole)
        text = text.replace(escaped, rf"(?P<{name}>(?:(?!{head}).)+?)", 1)
        text = text.replace(escaped, f"(?P={name})")
    return re.compile(text, re.DOTALL)


_TOSTRING_SQL: Final = _written("tostring(x)")
_DATETIME_BRANCH: Final = re.compile(r"WHEN 'TIMESTAMP' THEN (.*?) WHEN 'INTERVAL'")
_TODATETIME_SQL: Final = _written("todatetime(x)")
_NOT_DYNAMIC: Final = ("concat(", "lower(", "upper(", "kusto_tostring(", "kusto_text(", "'")

MACROS: Final = (
    """CREATE MACRO kusto_text(x) AS CASE typeof(x)
      WHEN 'TIMESTAMP_NS'
      THEN strftime(TRY_CAST(x AS TIMESTAMP_NS), '%Y-%m-%dT%H:%M:%S.%n')[:27] || 'Z'
      ELSE strftime(TRY_CAST(x AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f') || '0Z' END""",
    "CREATE MACRO kusto_tostring(x) AS "
    + _DATETIME_BRANCH.sub(
        r"WHEN 'TIMESTAMP_NS' THEN kusto_text(TRY_CAST(x AS TIMESTAMP_NS)) \g<0>", _TOSTRING_SQL
    ).replace('"x"', "x"),
    """CREATE MACRO kusto_todatetime(x) AS CASE typeof(x)
    WHEN 'TIMESTAMP_NS' THEN TRY_CAST(x AS TIMESTAMP_NS)
    ELSE make_timestamp_ns(
      epoch_ns(TRY_CAST("""
    + _TODATETIME_SQL.replace('"x"', "x")
    + """ AS TIMESTAMP_NS))
      + COALESCE(
          TRY_CAST(regexp_extract(CAST(x AS VARCHAR), '[.][0-9]{6}([0-9])', 1) AS BIGINT), 0
        ) * 100
    ) END""",
    # Kusto counts bins from year 1, whose first day was a Monday.
    """CREATE MACRO kusto_bin(x, width) AS make_timestamp_ns(
      epoch_ns(CAST(x AS TIMESTAMP_NS)) // 100 * 100
      - ((epoch_ns(CAST(x AS TIMESTAMP_NS)) // 100 + 621355968000000000) % (epoch_us(width) * 10))
        * 100
    )""",
    # Kusto does not promise which hash it is, only that equal values have equal ones.
    "CREATE MACRO kusto_hash_text(x) AS CAST(hash(x) >> 1 AS BIGINT)",
    "CREATE MACRO kusto_hash(x) AS CAST(hash(kusto_tostring(x)) >> 1 AS BIGINT)",
    """CREATE MACRO kusto_span(us) AS
      CASE WHEN us < 0 THEN '-' ELSE '' END
      || CASE WHEN abs(us) >= 86400000000 THEN (abs(us) // 86400000000)::VARCHAR || '.' ELSE '' END
      || lpad((abs(us) // 3600000000 % 24)::VARCHAR, 2, '0')
      || ':' || lpad((abs(us) // 60000000 % 60)::VARCHAR, 2, '0')
      || ':' || lpad((abs(us) // 1000000 % 60)::VARCHAR, 2, '0')
      || CASE WHEN us % 1000000 <> 0
         THEN '.' || lpad((abs(us) % 1000000)::VARCHAR, 6, '0') || '0' ELSE '' END""",
)

_TOSTRING: Final = _pattern(_TOSTRING_SQL, x='"x"')
_TODATETIME: Final = _pattern(_TODATETIME_SQL, x='"x"')
_BIN: Final = _pattern(_written("bin(x, 1h)"), x='"x"', width="INTERVAL '1h'")
_ELEMENT: Final = re.compile(
    r"WHEN 'TIMESTAMP' THEN to_json\(\(?strftime\(CAST\((?P<x>(?:(?!'TIMESTAMP' THEN).)+?)"
    r" AS TIMESTAMP\), '%Y-%m-%dT%H:%M:%S\.%f'\) \|\| '0Z'\)"
)
_HASH: Final = re.compile(re.escape(HASHED))
_PACKED: Final = re.compile(re.escape(PACKED) + r"'(\d+)'\)\)\)")
_HASH_OF_TEXT: Final = re.compile(re.escape(HASHED) + r"(?=CAST\(json_object)")
_TWIN_TEXT: Final = re.compile(rf"'(\w+){TWIN}\d+'")
_GETSCHEMA: Final = re.compile(
    r'SELECT column_name AS "ColumnName"(?P<rest>.*?\(DESCRIBE SELECT \* FROM \w+\))', re.DOTALL
)
_NAMED_SCHEMA: Final = (
    f"""SELECT regexp_replace(column_name, '{TWIN}[0-9]+$', '') AS "ColumnName\"""" + r"\g<rest>"
    f" WHERE column_name <> '{INGESTED}'"
)


def exact(sql: str, packs: Sequence[str]) -> str:
    """Replace what would lose the seventh digit, and what went through in other words.

    `packs` are the expressions that stand for the packed rows, in order.
    """
    sql = _inside_out(sql, _TOSTRING, _tostring)
    sql = _inside_out(sql, _TODATETIME, lambda found: f"kusto_todatetime({found['x']})")
    sql = _inside_out(sql, _BIN, lambda found: f"kusto_bin({found['x']}, {found['width']})")
    sql = _ELEMENT.sub(r"WHEN 'TIMESTAMP_NS' THEN to_json(kusto_text(\g<x>)) \g<0>", sql)
    sql = _PACKED.sub(lambda found: packs[int(found[1])], sql)
    sql = _HASH.sub("kusto_hash((", _HASH_OF_TEXT.sub("kusto_hash_text((", sql))
    return _TWIN_TEXT.sub(r"'\1'", _GETSCHEMA.sub(_NAMED_SCHEMA, sql))


def _inside_out(sql: str, pattern: re.Pattern[str], macro: Callable[[re.Match[str]], str]) -> str:
    """Replace from the inside out, as one expression may hold another."""
    count = 1
    while count:
        sql, count = pattern.subn(macro, sql)
    return sql


def _tostring(found: re.Match[str]) -> str:
    """Make a string of a value; what is one already needs no look at its type."""
    value = found["x"]
    if value.startswith(_NOT_DYNAMIC) and _is_one_term(value):
        return f"coalesce({value}, '')"
    if value.startswith(PACKED) and _is_one_term(value):
        return f"CAST({value} AS VARCHAR)"
    return f"kusto_tostring({value})"


def _is_one_term(value: str) -> bool:
    if value.startswith("'"):
        return re.fullmatch(r"'(?:[^']|'')*'", value) is not None
    depth = 0
    for index, mark in enumerate(value):
        depth += (mark == "(") - (mark == ")")
        if depth == 0 and mark == ")":
            return index == len(value) - 1
    return False
