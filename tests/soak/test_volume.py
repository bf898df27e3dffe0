"""A month of millions of rows, under the service's own limits."""

import json
import time
from pathlib import Path
from typing import Final

import pytest

from hunting_emulator import Emulator
from tests.soak.data import crowd, fill, oldest, settings
from tests.soak.processes import Written, peak_megabytes, start, tell

pytestmark = pytest.mark.soak

CAP: Final = 100_000


def read(emulator: Emulator, folder: Path) -> tuple[Written, str]:
    """Run the tap over the table; return what it wrote, and what that cost."""
    config, output = folder / "config.json", folder / "out.jsonl"
    config.write_text(json.dumps(settings(emulator)), "utf-8")
    spent, began = len(emulator.calls), time.perf_counter()
    process = start(config, output)
    process.join()
    seconds = time.perf_counter() - began
    assert process.exitcode == 0
    written = Written.read(output)
    output.unlink()
    calls = len(emulator.calls) - spent
    cost = f"{calls} calls, {seconds:.0f} s, at most {peak_megabytes(output)} MB"
    return written, cost


@pytest.mark.parametrize("rows", [300_000, 3_000_000])
def test_month_is_read_whole_with_hardly_a_call_too_many(
    emulator: Emulator, tmp_path: Path, rows: int
) -> None:
    """Every row once, for `1 + 1.1 x rows / cap` calls and one for the columns; memory is flat."""
    fill(emulator.engine, rows, start=oldest())

    written, cost = read(emulator, tmp_path)

    tell(f"{rows} rows over 30 days, 100 to 1 between hours: {cost}")
    assert len(written.rows) == len({row_id for _, row_id in written.rows}) == rows
    assert {number for number, _ in written.rows} == set(range(rows))
    assert len(emulator.calls) - 1 <= 1 + 1.1 * rows / CAP
    assert peak_megabytes(tmp_path / "out.jsonl") < 250


def test_instant_with_two_and_a_half_answers_is_read_whole(
    emulator: Emulator, tmp_path: Path
) -> None:
    """A quarter of a million rows at one tick of the clock, which no window can cut."""
    rows = 250_000
    crowd(emulator.engine, rows, at=oldest())

    written, cost = read(emulator, tmp_path)

    tell(f"{rows} rows at one instant: {cost}")
    assert len(written.rows) == len({row_id for _, row_id in written.rows}) == rows
    assert {number for number, _ in written.rows} == set(range(rows))
