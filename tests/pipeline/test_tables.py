"""The loader's tables, as the demo asks them."""

import io
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bulk_loader.loading import load
from bulk_loader.settings import Settings
from demo.findings import COVERAGE, FINDINGS, Finding, found
from demo.tables import Tables


def fill(database: Path, stream: str, *rows: dict[str, Any]) -> None:
    """Put rows into a table as the loader does."""
    times = {"window_start", "window_end"}
    about = {
        name: {"type": "integer" if isinstance(value, int) else "string"}
        | ({"format": "date-time"} if name in times else {})
        for row in rows
        for name, value in row.items()
    }
    schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": about}}
    records = [{"type": "RECORD", "stream": stream, "record": row} for row in rows]
    lines = b"".join(json.dumps(message).encode() + b"\n" for message in (schema, *records))
    reader = io.BytesIO(lines)
    load(Settings(database=database), reader.read, lambda _: None)


def test_rows_are_counted_by_table_and_as_they_were_read(tmp_path: Path) -> None:
    """A row that the tap has read again is one row of its table, and two that were read."""
    database = tmp_path / "hunting.duckdb"
    fill(database, "alerts", {"_row_id": "a"}, {"_row_id": "b"})
    fill(database, "hunting_windows", window(0, 5, rows=2), window(4, 6, rows=1))

    with closing(Tables(database)) as tables:
        assert tables.rows() == {"alerts": 2, "hunting_windows": 2}
        assert tables.read() == {"alerts": 3, "hunting_windows": 2}


def test_without_a_database_there_are_no_tables(tmp_path: Path) -> None:
    """Before the first run there is nothing, and that is no error."""
    with closing(Tables(tmp_path / "hunting.duckdb")) as tables:
        assert (tables.rows(), tables.read()) == ({}, {})
    assert not (tmp_path / "hunting.duckdb").exists()


def window(start: int, end: int, **values: str | int) -> dict[str, Any]:
    """Return the record of a window between two hours."""
    return {
        "run_id": str(start),
        "stream": "alerts",
        "tenant_id": "t",
        "window_start": f"2026-03-01T{start:02}:00:00.0000000Z",
        "window_end": f"2026-03-01T{end:02}:00:00.0000000Z",
        "status": "complete",
        **values,
    }


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        pytest.param(
            [(0, 5), (4, 6)], "1 streams are read up to here without a gap", id="lookback"
        ),
        pytest.param(
            [(0, 5), (5, 6)], "1 streams are read up to here without a gap", id="adjacent"
        ),
        pytest.param([(0, 9), (2, 3), (8, 12)], "1 streams are", id="one-inside-another"),
        pytest.param([(0, 5), (6, 7)], "alerts has 1 gaps", id="hole"),
    ],
)
def test_windows_say_whether_time_is_missing(
    windows: list[tuple[int, int]], said: str, tmp_path: Path
) -> None:
    """One question to `hunting_windows` answers whether everything is there."""
    fill(
        tmp_path / "hunting.duckdb",
        "hunting_windows",
        *(window(start, end) for start, end in windows),
    )

    with closing(Tables(tmp_path / "hunting.duckdb")) as tables:
        answers = found(tables, COVERAGE)

    assert any(said in sentence for _, sentence in answers)


def test_unreadable_window_is_a_gap(tmp_path: Path) -> None:
    """Time counts as read only where the window is complete."""
    lost = window(5, 6, status="gap_unreadable")
    fill(tmp_path / "hunting.duckdb", "hunting_windows", window(0, 5), lost, window(6, 7))

    with closing(Tables(tmp_path / "hunting.duckdb")) as tables:
        assert ("alerts has 1 gaps",) in [answer[1:] for answer in found(tables, COVERAGE)]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.streams[0])
def test_question_to_a_stream_without_rows_finds_nothing(finding: Finding, tmp_path: Path) -> None:
    """A stream that has not come yet has no table."""
    with closing(Tables(tmp_path / "hunting.duckdb")) as tables:
        assert found(tables, finding) == []
