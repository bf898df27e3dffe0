"""Version, tag and changelog agree, and the workflows do what the pages say."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.release import ROOT, notes, sections, version

CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
USES = re.compile(r"uses: (\S+)(.*)")
TARGETS = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
TWO = "## [Unreleased]\n\n## [1.1.0] - 2026-02-03\n\n- New.\n\n## [1.0.0] - 2026-01-02\n\n- Old.\n"


def test_newest_release_of_the_changelog_is_the_version() -> None:
    """A release is a heading with its date; above it stands what comes next."""
    first, newest, *_ = sections(CHANGELOG)

    assert (first.name, first.date) == ("Unreleased", "")
    assert newest.name == version()
    assert notes(f"v{version()}", of=version(), changelog=CHANGELOG) == newest.text != ""


def test_notes_are_those_of_the_tag() -> None:
    """Neither what is to come nor what was stands in them."""
    assert notes("v1.1.0", of="1.1.0", changelog=TWO) == "- New."


@pytest.mark.parametrize(
    ("tag", "of", "why"),
    [
        pytest.param("1.1.0", "1.1.0", "is not v1.1.0", id="no-v"),
        pytest.param("v1.1", "1.1.0", "is not v1.1.0", id="two-numbers"),
        pytest.param("v1.1.0", "1.2.0", "is not v1.2.0", id="another-version"),
        pytest.param("v1.2.0", "1.2.0", "no dated part", id="not-in-the-changelog"),
        pytest.param("v1.0.0", "1.0.0", "no dated part", id="older-than-the-newest"),
    ],
)
def test_what_does_not_agree_is_no_release(tag: str, of: str, why: str) -> None:
    """The workflow ends before anything is built."""
    with pytest.raises(ValueError, match=why):
        notes(tag, of=of, changelog=TWO)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_hash(workflow: Path) -> None:
    """A tag can be moved, a hash cannot. Its version stands beside it, for Dependabot."""
    used = USES.findall(workflow.read_text("utf-8"))

    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_every_supported_python_is_tested() -> None:
    """At each change all that the package names, the least first; each week the outer two."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    tested, weekly = (
        re.search(r"python: \[(.*)\]", (ROOT / ".github/workflows" / file).read_text("utf-8"))
        for file in ("ci.yml", "weekly.yml")
    )

    assert f'requires-python = ">={named[0]}"' in project
    assert f'target-version = "py{named[0].replace(".", "")}"' in project
    assert tested is not None
    assert weekly is not None
    assert re.findall(r"3\.\d+", tested[1]) == named == ["3.11", "3.12", "3.13", "3.14"]
    assert re.findall(r"3\.\d+", weekly[1]) == [named[0], named[-1]]


def test_help_names_every_target_with_its_time() -> None:
    """A newcomer sees what there is to run, and whether it is worth a coffee."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    shown = subprocess.run(
        [shutil.which("make") or "make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    lines = dict(
        line.strip().split(None, 1) for line in shown.splitlines() if line.startswith("  ")
    )
    assert lines.keys() == set(TARGETS.findall(makefile))
    assert all(re.match(r"(\d+ (s|min)|-) ", said) for said in lines.values()), lines


@pytest.mark.parametrize("target", TARGETS.findall((ROOT / "Makefile").read_text("utf-8")))
def test_every_target_has_what_it_is_made_from(target: str) -> None:
    """Each file that a target stands on is there, or has a rule; nothing is run."""
    told = subprocess.run(
        [shutil.which("make") or "make", "--dry-run", "--no-print-directory", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
