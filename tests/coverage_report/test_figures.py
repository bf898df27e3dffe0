"""The figures are those of naive SQL, which looks at each hour alone."""

import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest

from tap_m365hunting.coverage_report.json_lines import windows
from tap_m365hunting.coverage_report.report import CoverageReport
from tap_m365hunting.coverage_report.tallies import Tallies
from tap_m365hunting.coverage_report.window_records import ticks_of
from tap_m365hunting.instants import Instant
from tests.coverage_report.histories import BEGIN, at, history, plain, window

HISTORIES = 1000
_Row: TypeAlias = tuple[Any, ...]
NOW = Instant.parse("2026-12-01T00:00:00Z")
_HOURS = """
CREATE TABLE hours AS
WITH spans AS (
  SELECT history, stream, lower(tenant_id) AS tenant, min(window_start) AS first,
    max(window_end) AS last FROM windows GROUP BY ALL),
grid AS (
  SELECT *, unnest(generate_series(first, last - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS hour
  FROM spans)
SELECT grid.history, grid.stream, grid.tenant, hour,
  CASE WHEN bool_or(status = 'complete') THEN 'complete'
    ELSE coalesce(arg_max(status, (finished_at, status)), 'unread') END AS status
FROM grid LEFT JOIN windows AS w ON w.history = grid.history AND w.stream = grid.stream
  AND lower(w.tenant_id) = grid.tenant AND window_start <= hour AND window_end > hour
GROUP BY ALL
"""
_SEGMENTS = """
WITH edges AS (
  SELECT *, status IS DISTINCT FROM lag(status) OVER lines AS begins FROM hours
  WINDOW lines AS (PARTITION BY history, stream, tenant ORDER BY hour)),
numbered AS (SELECT *, sum(begins::INT) OVER (
  PARTITION BY history, stream, tenant ORDER BY hour) AS number FROM edges)
SELECT history, stream, tenant, status, min(hour), max(hour) + INTERVAL 1 HOUR
FROM numbered GROUP BY history, stream, tenant, number, status ORDER BY ALL
"""
_SUMS = """
WITH once AS (SELECT DISTINCT * REPLACE (lower(tenant_id) AS tenant_id) FROM windows)
SELECT history, stream, tenant_id, count(*), sum(rows), sum(late_rows), sum(calls), sum(retries),
  sum((wait_seconds * 1000)::BIGINT), max(finished_at) FROM once GROUP BY ALL ORDER BY ALL
"""
_LOAD = """
SET TimeZone = 'UTC';
CREATE TABLE windows AS SELECT * REPLACE (tenant_id::TEXT AS tenant_id,
  window_start::TIMESTAMP AS window_start, window_end::TIMESTAMP AS window_end,
  finished_at::TIMESTAMP AS finished_at)
FROM read_json(?, format = 'newline_delimited')
"""


def reported(rows: Sequence[dict[str, Any]], *, since: int = 0) -> CoverageReport:
    """Return the report of records."""
    tallies = Tallies()
    for record in windows(plain(rows).splitlines(keepends=True), source="a test"):
        tallies.add(record)
    return CoverageReport.of(tallies, now=NOW, stale_after_minutes=60, since=since)


def hour(ticks: int) -> float:
    """Return an instant as an hour of the history."""
    return (ticks - Instant.of(BEGIN).ticks) / 36_000_000_000


def gaps(rows: Sequence[dict[str, Any]]) -> list[tuple[float, float, str]]:
    """Return the gaps of a history with one stream."""
    (stream,) = reported(rows).streams
    return [(hour(gap.start), hour(gap.end), gap.status) for gap in stream.gaps]


def test_figures_of_random_histories_are_those_of_sql(tmp_path: Path) -> None:
    """Segments and sums, with gaps, overlaps, late rows, reruns, tenants and rows loaded twice."""
    histories = [history(seed) for seed in range(HISTORIES)]
    found_segments: list[_Row] = []
    found_sums: list[_Row] = []
    for number, rows in enumerate(histories):
        for stream in reported(rows).streams:
            names, sums = (number, stream.stream, stream.tenant_id), stream.sums
            found_segments += [(*names, p.status, p.start, p.end) for p in stream.segments]
            found_sums.append((*names, sums.windows, sums.rows, sums.late_rows, sums.calls,
                               sums.retries, sums.wait_ms, stream.last_read))  # fmt: skip

    file = tmp_path / "windows.jsonl"
    file.write_bytes(
        plain([row | {"history": n} for n, rows in enumerate(histories) for row in rows])
    )
    with closing(duckdb.connect()) as sql:
        sql.execute(_LOAD, [str(file)])
        sql.execute(_HOURS)
        segments = [(*row[:4], *map(_ticks, row[4:])) for row in sql.execute(_SEGMENTS).fetchall()]
        all_sums = [(*row[:9], _ticks(row[9])) for row in sql.execute(_SUMS).fetchall()]

    assert len(found_sums) > 3 * HISTORIES
    assert sorted(found_segments) == sorted(segments)
    assert sorted(found_sums, key=_names) == sorted(all_sums, key=_names)


def _names(row: _Row) -> _Row:
    return row[:3]


def _ticks(moment: datetime) -> int:
    return Instant.of(moment.replace(tzinfo=UTC)).ticks


def test_gap_that_a_later_run_reads_is_none() -> None:
    """A hole that was tried again, and a time that another backfill had."""
    rows = [window(0, 5), window(5, 6, "gap_unreadable"), window(6, 9), window(5, 6, run_id="2")]

    assert gaps(rows) == []


def test_time_that_no_record_has_is_unread() -> None:
    """Windows were lost on their way, or an end_date left a span out."""
    assert gaps([window(0, 5), window(7, 9)]) == [(5, 7, "unread")]


def test_gap_in_part_read_later_keeps_the_rest() -> None:
    """Each end is exact."""
    rows = [window(0, 10, "gap_retention"), window(4, 6, run_id="2"), window(10, 12, run_id="2")]

    assert gaps(rows) == [(0, 4, "gap_retention"), (6, 10, "gap_retention")]


def test_newest_attempt_gives_the_reason() -> None:
    """A hole that retention has overtaken is tried no more."""
    rows = [
        window(0, 5, "gap_unreadable", finished_at=at(6)),
        window(0, 3, "gap_retention", run_id="2", finished_at=at(900)),
        window(5, 9),
    ]

    assert gaps(rows) == [(0, 3, "gap_retention"), (3, 5, "gap_unreadable")]
    assert reported(rows).streams[0].gaps[0].message == "why gap_retention"


def test_complete_time_stays_complete_when_a_lookback_fails() -> None:
    """The rows of the first reading were written; only late ones may be missing."""
    assert gaps([window(0, 5), window(4, 5, "gap_unreadable", run_id="2"), window(5, 6)]) == []


def test_tenant_in_capitals_is_the_same() -> None:
    """Entra ID takes an id in either case."""
    rows = [window(0, 5), window(5, 6, tenant_id=window(0, 1)["tenant_id"].upper(), run_id="2")]

    (stream,) = reported(rows).streams

    assert (stream.tenant_id, len(stream.segments)) == (window(0, 1)["tenant_id"], 1)


def test_whole_table_is_behind_since_its_last_reading() -> None:
    """A table without time is one window from year 1 to the run."""
    first = "0001-01-01T00:00:00.0000000Z"
    rows = [window(0, end, window_start=first, run_id=f"{end}") for end in (3, 5)]

    (stream,) = reported(rows).streams

    assert (stream.whole_table, stream.gaps, stream.sums.windows) == (True, [], 2)
    assert stream.complete_to is not None
    assert hour(stream.complete_to) == 5


def test_late_rows_that_no_window_knows_are_not_zero() -> None:
    """Unknown and none are two answers."""
    assert reported([window(0, 5)]).streams[0].sums.late_rows is None
    assert reported([window(0, 5, late_rows=0)]).streams[0].sums.late_rows == 0


def test_since_leaves_out_gaps_before() -> None:
    """What retention took before the first run cannot be mended, and is known."""
    rows = [window(0, 5, "gap_retention"), window(5, 9)]
    noon = Instant.parse(at(4)).ticks

    assert reported(rows, since=noon + 36_000_000_000).gaps == 0
    assert reported(rows, since=noon).streams[0].gaps[0].start == noon


def test_windows_of_one_run_with_the_same_start_are_two() -> None:
    """A hole is tried again and a sweep begins where it does; each loaded twice counts once."""
    rows = [window(2, 5, calls=4), window(2, 3, calls=2), window(0, 2), window(2, 9, calls=8)]

    for order in permutations([*rows, *rows[:2]]):
        sums = reported(order).streams[0].sums
        assert (sums.windows, sums.calls) == (4, 15)


def test_windows_of_many_runs_that_overlap_take_little_room() -> None:
    """A run an hour, for years, of each stream, and each reads the hour before again."""
    streams, runs = 10, 200
    blocks = [
        plain(
            [
                window(run, run + 2 + number / 1000, run_id=f"run {run}", stream=f"{number}")
                for number in range(streams)
            ]
        )
        for run in range(runs)
    ]
    list(windows(blocks, source="a test"))  # the seconds that are remembered have a bound
    tallies = Tallies()
    tracemalloc.start()
    for record in windows(blocks, source="a test"):
        tallies.add(record)
    room, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert all(tally.sums.windows == runs for _, tally in tallies.items())
    assert room / (streams * runs) < 100


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-03-01T12:00:60.0000000Z", id="60 seconds"),
        pytest.param("2026-03-01T24:00:00.0000000Z", id="24 hours"),
        pytest.param("2026-03-01T12:00:+1.0000000Z", id="sign"),
        pytest.param("2026-03-01T12:00:01.00 0000Z", id="space"),
        pytest.param("2026-02-30T12:00:01.0000000Z", id="no such day"),
        pytest.param("0000-01-01T00:00:00.0000000Z", id="year 0"),
        pytest.param("", id="empty"),
    ],
)
def test_text_that_is_no_time_is_refused(text: str) -> None:
    """Else a broken file would shift a window."""
    with pytest.raises(ValueError, match=r"time|day|hour|second|isoformat|year"):
        ticks_of(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        pytest.param("2026-03-01T12:00:05.1234567Z", "2026-03-01T12:00:05.1234567Z", id="tap"),
        pytest.param("2026-03-01 12:00:05.1234567+00", "2026-03-01T12:00:05.1234567Z", id="duckdb"),
        pytest.param("2026-03-01 12:00:05.123456700", "2026-03-01T12:00:05.1234567Z", id="ns"),
        pytest.param("2026-03-01T14:00:05.123456+02:00", "2026-03-01T12:00:05.123456Z", id="zone"),
        pytest.param("2026-03-01 12:00:05", "2026-03-01T12:00:05Z", id="no zone"),
        pytest.param("2026-03-01T12:00:05.12Z", "2026-03-01T12:00:05.12Z", id="two digits"),
        pytest.param("-infinity", "0001-01-01T00:00:00Z", id="first"),
        pytest.param("infinity", "9999-12-31T23:59:59.9999999Z", id="last"),
    ],
)
def test_forms_of_loaders_are_the_same_time(text: str, same: str) -> None:
    """Each is exact."""
    assert ticks_of(text) == Instant.parse(same).ticks


def test_stream_without_complete_time_is_stale() -> None:
    """Nothing was ever read whole."""
    (stream,) = reported([window(0, 5, "gap_unreadable")]).streams

    assert (stream.complete_from, stream.behind_seconds, stream.stale) == (None, None, True)
