"""Time in the engine: exact to 100 ns, seen as of a given now, no older than retention."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hunting_emulator.engine import Engine
from hunting_emulator.kql import times
from hunting_emulator.tables import Table

NOW = "2026-01-21T12:00:00.1234567Z"
TICKS = Table.of("Ticks", {"Timestamp": "datetime", "n": "long"})
LAST = 40


def at(tick: int) -> str:
    """Return the instant so many ticks after one that is a microsecond and an hour but for two."""
    second, fraction = divmod(9_999_998 + tick, 10_000_000)
    time = "10:00:00" if second else "09:59:59"
    return f"2026-01-01T{time}.{fraction:07}Z"


@pytest.fixture(scope="module")
def ticks() -> Engine:
    """Forty rows, one a tick, across the turn of a microsecond and of an hour."""
    engine = Engine(tables=(TICKS,))
    engine.load("Ticks", [{"Timestamp": at(n), "n": n} for n in range(LAST)])
    return engine


def numbers(engine: Engine, condition: str) -> list[object]:
    """Return the rows for which a condition holds, by number."""
    kql = f"Ticks\n| where {condition}\n| order by n asc | project n"
    return [n for (n,) in engine.run(kql, now=NOW).rows()]


def window(start: int, end: int) -> str:
    """Write the condition that bounds a window."""
    return f"['Timestamp'] >= datetime({at(start)}) and ['Timestamp'] < datetime({at(end)})"


@given(st.integers(0, LAST), st.integers(0, LAST))
@settings(max_examples=60, deadline=None)
def test_windows_are_exact_to_the_tick(ticks: Engine, start: int, end: int) -> None:
    """A half-open window holds its first tick and not its last, wherever it is cut."""
    assert numbers(ticks, window(start, end)) == list(range(start, end))


@given(st.lists(st.integers(0, LAST), max_size=4))
@settings(max_examples=30, deadline=None)
def test_neighbouring_windows_hold_each_row_once(ticks: Engine, cuts: Sequence[int]) -> None:
    """Windows that share their bounds lose no row and read none twice."""
    bounds = [0, *sorted(cuts), LAST]

    read = [n for start, end in pairwise(bounds) for n in numbers(ticks, window(start, end))]

    assert read == list(range(LAST))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(f"Timestamp == datetime({at(7)})", [7], id="equal"),
        pytest.param(f"Timestamp == todatetime('{at(7)}')", [7], id="todatetime"),
        pytest.param(f"Timestamp in (datetime({at(3)}), datetime({at(4)}))", [3, 4], id="in"),
        pytest.param(
            f"Timestamp between (datetime({at(3)}) .. datetime({at(4)}))", [3, 4], id="between"
        ),
        pytest.param(f"tostring(Timestamp) == '{at(7)}'", [7], id="tostring"),
        pytest.param(f"Timestamp < datetime({at(2)}) + 1h - 1h", [0, 1], id="arithmetic"),
        pytest.param("Timestamp < datetime(1601-01-01)", [], id="long-before"),
        pytest.param("Timestamp > datetime(9999-12-31)", [], id="long-after"),
        pytest.param("n < 1 and Timestamp < datetime(9999-12-31)", [0], id="open-end"),
    ],
)
def test_comparisons_are_exact_to_the_tick(
    ticks: Engine, condition: str, expected: list[int]
) -> None:
    """Every way to write an instant means that instant and no other."""
    assert numbers(ticks, condition) == expected


def test_bins_are_exact_to_the_tick(ticks: Engine) -> None:
    """The last tick before the hour is counted in the hour before it."""
    counted = ticks.run(
        "Ticks | summarize n = count() by t = bin(['Timestamp'], 1h) | order by t asc", now=NOW
    )

    assert list(counted.rows()) == [
        ("2026-01-01T09:00:00.0000000Z", 2),
        ("2026-01-01T10:00:00.0000000Z", LAST - 2),
    ]


def test_bins_are_counted_from_year_one(ticks: Engine) -> None:
    """A bin of seven days begins on a Monday, as did year 1."""
    (row,) = ticks.run("print bin(datetime(2026-01-01), 7d)", now=NOW).rows()

    assert row == ("2025-12-29T00:00:00.0000000Z",)


def test_instants_that_no_row_can_have_still_bound_and_show(ticks: Engine) -> None:
    """Kusto's time goes from year 1 to 9999, and queries use both ends as open bounds."""
    bounded = ticks.run(
        "let start = datetime(0001-01-01); Ticks | where Timestamp between (start .. now())"
        " | count",
        now=NOW,
    )
    shown = ticks.run("print a = datetime(0001-01-01), b = datetime(9999-12-31)", now=NOW)

    assert list(bounded.rows()) == [(LAST,)]
    assert list(shown.rows()) == [("0001-01-01T00:00:00.0000000Z", "9999-12-31T00:00:00.0000000Z")]


def test_extremes_keep_their_ticks(ticks: Engine) -> None:
    """`min` and `max` answer what a row holds, not its microsecond."""
    (row,) = ticks.run("Ticks | summarize min(Timestamp), max(Timestamp)", now=NOW).rows()

    assert row == (at(0), at(LAST - 1))


def test_now_is_what_the_caller_says(ticks: Engine) -> None:
    """`now` and `ago` hang on no clock, and keep the seventh digit."""
    (row,) = ticks.run("print now(), ago(1h), now() - 1d", now=NOW).rows()

    assert row == (
        "2026-01-21T12:00:00.1234567Z",
        "2026-01-21T11:00:00.1234567Z",
        "2026-01-20T12:00:00.1234567Z",
    )


@pytest.fixture
def engine() -> Engine:
    """One table with a time and one without."""
    return Engine(tables=(TICKS, Table.of("Facts", {"n": "long"})))


def count(engine: Engine, table: str, now: str, **options: object) -> object:
    """Return how many rows of a table are there at a time."""
    (row,) = engine.run(f"{table} | count", now=now, **options).rows()  # type: ignore[arg-type]
    return row[0]


def test_rows_are_there_once_they_are_ingested(engine: Engine) -> None:
    """An event of Monday that arrives on Tuesday is not there on Monday."""
    engine.load(
        "Ticks",
        [{"Timestamp": "2026-01-05T00:00:00Z", "_ingestion_time": "2026-01-06T00:00:00.0000001Z"}],
    )

    assert count(engine, "Ticks", "2026-01-06T00:00:00.0000000Z") == 0
    assert count(engine, "Ticks", "2026-01-06T00:00:00.0000001Z") == 1


def test_rows_go_when_retention_ends(engine: Engine) -> None:
    """A row is kept for so many days after its time, to the tick."""
    engine.load("Ticks", [{"Timestamp": "2026-01-01T00:00:00.0000001Z"}])

    assert count(engine, "Ticks", "2026-01-31T00:00:00.0000001Z", retention_days=30) == 1
    assert count(engine, "Ticks", "2026-01-31T00:00:00.0000002Z", retention_days=30) == 0
    assert count(engine, "Ticks", "2026-06-01T00:00:00Z", retention_days=180) == 1


def test_tables_without_time_are_always_there(engine: Engine) -> None:
    """A snapshot is neither late nor old."""
    engine.load("Facts", [{"n": 1}])

    assert count(engine, "Facts", "1999-01-01T00:00:00Z") == 1
    assert count(engine, "Facts", "2199-01-01T00:00:00Z") == 1


def test_span_bounds_every_table_that_has_a_time(engine: Engine) -> None:
    """Timespan narrows what a query sees, whatever the query says."""
    engine.load("Ticks", [{"Timestamp": f"2026-01-0{day}T00:00:00Z"} for day in range(1, 6)])
    engine.load("Facts", [{"n": 1}])
    span = ("2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z")

    assert count(engine, "Ticks", NOW, span=span) == 3
    assert count(engine, "Facts", NOW, span=span) == 1


def test_ingestion_time_is_known_at_the_table(engine: Engine) -> None:
    """A query can ask when a row became visible, and its columns are otherwise the same."""
    engine.load(
        "Ticks", [{"Timestamp": "2026-01-05T00:00:00Z", "_ingestion_time": "2026-01-06T00:00:00Z"}]
    )

    asked = engine.run("Ticks | extend IngestionTime = ingestion_time()", now=NOW)
    bounded = engine.run("Ticks | where ingestion_time() > datetime(2026-01-06)", now=NOW)

    assert [column.name for column in asked.columns] == ["Timestamp", "n", "IngestionTime"]
    assert [row[2] for row in asked.rows()] == ["2026-01-06T00:00:00.0000000Z"]
    assert bounded.columns == TICKS.columns
    assert list(bounded.rows()) == []


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        pytest.param("2026-01-01", "2026-01-01 00:00:00.0000000", id="day"),
        pytest.param("2026-01-01 10:20", "2026-01-01 10:20:00.0000000", id="minutes"),
        pytest.param("2026-01-01T00:00:00.5+01:30", "2025-12-31 22:30:00.5000000", id="offset"),
        pytest.param("2026-01-01T00:00:00-0130", "2026-01-01 01:30:00.0000000", id="no-colon"),
        pytest.param("0001-01-01T00:00:00+01:00", None, id="before-time"),
        pytest.param("2026-02-29", None, id="no-such-day"),
        pytest.param("later", None, id="no-time"),
    ],
)
def test_instants_are_read_in_utc(text: str, parsed: str | None) -> None:
    """What is no instant is said to be none."""
    assert times.parse(text) == parsed
