"""The SQL of duckdb-kql, made exact to 100 ns and ready to run.

Pure. duckdb-kql writes datetimes as TIMESTAMP, which holds microseconds. The tables hold
TIMESTAMP_NS, so what the translator writes about time is replaced by macros that keep every tick.
The patterns are those of duckdb-kql 1.1.2, which the package therefore pins.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from hunting_emulator.kql import times
from hunting_emulator.kql.rewrite import SLOT, Instant

MACROS: Final = (
    """CREATE MACRO kusto_todatetime(x) AS CASE typeof(x)
    WHEN 'TIMESTAMP_NS' THEN TRY_CAST(x AS TIMESTAMP_NS)
    ELSE make_timestamp_ns(
      epoch_ns(TRY_CAST(COALESCE(
        TRY_CAST(x AS TIMESTAMPTZ) AT TIME ZONE 'UTC',
        try_strptime(CAST(x AS VARCHAR), ['%m-%d-%Y', '%m/%d/%Y', '%m.%d.%Y', '%m-%d-%Y %H:%M:%S',
          '%m/%d/%Y %H:%M:%S', '%-d %b %Y', '%b %-d, %Y', '%a, %d %b %Y %H:%M:%S GMT', '%Y%m%d'])
      ) AS TIMESTAMP_NS))
      + COALESCE(
          TRY_CAST(regexp_extract(CAST(x AS VARCHAR), '[.][0-9]{6}([0-9])', 1) AS BIGINT), 0
        ) * 100
    ) END""",
    # Kusto counts bins from year 1, whose first day was a Monday.
    """CREATE MACRO kusto_bin(x, width) AS make_timestamp_ns(
      epoch_ns(CAST(x AS TIMESTAMP_NS))
      - ((epoch_ns(CAST(x AS TIMESTAMP_NS)) // 100 + 621355968000000000) % (epoch_us(width) * 10))
        * 100
    )""",
    """CREATE MACRO kusto_text(x) AS
      strftime(CAST(x AS TIMESTAMP_NS), '%Y-%m-%dT%H:%M:%S.%n')[:27] || 'Z'""",
    """CREATE MACRO kusto_span(us) AS
      CASE WHEN us < 0 THEN '-' ELSE '' END
      || CASE WHEN abs(us) >= 86400000000 THEN (abs(us) // 86400000000)::VARCHAR || '.' ELSE '' END
      || lpad((abs(us) // 3600000000 % 24)::VARCHAR, 2, '0')
      || ':' || lpad((abs(us) // 60000000 % 60)::VARCHAR, 2, '0')
      || ':' || lpad((abs(us) // 1000000 % 60)::VARCHAR, 2, '0')
      || CASE WHEN us % 1000000 <> 0
         THEN '.' || lpad((abs(us) % 1000000)::VARCHAR, 6, '0') || '0' ELSE '' END""",
)

_TODATETIME: Final = re.compile(
    r"COALESCE\(TRY_CAST\((?P<x>(?:(?!COALESCE\(TRY_CAST).)+?) AS TIMESTAMPTZ\) "
    r"AT TIME ZONE 'UTC', try_strptime\(CAST\((?P=x) AS VARCHAR\), \['%m-%d-%Y'[^\]]*\]\)\)",
    re.DOTALL,
)
_BIN: Final = re.compile(
    r"to_timestamp\(floor\(epoch\((?P<x>(?:(?!to_timestamp\(floor).)+?)\)"
    r" / epoch\((?P<width>.+?)\)\) \* epoch\((?P=width)\)\) AT TIME ZONE 'UTC'",
    re.DOTALL,
)
_TEXT: Final = re.compile(
    r"'TIMESTAMP' THEN \(strftime\(CAST\((?P<x>(?:(?!'TIMESTAMP' THEN).)+?) AS TIMESTAMP\), "
    r"'%Y-%m-%dT%H:%M:%S\.%f'\) \|\| '0Z'\)",
    re.DOTALL,
)
_SLOT: Final = re.compile(r"kusto_todatetime\('1701-01-01T00:00:00\.(\d{7})Z'\)")
_SLOT_TEXT: Final = SLOT.partition(".")[0]
_NOW: Final = "CAST($kqlnow AS TIMESTAMP)"
_LAST: Final = re.compile(r"SELECT \* FROM (_s\d+)\s*\Z")
_NAME: Final = re.compile(r'"((?:[^"]|"")+)"')


def exact(sql: str) -> str:
    """Replace what would lose the seventh digit."""
    for pattern, macro in (
        (_TODATETIME, r"kusto_todatetime(\g<x>)"),
        (_BIN, r"kusto_bin(\g<x>, \g<width>)"),
        (_TEXT, r"'TIMESTAMP_NS' THEN kusto_text(\g<x>) WHEN \g<0>"),
    ):
        sql = _replaced(sql, pattern, macro)
    return sql


def _replaced(sql: str, pattern: re.Pattern[str], macro: str) -> str:
    """Replace from the inside out, as one expression may hold another."""
    if "\\g<0>" in macro:
        return pattern.sub(macro, sql)
    count = 1
    while count:
        sql, count = pattern.subn(macro, sql)
    return sql


def slots(sql: str) -> int:
    """Return how many datetime slots stand in the text in the form that `filled` fills."""
    return len(set(_SLOT.findall(sql)))


def has_loose_slot(sql: str) -> bool:
    """Whether a slot stands in the text in a form that `filled` does not know."""
    return _SLOT_TEXT in _SLOT.sub("", sql)


def filled(sql: str, instants: Sequence[Instant], *, now: str) -> str:
    """Put the datetime literals and the time of the query in their places."""
    text = _SLOT.sub(lambda found: instants[int(found[1])].sql, sql)
    return text.replace(_NOW, times.literal(now))


def names(sql: str) -> set[str]:
    """Return all quoted names in a statement."""
    return {name.replace('""', '"') for name in _NAME.findall(sql)}


def quote(name: str) -> str:
    """Write a name so that it is taken as it is."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def with_tables(sql: str, views: Mapping[str, str]) -> str:
    """Put the definitions of tables before a statement that reads them."""
    given = ",\n".join(
        f"{quote(name)} AS NOT MATERIALIZED ({view})" for name, view in views.items()
    )
    if not given:
        return sql
    if sql.startswith("WITH "):
        return f"WITH {given},\n{sql[5:]}"
    return f"WITH {given}\n{sql}"


def shaped(sql: str, columns: Sequence[str], limit: int | None) -> str:
    """Select expressions from the last step of a statement, which keeps its order."""
    chosen = ", ".join(columns)
    cut = "" if limit is None else f"\nLIMIT {limit}"
    found = _LAST.search(sql)
    if found:
        return "".join((sql[: found.start()], "SELECT ", chosen, " FROM ", found[1], cut))
    return "".join(("SELECT ", chosen, " FROM (\n", sql, "\n)", cut))


def selected(name: str, duckdb_type: str) -> str:
    """Write the expression that brings a column out in the form `Result.rows` promises."""
    form = _FORMS.get(duckdb_type)
    if form is None:
        form = "{0}::VARCHAR" if duckdb_type.startswith("DECIMAL(") else "to_json({0})::VARCHAR"
    return form.format(quote(name))


_AS_TEXT: Final = "{0}::VARCHAR"
_DATETIME: Final = "kusto_text({0})"
_FORMS: Final[Mapping[str, str]] = {
    "VARCHAR": "coalesce({0}, '')",
    "TIMESTAMP_NS": _DATETIME,
    "TIMESTAMP": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
    "TIMESTAMP WITH TIME ZONE": "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
    "DATE": "strftime({0}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f') || '0Z'",
    "TIME": "kusto_span(epoch_us({0}))",
    "INTERVAL": "kusto_span(epoch_us({0}))",
    "JSON": _AS_TEXT,
    "UUID": _AS_TEXT,
    "BLOB": _AS_TEXT,
    "BIT": _AS_TEXT,
    **dict.fromkeys(
        (
            "BOOLEAN",
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "HUGEINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "UHUGEINT",
            "FLOAT",
            "DOUBLE",
        ),
        "{0}",
    ),
    '"NULL"': "coalesce({0}::VARCHAR, '')",
}
