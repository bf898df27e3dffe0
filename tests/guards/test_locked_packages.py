"""What is installed to test and to release is named by version and hash, and is what is allowed."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DECLARED: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
LOCKS = ("requirements.txt", "requirements-release.txt")


def locked(file: str) -> dict[str, tuple[str, str]]:
    """Return the version and the rest of each entry of a file, by package."""
    text = (ROOT / file).read_text("utf-8").replace("\\\n", " ")
    entries = [line.partition("==") for line in text.splitlines() if line.strip()]
    return {
        canonicalize_name(name): (rest.split()[0], rest.partition(" ")[2])
        for name, _, rest in entries
    }


def of_group(name: str) -> Iterator[str]:
    """Yield what a dependency group asks for, with the groups that it includes."""
    for entry in DECLARED["dependency-groups"][name]:
        if isinstance(entry, Mapping):
            yield from of_group(entry["include-group"])
        else:
            yield entry


def developed() -> list[str]:
    """Return what `make .venv/installed` is to have."""
    project = DECLARED["project"]
    extras = project["optional-dependencies"]
    named = [extras[extra] for extra in ("emulator", "sigma", "duckdb", "isal")]
    return [*project["dependencies"], *(entry for extra in named for entry in extra)]


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_has_the_hashes_of_its_files(file: str) -> None:
    """One without makes pip refuse them all."""
    entries = locked(file)

    assert len(entries) > 20
    assert [name for name, (_, rest) in entries.items() if not HASH.search(rest)] == []


def test_versions_with_and_without_hashes_are_the_same() -> None:
    """People read `constraints.txt`, and give it to pip where nothing is held to hashes."""
    hashed = {name: version for name, (version, _) in locked("requirements.txt").items()}

    assert hashed == {name: version for name, (version, _) in locked("constraints.txt").items()}


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        pytest.param("requirements.txt", [*developed(), *of_group("dev")], id="clone"),
        pytest.param(
            "requirements-release.txt",
            [*of_group("release"), *DECLARED["build-system"]["requires"]],
            id="release",
        ),
    ],
)
def test_all_that_is_asked_for_is_locked_in_an_allowed_version(file: str, asked: list[str]) -> None:
    """Else `make constraints` was forgotten: nothing that is not locked is installed."""
    entries = locked(file)
    wrong = [
        requirement
        for requirement in map(Requirement, asked)
        if (found := entries.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(found[0])
    ]

    assert wrong == []


def test_clones_and_releases_install_by_hash() -> None:
    """A file that was exchanged in a registry is not run where tests or releases are made."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    installed = [
        line for line in makefile.splitlines() if "requirements" in line and "$(PIP)" in line
    ]

    assert len(installed) == len(LOCKS)
    assert all("--require-hashes" in line for line in installed)
    assert "--no-build-isolation -e ." in makefile
    assert "build --no-isolation" in makefile
