"""`m365hunting coverage` on files of lines: text, JSON, exit status, and what cannot be read."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tap_m365hunting.cli import Effects, main
from tests.coverage_report.histories import BEGIN, plain, singer, window

NOW = BEGIN.timestamp() + 12 * 3600
ROWS = [window(0, 5, late_rows=2), window(5, 6, "gap_unreadable"), window(6, 10, calls=3)]
#: More lines than are read at once.
MANY = plain([window(hour, hour + 1) for hour in range(2000)])


def run(*arguments: str | Path, stdin: bytes | None = None, now: float = NOW) -> Result:
    """Run the command, at noon of the first day unless another time is given."""
    effects = Effects(clock=lambda: now)
    found = CliRunner().invoke(main, ["coverage", *map(str, arguments)], obj=effects, input=stdin)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def as_json(*arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
    """Return the report as programs get it."""
    return json.loads(run(*arguments, "--format", "json").stdout)


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """A file as target-jsonl writes it."""
    file = tmp_path / "hunting_windows.jsonl"
    file.write_bytes(plain(ROWS))
    return file


def test_text_names_the_gap_and_its_reason(loaded: Path) -> None:
    """A person sees at once where time is missing, for how long and why."""
    head, line, gap, end = run(loaded).stdout.splitlines()

    assert re.split(r" {2,}", head) == [
        *("stream", "tenant", "complete from", "complete to", "behind"),
        *("gaps", "rows", "late", "calls"),
    ]
    assert re.split(r" {2,}", line) == [
        *("alerts", "aaaabbbb-0000-cccc-1111-dddd2222eeee"),
        *("2026-03-01 00:00:00", "2026-03-01 10:00:00", "2 h", "1", "30", "2", "5"),
    ]
    assert len(head) == len(line)
    assert gap.strip() == (
        "gap_unreadable  2026-03-01 05:00:00 to 2026-03-01 06:00:00 (1 h): why gap_unreadable"
    )
    assert end == "1 stream: 1 gap, 0 stale, as of 2026-03-01 12:00:00 UTC"


def test_source_may_stand_in_the_environment(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meltano sets it for its command; what the command line names comes first."""
    monkeypatch.setenv("M365HUNTING_COVERAGE_SOURCE", str(loaded))
    named = run(loaded).stdout

    assert run().stdout == named
    monkeypatch.setenv("M365HUNTING_COVERAGE_SOURCE", "no-such-file.jsonl")
    assert run(loaded).stdout == named


def test_json_has_every_figure(loaded: Path) -> None:
    """A program gets the same in one form of time."""
    assert as_json(loaded) == {
        "as_of": "2026-03-01T12:00:00.0000000Z",
        "gaps": 1,
        "stale": 0,
        "streams": [
            {
                "stream": "alerts",
                "tenant_id": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
                "complete_from": "2026-03-01T00:00:00.0000000Z",
                "complete_to": "2026-03-01T10:00:00.0000000Z",
                "whole_table": False,
                "gaps": [
                    {
                        "from": "2026-03-01T05:00:00.0000000Z",
                        "to": "2026-03-01T06:00:00.0000000Z",
                        "reason": "gap_unreadable",
                        "message": "why gap_unreadable",
                    }
                ],
                "behind_seconds": 7200.0,
                "stale": False,
                "last_read": "2026-03-01T10:30:00.0000000Z",
                "windows": 3,
                "rows": 30,
                "late_rows": 2,
                "calls": 5,
                "retries": 0,
                "wait_seconds": 0.0,
            }
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param([], 0, id="a report is no judgement"),
        pytest.param(["--fail-on", "gap"], 1, id="a gap"),
        pytest.param(["--fail-on", "stale"], 0, id="two hours are not a day"),
        pytest.param(["--fail-on", "stale", "--stale-after", "119"], 1, id="more than 119 minutes"),
        pytest.param(["--fail-on", "stale", "--stale-after", "120"], 0, id="120 minutes"),
        pytest.param(["--fail-on", "gap", "--since", "2026-03-01T06:00:00Z"], 0, id="known gap"),
        pytest.param(
            ["--fail-on", "stale", "--fail-on", "gap", "--since", "2026-03-01T06:00:00Z",
             "--stale-after", "5"], 1, id="either of two",
        ),
    ],
)  # fmt: skip
def test_exit_status_is_what_a_scheduler_asked_for(
    loaded: Path, arguments: list[str], status: int
) -> None:
    """The report is printed all the same."""
    found = run(loaded, *arguments)

    assert found.exit_code == status
    assert "as of" in found.stdout


def test_lines_of_the_tap_and_of_a_loader_say_the_same(loaded: Path, tmp_path: Path) -> None:
    """Plain, compressed, from standard input, or in two files, one of them twice."""
    lines = tmp_path / "run.singer.gz"
    lines.write_bytes(gzip.compress(singer(ROWS)))
    expected = as_json(loaded)

    assert as_json(lines) == expected
    assert as_json(lines, loaded, loaded) == expected
    assert json.loads(run("-", "--format", "json", stdin=singer(ROWS)).stdout) == expected


def test_names_of_strangers_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """An escape sequence in a name or a message is shown, not obeyed."""
    file = tmp_path / "w.jsonl"
    file.write_bytes(plain([window(0, 5, "x\x1b[2J", stream="a\nb", message="m\u202e")]))

    said = run(file).stdout

    assert "\\x1b[2J" in said
    assert "a\\nb" in said
    assert "\x1b[2J" not in said
    assert "\u202e" not in said


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "No record of hunting_windows in", id="empty"),
        pytest.param(b'{"type": "STATE", "value": {}}\n', "No record of", id="other lines alone"),
        pytest.param(b'\n{"window_start": "x"}\n', "line 2: no record of", id="no record"),
        pytest.param(plain(ROWS)[:-20], "line 3: no record of", id="cut"),
        pytest.param(plain([window(0, 1, window_start="noon")]), "line 1: no", id="no time"),
        pytest.param(MANY + b'{"window_start": "x"}\n', "line 2001: no record of", id="far down"),
        pytest.param(plain([window(2, 1)]), "is after window_end", id="backwards"),
    ],
)  # fmt: skip
def test_unusable_file_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    """A report of half the windows would be a wrong answer."""
    file = tmp_path / "w.jsonl"
    file.write_bytes(content)

    found = run(file, "--fail-on", "gap")

    assert (found.exit_code, found.stdout) == (1, "")
    assert message in found.stderr
    assert "w.jsonl" in found.stderr


def test_source_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """So is a file that is not what its name says."""
    broken = tmp_path / "w.jsonl.gz"
    broken.write_bytes(gzip.compress(plain(ROWS))[:-12])

    assert "No such file" in run(tmp_path / "none.jsonl").stderr
    assert "w.jsonl.gz" in run(broken).stderr
    assert "31T25" in run(broken, "--since", "2026-01-31T25").stderr


@pytest.mark.parametrize("packed", [pytest.param(False, id="plain"), pytest.param(True, id="gzip")])
def test_pipe_in_a_files_place_gives_all_of_its_lines(tmp_path: Path, *, packed: bool) -> None:
    """A shell's <(...) is a pipe: what is read to tell its kind would be missing."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    status = ["complete"] * 3 + ["gap_unreadable"] + ["complete"] * 496
    lines = plain([window(hour, hour + 1, said) for hour, said in enumerate(status)])
    writer = Thread(target=pipe.write_bytes, args=[gzip.compress(lines) if packed else lines])
    writer.start()

    found = run(pipe, "--fail-on", "gap", "--format", "json")
    writer.join()

    (stream,) = json.loads(found.stdout)["streams"]
    assert (found.exit_code, stream["windows"], len(stream["gaps"])) == (1, 500, 1)


def test_standard_input_may_be_packed() -> None:
    """As a backup's file comes from an object store."""
    found = run("-", "--format", "json", stdin=gzip.compress(plain(ROWS)))

    assert json.loads(found.stdout)["streams"][0]["windows"] == len(ROWS)


@pytest.mark.parametrize(
    "line", [plain(ROWS[1:2])[:120], b"garbage", b"12", b'{"a":'], ids=["cut", "text", "12", "open"]
)
@pytest.mark.parametrize("write", [plain, singer], ids=["loader", "tap"])
def test_line_that_is_none_fails_the_report(
    tmp_path: Path, line: bytes, write: Callable[[list[dict[str, Any]]], bytes]
) -> None:
    """It may have been a gap; half a report would be wrong."""
    file = tmp_path / "w.jsonl"
    before = write(ROWS[2:])
    file.write_bytes(b"%b%b\n\n" % (before, line))

    found = run(file, "--fail-on", "gap")

    assert (found.exit_code, found.stdout) == (1, "")
    assert f"w.jsonl, line {len(before.splitlines()) + 1}: " in found.stderr


def test_lines_of_other_streams_may_hold_what_no_json_has(tmp_path: Path) -> None:
    """Other taps write NaN; the report is not about their rows."""
    file = tmp_path / "w.jsonl"
    file.write_bytes(b'{"type":"RECORD","stream":"x","record":{"a":NaN}}\n' + singer(ROWS))

    assert as_json(file)["gaps"] == 1


def test_minutes_that_are_no_number_are_refused(loaded: Path) -> None:
    """Nothing would ever be stale."""
    found = run(loaded, "--stale-after", "nan")

    assert found.exit_code == 2
    assert "nan is no number" in found.stderr


def test_run_without_an_end_has_no_last_reading(tmp_path: Path) -> None:
    """A loader may have left the column out."""
    file = tmp_path / "w.jsonl"
    file.write_bytes(plain([window(0, 1, finished_at=None)]))

    assert as_json(file)["streams"][0]["last_read"] is None
