"""Times moved and counted, to the tick of 100 ns; weeks begin on Sunday.

Pure. DuckDB moves times of microseconds, so the ticks below are taken off and put back.
"""

from collections.abc import Mapping
from typing import Final

from hunting_emulator.kql.library.form import Function, function, helper

_TICK: Final = 100  # nanoseconds
_STARTS: Final[Mapping[str, str]] = {
    "day": "date_trunc('day', kusto_micros(x)) + to_days(CAST({n} AS INTEGER))",
    "week": (
        "date_trunc('day', kusto_micros(x)) - to_days(CAST(dayofweek(kusto_micros(x)) AS INTEGER))"
        " + to_days(CAST(7 * ({n}) AS INTEGER))"
    ),
    "month": "date_trunc('month', kusto_micros(x)) + to_months(CAST({n} AS INTEGER))",
    "year": "date_trunc('year', kusto_micros(x)) + to_years(CAST({n} AS INTEGER))",
}
_STEPS: Final[Mapping[str, str]] = {
    "year": "to_years(CAST(n AS INTEGER))",
    "quarter": "to_months(CAST(3 * n AS INTEGER))",
    "month": "to_months(CAST(n AS INTEGER))",
    "week": "to_days(CAST(7 * n AS INTEGER))",
    "day": "to_days(CAST(n AS INTEGER))",
    "hour": "to_hours(n)",
    "minute": "to_minutes(n)",
    "second": "to_seconds(n)",
    "millisecond": "to_microseconds(1000 * n)",
    "microsecond": "to_microseconds(n)",
}
_STEP: Final = "CASE lower(p) {} END".format(
    " ".join(f"WHEN '{part}' THEN {step}" for part, step in _STEPS.items())
)


def _end(period: str) -> Function:
    """Make the function that returns the last tick of a period."""

    def last(offset: str) -> str:
        start = _STARTS[period].format(n=f"{offset} + 1")
        return f"make_timestamp_ns(epoch_ns(CAST({start} AS TIMESTAMP_NS)) - {_TICK})"

    return function(f"endof{period}", ("x", last("0")), ("x, n", last("n")))


FUNCTIONS: Final[tuple[Function, ...]] = (
    helper("micros", "x", "make_timestamp(epoch_ns(CAST(x AS TIMESTAMP_NS)) // 1000)"),
    helper("below_micros", "x", "epoch_ns(CAST(x AS TIMESTAMP_NS)) % 1000"),
    *(_end(period) for period in _STARTS),
    function(
        "datetime_add",
        (
            "p, n, x",
            (
                f"make_timestamp_ns(epoch_ns(CAST(kusto_micros(x) + {_STEP} AS TIMESTAMP_NS))"
                " + kusto_below_micros(x))"
            ),
        ),
    ),
    helper(
        "week_number",
        "x",
        "CAST(floor((epoch_us(kusto_micros(x)) / 86400000000.0 + 4) / 7) AS BIGINT)",
    ),
    function("weeks_between", ("a, b", "kusto_week_number(a) - kusto_week_number(b)")),
)
