"""The loader's files as tables."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from demo.findings import COVERAGE, FINDINGS, Finding, found
from demo.tables import Tables


def write(folder: Path, stream: str, *rows: dict[str, Any]) -> None:
    """Append rows as the loader does."""
    with (folder / f"{stream}.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_row_read_again_is_one_row(tmp_path: Path) -> None:
    """A loader that appends holds a row of the lookback twice; the table does not."""
    write(tmp_path, "devices", {"_row_id": "a", "Name": "x"}, {"_row_id": "b", "Name": "x"})
    write(tmp_path, "devices", {"_row_id": "b", "Name": "x"}, {"_row_id": "c", "Name": "x"})

    with closing(Tables(tmp_path)) as tables:
        assert tables.rows() == {"devices": 3}
        assert tables.written() == {"devices": 4}


def test_times_are_timestamps_and_rare_columns_keep_their_type(tmp_path: Path) -> None:
    """A column that is null in the first thousands of rows is still what its values are."""
    rows = [
        {"_row_id": str(n), "Timestamp": "2026-03-01T12:00:00.1234567Z", "Size": None}
        for n in range(30_000)
    ]
    write(tmp_path, "files", *rows, {"_row_id": "last", "Size": 2**40})

    with closing(Tables(tmp_path)) as tables:
        kinds = tables.ask("SELECT typeof(Timestamp), typeof(Size) FROM files LIMIT 1")
        years = tables.ask("SELECT DISTINCT year(Timestamp) FROM files WHERE Timestamp NOTNULL")

    assert kinds == [("TIMESTAMP", "BIGINT")]
    assert years == [(2026,)]


def test_empty_folder_has_no_tables(tmp_path: Path) -> None:
    """Before the first run there is nothing, and that is no error."""
    with closing(Tables(tmp_path)) as tables:
        assert tables.rows() == {}


def window(start: int, end: int, **values: str) -> dict[str, Any]:
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
    write(tmp_path, "hunting_windows", *(window(start, end) for start, end in windows))

    with closing(Tables(tmp_path)) as tables:
        answers = found(tables, COVERAGE)

    assert any(said in sentence for _, sentence in answers)


def test_unreadable_window_is_a_gap(tmp_path: Path) -> None:
    """Time counts as read only where the window is complete."""
    lost = window(5, 6, status="gap_unreadable")
    write(tmp_path, "hunting_windows", window(0, 5), lost, window(6, 7))

    with closing(Tables(tmp_path)) as tables:
        assert ("alerts has 1 gaps",) in [answer[1:] for answer in found(tables, COVERAGE)]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.streams[0])
def test_question_to_a_stream_without_rows_finds_nothing(finding: Finding, tmp_path: Path) -> None:
    """A stream without rows has no file, and so no table."""
    with closing(Tables(tmp_path)) as tables:
        assert found(tables, finding) == []
