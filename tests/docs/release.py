"""Checks that a tag, the version and the changelog agree, and prints the release's notes.

Run by the release workflow: `python -m tests.docs.release v1.2.3`.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\d{4}-\d\d-\d\d))?$", re.MULTILINE)
_LINK = re.compile(r"^\[[^\]]+\]: .*$", re.MULTILINE)
_TAG = re.compile(r"v(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Section:
    """One version's part of the changelog; `date` is empty for what is not released."""

    name: str
    date: str
    text: str


def sections(changelog: str) -> list[Section]:
    """Return the parts of a changelog, newest first as they stand there.

    >>> [s.name for s in sections("## [Unreleased]" + chr(10) + "## [0.1.0] - 2026-01-02")]
    ['Unreleased', '0.1.0']
    """
    found = list(_HEADING.finditer(changelog))
    ends = [heading.start() for heading in found[1:]] + [len(changelog)]
    return [
        Section(
            heading["name"],
            heading["date"] or "",
            _LINK.sub("", changelog[heading.end() : end]).strip(),
        )
        for heading, end in zip(found, ends, strict=True)
    ]


def version() -> str:
    """Return the version of `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def notes(tag: str, *, of: str, changelog: str) -> str:
    """Return the notes of the release that a tag makes of version `of`.

    Raises:
        ValueError: the tag's form, the version and the newest dated part do not agree.
    """
    form = _TAG.fullmatch(tag)
    if form is None or form[1] != of:
        msg = f"The tag {tag} is not v{of}, as the version {of} of pyproject.toml asks"
        raise ValueError(msg)
    released = [section for section in sections(changelog) if section.date]
    if not released or released[0].name != of:
        msg = f"CHANGELOG.md has no dated part [{of}] above those of older versions"
        raise ValueError(msg)
    return released[0].text


def main() -> None:
    """Print the notes of the tag, or end with status 1 and the reason."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    try:
        sys.stdout.write(notes(sys.argv[1], of=version(), changelog=changelog) + "\n")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
