"""From a translated query to the statement to run: times, tables, columns.

Pure.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from hunting_emulator.kql import times
from hunting_emulator.kql.rewrite import Instant

_SLOT: Final = re.compile(r"kusto_todatetime\('1701-01-01T00:00:00\.(\d{7})Z'\)")
_NOW: Final = "CAST($kqlnow AS TIMESTAMP)"
_LAST: Final = re.compile(r"SELECT \* FROM (_s\d+)\s*\Z")
_NAME: Final = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")+)\"""")


def filled(sql: str, instants: Sequence[Instant], *, now: str) -> str:
    """Put the datetime literals and the time of the query in their places."""
    text = _SLOT.sub(lambda found: instants[int(found[1])].sql, sql)
    return text.replace(_NOW, times.literal(now))


def unfilled(sql: str) -> str:
    """Put some time where the time of the query belongs, to look at the columns alone."""
    return sql.replace(_NOW, "TIMESTAMP_NS '2000-01-01'")


def names(sql: str) -> set[str]:
    """Return all quoted names in a statement."""
    return {name.replace('""', '"') for name in _NAME.findall(sql) if name}


def quote(name: str) -> str:
    """Write a name in quotes, safe whatever the text."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def with_tables(sql: str, views: Mapping[str, str]) -> str:
    """Put the definitions of tables before a statement."""
    given = ",\n".join(
        f"{quote(name)} AS NOT MATERIALIZED ({view})" for name, view in views.items()
    )
    if not given:
        return sql
    if sql.startswith("WITH "):
        return f"WITH {given},\n{sql[5:]}"
    return f"WITH {given}\n{sql}"


def shaped(sql: str, columns: Sequence[str], limit: int | None) -> str:
    """Select expressions from the last step of a statement, in the order of the step."""
    found = _LAST.search(sql)
    steps, source = (sql[: found.start()], found[1]) if found else ("", f"(\n{sql}\n)")
    cut = "" if limit is None else f"LIMIT {limit}"
    return " ".join((f"{steps}SELECT", ", ".join(columns), "FROM", source, cut))


def selected(name: str, duckdb_type: str) -> str:
    """Write the expression for a column in the form promised by `Result.rows`."""
    form = _FORMS.get(duckdb_type)
    if form is None and duckdb_type.startswith("TIMESTAMP"):
        form = "to_json(list_transform({0}, lambda v: kusto_text(v)))::VARCHAR"
    if form is None:
        form = "{0}::VARCHAR" if duckdb_type.startswith("DECIMAL(") else "to_json({0})::VARCHAR"
    return form.format(quote(name))


def converted(name: str, kusto_type: str) -> str:
    """Write the expression for a column as another of Kusto's types."""
    value = quote(name)
    if kusto_type == "dynamic":
        return f"to_json({value})::VARCHAR"
    made = CONVERTED[kusto_type].format(value)
    return made if kusto_type == "string" else _formed(made, kusto_type)


def _formed(value: str, kusto_type: str) -> str:
    form = {"datetime": _DATETIME, "timespan": _SPAN}.get(kusto_type, "{0}")
    return form.format(value)


CONVERTED: Final[Mapping[str, str]] = {
    "string": "kusto_tostring({0})",
    "long": "TRY_CAST({0} AS BIGINT)",
    "int": "TRY_CAST({0} AS INTEGER)",
    "real": "TRY_CAST({0} AS DOUBLE)",
    "bool": "TRY_CAST({0} AS BOOLEAN)",
    "datetime": "kusto_todatetime({0})",
    "timespan": "TRY_CAST({0} AS INTERVAL)",
    "guid": "TRY_CAST({0} AS UUID)::VARCHAR",
    "decimal": "TRY_CAST({0} AS DECIMAL(38, 18))::VARCHAR",
    "dynamic": "to_json({0})",
}
"""How a value becomes one of another type, where it can; else it is missing."""

_AS_TEXT: Final = "{0}::VARCHAR"
_SPAN: Final = "kusto_span(epoch_us({0}))"
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
