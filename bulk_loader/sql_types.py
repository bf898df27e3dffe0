"""How a cell's text becomes a value of an SQL type, exactly or not at all, in DuckDB's SQL.

Pure. Cells are read as text, since DuckDB's typed reading rounds 1.5 into an integer, takes an
offset for nothing and cuts what a type has no room for. Each expression here is about such a text.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bulk_loader.columns import DECIMAL

Sql = str
_WHOLE: Final = frozenset(
    {
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
        *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
    }
)
_TIMES: Final = frozenset({"TIMESTAMP_NS", "TIMESTAMP"})
_QUOTED: Final = frozenset({"VARCHAR", "DATE", "UUID", *_TIMES})
_LONGEST_DOUBLE: Final = 24
#: The ends of .NET's and Kusto's calendar, which say "never" more often than they mean a time. They
#: lie beyond nanoseconds, which have words for before and after all times.
_FIRST: Final = tuple(f"0001-01-01T00:00:00{rest}" for rest in (".0000000Z", "Z", "+00:00", ""))
_LAST: Final = ("9999-12-31T23:59:59.9999999Z",)
#: A day, its time or none, and how far that is ahead of UTC: PostgreSQL writes hours alone.
_CLOCK: Final = r"[T ]\d\d?:\d\d(:\d\d([.]\d{1,9})?)?"
_UTC: Final = rf"'\d{{4}}-\d\d?-\d\d?({_CLOCK})?( ?Z| UTC| GMT)? *'"
_AHEAD: Final = rf"'\d{{4}}-\d\d?-\d\d?{_CLOCK} ?[+-]([01]\d|2[0-3])(:?[0-5]\d(:[0-5]\d)?)?'"
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"
#: Which types hold more, where a value of the column's kind has no room in it; others become text.
_NEXT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"), "BIGINT"),
    **dict.fromkeys(("BIGINT", "UINTEGER", "UBIGINT"), "HUGEINT"),
    "TIMESTAMP_NS": "TIMESTAMP",
    "DOUBLE": DECIMAL,
}
#: Which declared types a column may take as it is: what does not fit is seen by its value.
_HOLDS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_WHOLE, frozenset({"BIGINT"})),
    "DOUBLE": frozenset({"BIGINT"}),
    "DECIMAL": frozenset({"BIGINT", "DOUBLE", DECIMAL}),
    **dict.fromkeys((*_TIMES, _ZONED), frozenset({"TIMESTAMP_NS", "DATE"})),
}
#: Which declared types a column is converted to, if no value in it would lose anything.
_GROWS: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_WHOLE, frozenset({"DOUBLE", DECIMAL})),
    "FLOAT": frozenset({"DOUBLE", DECIMAL}),
    "DOUBLE": frozenset({DECIMAL}),
    "DATE": frozenset({"TIMESTAMP_NS"}),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS"), frozenset({"TIMESTAMP_NS"})),
}


def quoted(name: str) -> Sql:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> Sql:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def value(kind: str, text: Sql, *, declared: str) -> Sql:
    """Return the value of a type; null where it cannot be one."""
    if kind == "VARCHAR":
        return _unmarked(text) if declared == "DOUBLE" else text
    if kind == "JSON":
        return f"to_json({text})" if declared in _QUOTED else f"TRY_CAST({text} AS JSON)"
    if kind in _TIMES:
        return _instant(kind, text)
    return f"TRY_CAST({text} AS {kind})"


def misfit(kind: str, text: Sql, *, declared: str, held: Sql | None = None) -> Sql:
    """Return whether a value of a type would not be the whole text, but for how it is spelled.

    `held` is the value, where there is a shorter name for it: a long statement takes long to plan.
    """
    if kind == "VARCHAR":
        return "FALSE"
    held = held or value(kind, text, declared=declared)
    lost = _lost(kind, held, text)
    fits = _FITS.get(_base(kind))
    # the operands of OR and AND are computed for every row, a branch only for its own
    return f"CASE WHEN {fits(held, text)} THEN FALSE ELSE {lost} END" if fits else lost


def violation(declared: str, text: Sql) -> Sql:
    """Return whether a text is none that the schema allows."""
    if declared in {"VARCHAR", "JSON"}:
        return "FALSE"
    if declared == "BIGINT":
        return rf"NOT regexp_full_match({text}, '-?[0-9]+([.]0+)?')"
    if declared in {"DOUBLE", DECIMAL}:
        return f"TRY_CAST({text} AS DOUBLE) IS NULL"
    if declared == "TIMESTAMP_NS":
        return f"TRY_CAST({text} AS TIMESTAMP) IS NULL OR {text}[5] <> '-'"
    return misfit(declared, text, declared=declared)


def printed_anew(declared: str, text: Sql) -> Sql | None:
    """Return whether a text may be what DuckDB made of a number, whose digits may be others.

    That holds for texts of numbers, too, and for nested values as texts: the line has to be seen.
    Nested values are often texts, and so are looked at for numbers of many digits alone.
    """
    if declared == "VARCHAR":
        number = "'-?[0-9]+([.][0-9]+(e[+-]?[0-9]+)?|e[+-]?[0-9]+)'"
        # most texts are told apart by their first bytes
        return (
            f"CASE WHEN {text} < ':' THEN strlen({text}) <= {_LONGEST_DOUBLE}"
            f" AND regexp_full_match({text}, {number})"
            f" WHEN {text} >= '{{' OR ({text} >= '[' AND {text} < '\\')"
            f" THEN regexp_matches({text}, '[:,[]-?[0-9]+([.][0-9]{{14,}}|[.][0-9]+e|e)')"
            " ELSE FALSE END"
        )
    if declared == "BIGINT":
        return f"strlen({text}) > 15 AND NOT regexp_full_match({text}, '-?[0-9]+')"
    return None


def wider(kind: str) -> str:
    """Return the next type that holds more; text holds everything."""
    return _NEXT.get(kind, "VARCHAR")


def joined(held: str, declared: str) -> str:
    """Return the type for a column that is `held` and now declared to be another.

    >>> joined("BIGINT", "DOUBLE"), joined("VARCHAR", "BIGINT"), joined("BOOLEAN", "BIGINT")
    ('DOUBLE', 'VARCHAR', 'VARCHAR')
    """
    if held in {declared, "VARCHAR", "JSON"} or declared in _HOLDS.get(_base(held), ()):
        return held
    if declared == "JSON" or declared in _GROWS.get(_base(held), ()):
        return declared
    return "VARCHAR"


def converted(held: str, kind: str, column: Sql) -> Sql:
    """Return a column's values in another type."""
    text = f"CAST({column} AS VARCHAR)"
    if held in _TIMES:
        text = (
            f"CASE {text} WHEN '-infinity' THEN '{_FIRST[0]}' WHEN 'infinity' THEN '{_LAST[0]}'"
            f" ELSE replace({text}, ' ', 'T') || 'Z' END"
        )
    elif held.startswith("DECIMAL"):
        text = _plain(text)
    if kind == "VARCHAR":
        return text
    if kind == "JSON":
        return f"to_json({text if held in _QUOTED else column})"
    return f"CAST({text if held in _TIMES else _through_text(held, column)} AS {kind})"


def unconvertible(held: str, kind: str, column: Sql) -> Sql:
    """Return whether a value that is there would lose something in another type."""
    if kind in {"VARCHAR", "JSON"}:
        return "FALSE"
    back = f"TRY_CAST(TRY_CAST({_through_text(held, column)} AS {kind}) AS {held})"
    return f"{back} IS DISTINCT FROM {column}"


def _lost(kind: str, held: Sql, text: Sql) -> Sql:
    if kind in _WHOLE:
        return _not_whole(f"CAST({held} AS VARCHAR)", text)
    rule = _MISFITS.get(_base(kind))
    lost = f" OR {rule(held, text)}" if rule else ""
    return f"{text} IS NOT NULL AND ({held} IS NULL{lost})"


def _base(kind: str) -> str:
    return kind.partition("(")[0]


def _through_text(held: str, column: Sql) -> Sql:
    """Return a floating-point number as the text that is its shortest name."""
    return f"CAST({column} AS VARCHAR)" if held in {"DOUBLE", "FLOAT"} else column


def _instant(kind: str, text: Sql) -> Sql:
    """Return an instant in UTC; none for a zone by name, as in autumn an hour comes twice.

    DuckDB itself reads an offset as if it were `Z`, but for a type of microseconds.
    """
    parts, make, since = (
        (1000, "make_timestamp_ns", "epoch_ns")
        if kind == "TIMESTAMP_NS"
        else (1, "make_timestamp", "epoch_us")
    )
    joined = f"replace(replace({text}, ' +', '+'), ' -', '-')"
    ahead = f"epoch_us(TRY_CAST({text} AS TIMESTAMP)) - epoch_us(TRY_CAST({joined} AS {_ZONED}))"
    ends = (
        f"WHEN {text} IN {_FIRST} THEN '-infinity'::{kind}"
        f" WHEN {text} = '{_LAST[0]}' THEN 'infinity'::{kind}"
        if kind == "TIMESTAMP_NS"
        else ""
    )
    return (
        f"CASE {ends} WHEN ({text} LIKE '____-__-__T__:__:__%Z' AND strlen({text}) <= 30"
        f" AND NOT contains({text}, ' ')) OR regexp_full_match({text}, {_UTC})"
        f" THEN TRY_CAST({text} AS {kind})"
        f" WHEN regexp_full_match({text}, {_AHEAD})"
        f" THEN TRY({make}({since}(TRY_CAST({text} AS {kind})) - {parts} * ({ahead}))) END"
    )


def _plain(text: Sql) -> Sql:
    """Return a decimal without zeros at its end."""
    return f"CASE WHEN contains({text}, '.') THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"


def _unmarked(text: Sql) -> Sql:
    """Return a number without the space that says that no double is equal to it."""
    return f"rtrim({text}, ' ')"


def _not_whole(held: Sql, text: Sql) -> Sql:
    return (
        f"{text} IS NOT NULL AND ({held} IS NULL OR ({held} <> {text}"
        f" AND {held} || '.0' <> {text} AND {text} NOT IN ('-0', '-0.0')))"
    )


def _inexact_double(held: Sql, text: Sql) -> Sql:
    """A number that a double has no room for: marked so, infinite, or whole with many digits."""
    return (
        f"suffix({text}, ' ') OR (isinf({held}) AND {text}[-1] BETWEEN '0' AND '9')"
        f" OR (length({text}) > 15 AND regexp_full_match({text}, '-?[0-9]+')"
        f" AND CAST(TRY_CAST({held} AS HUGEINT) AS VARCHAR) IS DISTINCT FROM {text})"
    )


def _inexact_decimal(held: Sql, text: Sql) -> Sql:
    held = f"CAST({held} AS VARCHAR)"
    return f"{_plain(held)} <> {_plain(_unmarked(text))}"


def _odd_instant(_: Sql, text: Sql) -> Sql:
    """A word that DuckDB takes for an instant, or more than nine digits of a second."""
    return rf"{text}[5] <> '-' OR (length({text}) > 30 AND regexp_matches({text}, '[.]\d{{10}}'))"


def _finer_instant(held: Sql, text: Sql) -> Sql:
    return rf"{_odd_instant(held, text)} OR regexp_matches({text}, '[.]\d{{6}}\d*[1-9]')"


_MISFITS: Final[Mapping[str, Callable[[Sql, Sql], Sql]]] = {
    "DOUBLE": _inexact_double,
    "BOOLEAN": lambda _, text: f"{text} NOT IN ('true', 'false')",
    "DATE": lambda held, text: f"CAST({held} AS VARCHAR) <> {text}",
    "DECIMAL": _inexact_decimal,
    "TIMESTAMP_NS": _odd_instant,
    "TIMESTAMP": _finer_instant,
    _ZONED: _finer_instant,
}
#: A test that most fitting values pass, at a fraction of the price of the rules above.
_FITS: Final[Mapping[str, Callable[[Sql, Sql], Sql]]] = {
    **dict.fromkeys(_WHOLE, lambda held, text: f"CAST({held} AS VARCHAR) = {text}"),
    "DOUBLE": lambda held, text: (
        f"strlen({text}) <= 15 AND isfinite({held}) AND NOT suffix({text}, ' ')"
    ),
    "BOOLEAN": lambda _, text: f"{text} IN ('true', 'false')",
    "TIMESTAMP_NS": lambda held, text: (
        f"{held} IS NOT NULL AND strlen({text}) <= 30 AND {text}[5] = '-'"
    ),
}
