"""Runs the tests of this folder on an earlier revision and on this one: a table of both.

`python -m tests.security.before` takes the packages of the revision from the project's history.
Each line has what its tests found: a secret by its value in any output at any level, tracebacks,
runs without an end, or what else the line is about. The status is 1 if a test fails now, or if a
point has no line that fails before and holds now.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from tests.security import earlier
from tests.security.faults import FAULT
from tests.security.lines import LINES, POINTS, WORLD, Line

ROOT: Final = Path(__file__).parents[2]
#: The state before the review was worked on.
REVISION: Final = "11006a9"
TAKEN: Final = ("tap_m365hunting", "hunting_emulator", "docs/files.md")


class Outcome(NamedTuple):
    """How a test ended, and what is wrong with its runs."""

    held: bool
    faults: tuple[str, ...]


Outcomes = Mapping[str, Outcome]


def main() -> None:
    """Run both, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--revision", default=REVISION)
    parser.add_argument("--jobs", default="2", help="tests at a time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        take(given.revision, folder)
        paths = os.pathsep.join([name, str(ROOT)])
        # without the safe path, this folder's packages would come first
        variables = {earlier.FOLDER: name, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}
        before = outcomes(folder / "before.xml", variables, given.jobs)
        now = outcomes(folder / "now.xml", {}, given.jobs)
    for line in table(before, now):
        sys.stdout.write(f"{line}\n")
    complaints = list(wrong(before, now))
    sys.exit("\n".join(complaints) or 0)


def take(revision: str, folder: Path) -> None:
    """Put the packages of a revision into a folder."""
    command = ["git", "-C", str(ROOT), "archive", revision, *TAKEN]
    taken = subprocess.run(command, capture_output=True, check=False)
    if taken.returncode:
        told = taken.stderr.decode("utf-8", "replace").strip()
        sys.exit(
            f"Revision {revision} is not in the history here ({told}). A shallow clone has no "
            "earlier revision: git fetch --unshallow; --revision names another"
        )
    with tarfile.open(fileobj=BytesIO(taken.stdout)) as archive:
        archive.extractall(folder, filter="data")


def outcomes(file: Path, variables: Mapping[str, str], jobs: str) -> Outcomes:
    """Run all tests, and read their report."""
    sys.stderr.write(f"{file.stem}: ")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=no", "-r", "N", "-p", "no:cacheprovider",
         "-n", jobs, "--dist", "worksteal", f"--junitxml={file}", str(ROOT / "tests/security")],
        cwd=ROOT, env={**os.environ, **variables, "SECURITY": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    sys.stderr.write(f"{(ran.stdout.splitlines() or [ran.stderr])[-1]}\n")
    if not file.is_file():
        sys.exit(ran.stdout + ran.stderr)
    return {f"{case.get('name')}": outcome(case) for case in cases(file)}


def cases(file: Path) -> Iterable[ET.Element]:
    """Return the tests of a report that pytest has written."""
    return ET.parse(file).iter("testcase")  # noqa: S314 - our own file


def outcome(case: ET.Element) -> Outcome:
    """Read a test's end and its faults."""
    faults = [f"{one.get('value')}" for one in case.iter("property") if one.get("name") == FAULT]
    held = case.find("failure") is None and case.find("error") is None
    return Outcome(held and not faults, tuple(faults))


def table(before: Outcomes, now: Outcomes) -> Iterator[str]:
    """Yield a line for each line, below its point."""
    yield f"{'':42}{'before':72}now"
    yield row(WORLD, before, now)
    for point, lines in POINTS.items():
        yield f"\n{point}"
        yield from (row(line, before, now) for line in lines)


def row(line: Line, before: Outcomes, now: Outcomes) -> str:
    """Set side by side what the line's tests found."""
    return f"  {line.title:40}{told(line, before):72}{told(line, now)}"


def told(line: Line, found: Outcomes) -> str:
    """Say how many of a line's tests hold, and what is wrong in the others."""
    mine = of(line, found)
    failed = [one for one in mine if not one.held]
    if not mine:
        return "no test"
    if not failed:
        return f"held {len(mine)} of {len(mine)}"
    counts = Counter(fault for one in failed for fault in one.faults or (line.otherwise,))
    return f"{len(failed)} of {len(mine)}: {', '.join(f'{k} {n}' for k, n in counts.most_common())}"


def of(line: Line, found: Outcomes) -> Sequence[Outcome]:
    """Return the outcomes of a line's tests."""
    return [outcome for test, outcome in found.items() if line.has(test)]


def holds(line: Line, found: Outcomes) -> bool:
    """Say whether there are tests, and all hold."""
    mine = of(line, found)
    return bool(mine) and all(one.held for one in mine)


def wrong(before: Outcomes, now: Outcomes) -> Iterator[str]:
    """Yield why the table shows less than it should."""
    yield from (f"Fails now: {test}" for test, one in now.items() if not one.held)
    for line in LINES:
        if not of(line, now):
            yield f"No test: {line.title}"
    for point, lines in POINTS.items():
        if not any(holds(line, now) and not holds(line, before) for line in lines):
            yield f"Nothing failed before: {point}"


if __name__ == "__main__":
    main()
