"""The SQL of duckdb-kql, made exact to 100 ns.

Pure. duckdb-kql writes datetimes as TIMESTAMP, of microseconds. The tables hold TIMESTAMP_NS, so
the translator's SQL about time is replaced by macros with every tick.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from hunting_emulator.kql import translator_sql
from hunting_emulator.kql.letter_case import MARK, unmarked
from hunting_emulator.kql.rewrite import INGESTED


def _pattern(sql: str, **holes: str) -> re.Pattern[str]:
    """Make a pattern of a piece of SQL; a hole takes any text without another such piece."""
    text = re.escape(sql)
    head = re.escape(sql[: min(sql.index(hole) for hole in holes.values())])
    for name, hole in holes.items():
        escaped = re.escape(hole)
        text = text.replace(escaped, rf"(?P<{name}>(?:(?!{head}).)+?)", 1)
        text = text.replace(escaped, f"(?P={name})")
    return re.compile(text, re.DOTALL)


_NOT_DYNAMIC: Final = ("concat(", "lower(", "upper(", "kusto_tostring(", "kusto_text(", "'")

_TOSTRING: Final = _pattern(translator_sql.TOSTRING, x='"x"')
_TODATETIME: Final = _pattern(translator_sql.TODATETIME, x='"x"')
_BIN: Final = _pattern(translator_sql.BIN, x='"x"', width="INTERVAL '1h'")
_PLACE: Final = _pattern(translator_sql.PLACE, x='"x"')
_ELEMENT: Final = re.compile(
    r"WHEN 'TIMESTAMP' THEN to_json\(\(?strftime\(CAST\((?P<x>(?:(?!'TIMESTAMP' THEN).)+?)"
    r" AS TIMESTAMP\), '%Y-%m-%dT%H:%M:%S\.%f'\) \|\| '0Z'\)"
)
_PACKED_CALL: Final = "power('@packed', "
_PACKED: Final = re.compile(r"power\('@packed', '(\d+)'\)")
_CALL_OF_TWO: Final = re.compile(r"power\('@(\w+)', power\((?!'@)")
_CALL: Final = re.compile(r"power\('@(\w+)', ")
_HASH_OF_TEXT: Final = re.compile(r"\bkusto_hash\((?=CAST\(json_object)")
_TICKS: Final = re.compile(r"WHEN typeof\((\w+)\) = 'TIMESTAMP' THEN (?=\(epoch_us\()")
_LITERAL: Final = r"kusto_todatetime\('[^']*'\)|CAST\(\$kqlnow AS TIMESTAMP\)"
_SHIFTED: Final = re.compile(rf"\(({_LITERAL}) ([+-]) (INTERVAL '[^']*')\)")
_CAST: Final = re.compile(rf"CAST\(({_LITERAL}) AS TIMESTAMP\)")
_LITERAL_TEXT: Final = re.compile(
    rf"\(strftime\(({_LITERAL}), '%Y-%m-%dT%H:%M:%S\.%f'\) \|\| '0Z'\)"
)
_SAME: Final = re.compile(
    r"\((?P<x>\"(?:[^\"]|\"\")+\") (?P<how>=|<>) (?P<n>CAST\(-?[\d.]+ AS (?:BIGINT|DOUBLE)\))\)"
)
_QUOTED: Final = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'")
_GETSCHEMA: Final = re.compile(
    r'SELECT column_name AS "ColumnName"(?P<rest>.*?\(DESCRIBE SELECT \* FROM \w+\))', re.DOTALL
)
_NAMED_SCHEMA: Final = (
    f"""SELECT regexp_replace(column_name, '{MARK}', '', 'g') AS "ColumnName\"""" + r"\g<rest>"
    f" WHERE NOT starts_with(column_name, '{INGESTED}')"
)


def exact(sql: str, packs: Sequence[str]) -> str:
    """Replace SQL that loses the seventh digit, and the marks of rewritten calls.

    `packs` are the expressions for the packed rows, in order.
    """
    sql = _inside_out(sql, _TOSTRING, _tostring)
    sql = _inside_out(sql, _TODATETIME, lambda found: f"kusto_todatetime({found['x']})")
    sql = _inside_out(sql, _BIN, lambda found: f"kusto_bin({found['x']}, {found['width']})")
    sql = _inside_out(sql, _PLACE, lambda found: f"kusto_place({found['x']})")
    sql = _ELEMENT.sub(r"WHEN 'TIMESTAMP_NS' THEN to_json(kusto_text(\g<x>)) \g<0>", sql)
    sql = _LITERAL_TEXT.sub(r"kusto_text(\1)", _CAST.sub(r"\1", sql))
    sql = _SHIFTED.sub(_shifted, sql)
    sql = _TICKS.sub(r"WHEN typeof(\1) = 'TIMESTAMP_NS' THEN kusto_ticks(\1) \g<0>", sql)
    sql = _SAME.sub(_same, sql)
    sql = _calls(_PACKED.sub(lambda found: packs[int(found[1])], sql))
    return _GETSCHEMA.sub(_NAMED_SCHEMA, _QUOTED.sub(_unmarked_text, sql))


def _same(found: re.Match[str]) -> str:
    """Compare a column, which may hold texts, with a number."""
    same = f"kusto_same({found['x']}, {found['n']})"
    return same if found["how"] == "=" else f"(NOT {same})"


def _shifted(found: re.Match[str]) -> str:
    sign = "-" if found[2] == "-" else ""
    return f"kusto_shift({found[1]}, {sign}{found[3]})"


def _unmarked_text(found: re.Match[str]) -> str:
    """Show a name as written where used as a value; leave a name in its own place."""
    return unmarked(found[0]) if found[0].startswith("'") else found[0]


def _calls(sql: str) -> str:
    """Turn calls passed through the translator as `pow` into calls of macros."""
    sql = _HASH_OF_TEXT.sub("kusto_hash_text(", sql)
    return _CALL.sub(r"kusto_\1(", _CALL_OF_TWO.sub(r"(kusto_\1(", sql))


def _inside_out(sql: str, pattern: re.Pattern[str], macro: Callable[[re.Match[str]], str]) -> str:
    """Replace from the inside out, as expressions nest."""
    count = 1
    while count:
        sql, count = pattern.subn(macro, sql)
    return sql


def _tostring(found: re.Match[str]) -> str:
    """Make a string of a value; a string needs no look at the type."""
    value = found["x"]
    if value.startswith(_NOT_DYNAMIC) and _is_one_term(value):
        return f"coalesce({value}, '')"
    if value.startswith(_PACKED_CALL) and _is_one_term(value):
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
