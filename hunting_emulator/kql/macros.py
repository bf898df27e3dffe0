"""DuckDB macros for Kusto's functions where DuckDB's differ, or are less exact.

Pure. The macros for text and times are made from the translator's own SQL.
"""

import re
from typing import Final

from hunting_emulator.kql.translator_sql import TODATETIME as _TODATETIME_SQL
from hunting_emulator.kql.translator_sql import TOSTRING as _TOSTRING_SQL

_DATETIME_BRANCH: Final = re.compile(r"WHEN 'TIMESTAMP' THEN (.*?) WHEN 'INTERVAL'")

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
    """CREATE MACRO kusto_shift(x, width) AS
      make_timestamp_ns(epoch_ns(CAST(x AS TIMESTAMP_NS)) + epoch_us(width) * 1000)""",
    """CREATE MACRO kusto_ticks(x) AS
      epoch_ns(TRY_CAST(x AS TIMESTAMP_NS)) // 100 + 621355968000000000""",
    """CREATE MACRO kusto_address(x) AS
      TRY_CAST(split_part(x, '.', 1) AS BIGINT) * 16777216
      + TRY_CAST(split_part(x, '.', 2) AS BIGINT) * 65536
      + TRY_CAST(split_part(x, '.', 3) AS BIGINT) * 256
      + TRY_CAST(split_part(split_part(x, '.', 4), '/', 1) AS BIGINT)""",
    "CREATE MACRO kusto_bag_keys(x) AS to_json(json_keys(CAST(x AS JSON)))",
    "CREATE MACRO kusto_bag_merge(a, b) AS json_merge_patch(to_json(a), to_json(b))",
    "CREATE MACRO kusto_isascii(x) AS NOT regexp_matches(x, '[^\\x00-\\x7F]')",
    "CREATE MACRO kusto_next(x) AS lead(x) OVER (), (x, n) AS lead(x, n) OVER ()",
    "CREATE MACRO kusto_prev(x) AS lag(x) OVER (), (x, n) AS lag(x, n) OVER ()",
    """CREATE MACRO kusto_strcat_array(x, between) AS
      array_to_string(CAST(to_json(x) AS VARCHAR[]), between)""",
    # a number is compared with a text as text
    "CREATE MACRO kusto_same(x VARCHAR, n) AS x = CAST(n AS VARCHAR), (x, n) AS x = n",
    "CREATE MACRO kusto_row_number(x) AS row_number() OVER () - 1 + x",
    "CREATE MACRO kusto_tohex(x) AS lower(hex(x))",
    "CREATE MACRO kusto_url_decode(x) AS url_decode(x)",
    *(
        f"CREATE MACRO kusto_unixtime_{unit}_todatetime(x) AS "
        f"make_timestamp_ns(CAST(x * {nanoseconds} AS BIGINT) // 100 * 100)"
        for unit, nanoseconds in (
            ("seconds", 1_000_000_000),
            ("milliseconds", 1_000_000),
            ("microseconds", 1_000),
            ("nanoseconds", 1),
        )
    ),
    # of packed rows, which are long: DuckDB's own
    (
        "CREATE MACRO kusto_hash_text(x) AS CAST(hash(x) >> 1 AS BIGINT), "
        "(x, n) AS CAST(hash(x) >> 1 AS BIGINT) % n"
    ),
    """CREATE MACRO kusto_span(us) AS
      CASE WHEN us < 0 THEN '-' ELSE '' END
      || CASE WHEN abs(us) >= 86400000000 THEN (abs(us) // 86400000000)::VARCHAR || '.' ELSE '' END
      || lpad((abs(us) // 3600000000 % 24)::VARCHAR, 2, '0')
      || ':' || lpad((abs(us) // 60000000 % 60)::VARCHAR, 2, '0')
      || ':' || lpad((abs(us) // 1000000 % 60)::VARCHAR, 2, '0')
      || CASE WHEN us % 1000000 <> 0
         THEN '.' || lpad((abs(us) % 1000000)::VARCHAR, 6, '0') || '0' ELSE '' END""",
)
