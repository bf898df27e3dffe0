"""Puts twelve bugs back, each into a copy of the tree, and has a test find each of them.

Run by `make seeded-bugs`. Each bug loses or doubles rows, or is silent about lost rows; a bug that
its test does not see is status 1. The tests pass on the tree as it is, which is tried first.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_COPIED: Final = ("tap_m365hunting", "hunting_emulator", "bulk_loader", "bench", "tests")
# pytest's own: all tests passed, or some failed; any other status says nothing about a bug
_PASSED: Final = 0
_FAILED: Final = 1


@dataclass(frozen=True, slots=True)
class Bug:
    """A change of one place in a module of a package, and the test that sees it."""

    name: str
    module: str
    right: str
    wrong: str
    test: str
    package: str = "tap_m365hunting"


BUGS: Final = (
    Bug(
        "rows that retention passes by while the run waits are no gap",
        "planning/time_limits.py",
        "return self._timing.oldest(times.answered) if self._timing and times else None",
        "return None",
        "tests/tap/test_service_clock.py::test_rows_that_retention_passes_by_while_the_run_waits_are_a_gap",
    ),
    Bug(
        "a bin's numbers are in its id",
        "sync/answer_records.py",
        "by=self.resolved.by,",
        "by=None,",
        "tests/tap/test_windowed.py::test_backfill_over_loaded_hours_replaces_them",
    ),
    Bug(
        "as many rows with other values prove hash parts",
        "planning/hash_parts.py",
        "if before == counted and self._sum == counted.rows:",
        "if before.rows == counted.rows == self._sum:",
        "tests/core/test_hash_parts.py::test_as_many_rows_with_other_values_are_no_proof",
    ),
    Bug(
        "fewer rows than counted are believed",
        "planning/planner.py",
        "return None if aged else self._counts.short(window, answer.rows)",
        "return None",
        "tests/core/test_planner.py::test_windows_that_bring_fewer_rows_than_counted_are_read_again_narrower",
    ),
    Bug(
        "rows behind the end of their window are written",
        "sync/result_rows.py",
        "if str(cursors[-1]) >= self._end:",
        "if False:",
        "tests/tap/test_reader.py::test_row_that_is_not_of_its_window_fails_the_stream",
    ),
    Bug(
        "an end that is not settled is cut without a word",
        "planning/spans.py",
        "if self.end_date > settled:",
        "if False:",
        "tests/tap/test_bounds.py::test_end_that_is_not_settled_is_refused",
    ),
    Bug(
        "a second column of one name is taken for the first",
        "kql/entries.py",
        "names.append(free.use(name) if as_it_is else free.take(name))",
        "names.append(name)",
        "tests/kql/test_fitness.py::test_a_query_gets_its_verdict",
    ),
    Bug(
        "a join that brings rows late is not told of",
        "kql/side_queries.py",
        "if not _is_made_here(query, start):",
        "if False:",
        "tests/tap/test_joins.py::test_join_is_warned_of_once_a_run",
    ),
    Bug(
        "a window may end in the service's future",
        "planning/time_limits.py",
        "return min(self.end, self._timing.end(times.asked))",
        "return self.end",
        "tests/tap/test_service_clock.py::test_clock_that_is_ahead_ends_no_window_in_the_service_s_future",
    ),
    Bug(
        "a whole number has another id as a double",
        "wire/id_values.py",
        "return int(value) if value.is_integer() and abs(value) < _LONG else value",
        "return value",
        "tests/core/test_id_values.py::test_whole_number_has_one_id_in_a_column_of_any_number_type",
    ),
    Bug(
        "rows that differ under one key are not told of",
        "wire/key_sketch.py",
        "known.setdefault(number, row) != row",
        "known.setdefault(number, row) is None",
        "tests/tap/test_keys.py::test_run_that_writes_different_rows_under_one_key_says_so_at_its_end",
    ),
    Bug(
        "an API that has ended completes windows with nothing",
        "sync/partition_sync.py",
        "if rows == 0 and not self.service.has_rows and self.service.has_ended:",
        "if False:",
        "tests/tap/test_empty_answers.py::test_api_that_returns_no_data_any_more_completes_nothing",
    ),
)


def _copy(folder: Path) -> None:
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy2(file, folder)


def _status(folder: Path, *tests: str) -> int:
    """Run tests on a copy of the tree; return pytest's status."""
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {_PASSED, _FAILED}:
        sys.stderr.write(done.stdout + done.stderr)
    return done.returncode


def _seen(folder: Path, bug: Bug) -> bool:
    """Put a bug into the copy and take it out again; say if its test has failed meanwhile.

    Raises:
        ValueError: the place of the bug is not there once.
    """
    file = folder / bug.package / bug.module
    text = file.read_text("utf-8")
    if text.count(bug.right) != 1:
        msg = f"{bug.module} has this {text.count(bug.right)} times, not once: {bug.right}"
        raise ValueError(msg)
    file.write_text(text.replace(bug.right, bug.wrong), "utf-8")
    try:
        return _status(folder, bug.test) == _FAILED
    finally:
        file.write_text(text, "utf-8")


def verdicts(folder: Path, bugs: Sequence[Bug]) -> Iterator[tuple[Bug, bool]]:
    """Yield each bug, and whether it was seen."""
    for bug in bugs:
        yield bug, _seen(folder, bug)


def main(bugs: Sequence[Bug] = BUGS) -> int:
    """Try all bugs, a line each; return the status to end with."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        _copy(folder)
        if _status(folder, *{bug.test for bug in bugs}) != _PASSED:
            sys.stdout.write("The tests fail on the tree as it is, so they say nothing of bugs\n")
            return 1
        missed = 0
        for number, (bug, seen) in enumerate(verdicts(folder, bugs), 1):
            missed += not seen
            verdict = "seen" if seen else "MISSED"
            sys.stdout.write(f"{number:2} {verdict}: {bug.name} ({bug.test})\n")
            sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
