"""The commands on docs/coverage.md run, and print what stands below them."""

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.coverage_report.histories import plain, singer, window
from tests.coverage_report.test_command import run
from tests.coverage_report.test_sources import in_duckdb, in_postgres
from tests.loaders.postgres import serving

PAGE = (Path(__file__).parents[2] / "docs/coverage.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
            for line in block.splitlines()]  # fmt: skip
OUTPUTS = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
URL = "postgresql://reader@warehouse.example/hunting"
NOON = 1772712000
ROWS = [
    window(0, 106 + 55 / 60, rows=12_604, late_rows=18, calls=13),
    window(0, 62, stream="logons", rows=81_190, late_rows=40, calls=30),
    window(62, 62 + 1 / 3600, "gap_unreadable", stream="logons", rows=0,
           message="The service timed out for the narrowest window"),
    window(62 + 1 / 3600, 78, stream="logons", rows=0, calls=0),
    window(79, 106 + 55 / 60, stream="logons", rows=0, calls=0),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with each source of the page."""
    monkeypatch.chdir(tmp_path)
    lines = tmp_path / "hunting_windows.jsonl"
    lines.write_bytes(plain(ROWS))
    (tmp_path / "run.jsonl.gz").write_bytes(gzip.compress(singer(ROWS)))
    in_duckdb(tmp_path / "hunting.duckdb", lines, time="TIMESTAMP_NS")
    (tmp_path / "lake/hunting_windows").mkdir(parents=True)
    with closing(duckdb.connect(tmp_path / "hunting.duckdb", read_only=True)) as sql:
        sql.execute("COPY hunting_windows TO 'lake/hunting_windows/1.parquet' (FORMAT parquet)")
    return tmp_path


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server on loopback."""
    with serving() as found:
        yield f"postgresql://postgres@127.0.0.1:{found.port}/postgres"


def test_outputs_on_the_page_are_those_of_the_command(folder: Path) -> None:
    """Word by word, at the time of the page."""
    table, metric = OUTPUTS
    text = run(folder / "hunting_windows.jsonl", now=NOON).stdout
    prometheus = run(folder / "hunting.duckdb", "--format", "prometheus", now=NOON).stdout

    assert [re.split(r" {2,}", line.strip()) for line in text.splitlines()] == [
        re.split(r" {2,}", line.strip()) for line in table.splitlines()
    ]
    assert metric in prometheus


@pytest.mark.parametrize("command", COMMANDS)
def test_command_on_the_page_runs(command: str, folder: Path, server: str) -> None:
    """In a shell, as a reader types it; the statuses are those that the page promises."""
    in_postgres(server, folder / "hunting_windows.jsonl", time="TIMESTAMPTZ", schema="public")
    script = Path(sys.executable).with_name("m365hunting")
    typed = command.replace(URL, server).replace("m365hunting", str(script), 1)

    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", typed], capture_output=True, text=True, check=False
    )

    assert done.returncode == (1 if "--fail-on stale" in command else 0), done.stderr
    printed = done.stdout or next(folder.glob("*.prom*"), next(folder.glob("*.html"), None))
    assert printed
