"""`make lint` stops what it is there to stop, tried on a copy of the tree."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = (
    "tap_m365hunting",
    "hunting_emulator",
    "bulk_loader",
    "orchestrate",
    "siem_maps",
    "tests/guards",
)
FILES = ("pyproject.toml", "requirements.txt", "Makefile", "README.md", "tests/__init__.py")
UNLISTED = '"""Nothing of use. Pure."""\n'


@dataclass(frozen=True)
class Tree:
    """A copy of what `make lint` looks at, without the pages and most of the tests."""

    path: Path

    def write(self, module: str, text: str) -> None:
        """Put a text below a module's docstring, or make the module of it."""
        file = self.path / module
        lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
        head = ast.parse("".join(lines)).body[0].end_lineno if lines else 0
        file.write_text("".join([*lines[:head], text, *lines[head:]]), "utf-8")

    def lint(self) -> subprocess.CompletedProcess[str]:
        """Run `make lint` up to its slow part, the types."""
        make = shutil.which("make") or "make"
        venv = Path(sys.prefix)
        return subprocess.run(
            [make, "-o", f"{venv}/installed", "lint-fast", f"VENV={venv}"],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(self.path)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the tree once; what the import contracts remember makes later runs quick."""
    if not Path(sys.prefix, "bin", "lint-imports").exists():  # as in `make lowest`
        pytest.skip("The linters are not installed")
    folder = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture
def tree(copied: Path) -> Iterator[Tree]:
    """Give the copy, and put right afterwards what was written into it."""
    yield Tree(copied)
    for name in COPIED:
        shutil.rmtree(copied / name)
        shutil.copytree(ROOT / name, copied / name, ignore=shutil.ignore_patterns("__pycache__"))


def test_the_tree_as_it_is_passes(tree: Tree) -> None:
    """Else the trials below would say nothing."""
    done = tree.lint()

    assert done.returncode == 0, done.stdout + done.stderr


PACKAGES = sorted(
    ".".join(init.parent.relative_to(ROOT).parts)
    for name in COPIED[:-1]
    for init in (ROOT / name).rglob("__init__.py")
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_one_contract_that_lists_all_of_it(package: str) -> None:
    """A package whose contract has holes would let any import through."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = [c for c in contracts if package in c.get("containers", ())]

    assert (contract["type"], contract["exhaustive"]) == ("layers", True)


@pytest.mark.parametrize(
    "package",
    [
        "tap_m365hunting/kql",
        "tap_m365hunting/commands",
        "hunting_emulator/kql",
        "hunting_emulator/data",
    ],
)
def test_module_that_no_contract_lists_fails(tree: Tree, package: str) -> None:
    """A newcomer's module gets its place before it gets imports."""
    tree.write(f"{package}/unlisted.py", UNLISTED)

    done = tree.lint()

    assert done.returncode != 0
    assert f"the imports of {package.replace('/', '.')} flow one way BROKEN" in done.stdout
    assert "unlisted" in done.stdout


def test_import_of_a_module_above_fails(tree: Tree) -> None:
    """Tokens are below all else in `kql`."""
    text = "from tap_m365hunting.kql.fitness import assess as _assess  # noqa: F401\n"
    tree.write("tap_m365hunting/kql/tokens.py", text)

    done = tree.lint()

    assert done.returncode != 0
    assert "the imports of tap_m365hunting.kql flow one way BROKEN" in done.stdout
    assert "tap_m365hunting.kql.tokens -> tap_m365hunting.kql.fitness" in done.stdout


@pytest.mark.parametrize(
    ("module", "text", "fault"),
    [
        pytest.param("tap_m365hunting/kql/tokens.py", "import socket", "imports socket", id="kql"),
        pytest.param("tap_m365hunting/wire/values.py", "import time", "imports time", id="wire"),
        pytest.param(
            "tap_m365hunting/kql/names.py",
            "def _ask() -> None:\n    import urllib.request",
            "imports urllib.request",
            id="in-a-function",
        ),
        pytest.param(
            "tap_m365hunting/planning/density.py",
            "_SOCKET = __import__('socket')",
            "calls __import__",
            id="by-name",
        ),
        pytest.param(
            "tap_m365hunting/kql/fingerprint.py",
            "from importlib import import_module",
            "imports importlib",
            id="by-importlib",
        ),
        pytest.param(
            "tap_m365hunting/kql/tokens.py",
            "_HOST = open('/etc/hostname').read()",
            "calls open",
            id="file",
        ),
        pytest.param(
            "tap_m365hunting/planning/spans.py",
            "from datetime import datetime\n_NOW = datetime.now()",
            "calls datetime.now",
            id="clock",
        ),
        pytest.param(
            "tap_m365hunting/kql/fingerprint.py",
            "from tap_m365hunting import background",
            "imports tap_m365hunting.background, and so has ",
            id="at-a-distance",
        ),
        pytest.param(
            "hunting_emulator/kql/has_any.py", "import duckdb", "imports duckdb", id="emulator"
        ),
        pytest.param("bulk_loader/upserts.py", "import duckdb", "imports duckdb", id="loader"),
        pytest.param("orchestrate/simulation.py", "import os", "imports os", id="orchestrate"),
        pytest.param("siem_maps/fields.py", "import os", "imports os", id="siem"),
    ],
)
def test_pure_module_with_an_effect_fails(tree: Tree, module: str, text: str, fault: str) -> None:
    """The word in the docstring is a promise."""
    tree.write(module, f"# ruff: noqa\n{text}\n")

    done = tree.lint()

    assert done.returncode != 0
    assert f'a module that says "Pure" {fault}' in done.stdout
    assert module in done.stdout


def test_exception_that_nothing_needs_fails(tree: Tree) -> None:
    """Else exceptions would outlive their reasons."""
    file = tree.path / "hunting_emulator/kql/words.py"
    file.write_text('"""Nothing of use. Pure."""\n', "utf-8")

    done = tree.lint()

    assert done.returncode != 0
    assert "hunting_emulator.kql.words: imports pathlib no longer" in done.stdout


def test_module_of_the_core_that_takes_the_word_back_fails(tree: Tree) -> None:
    """Else the guard would be gone with the word."""
    file = tree.path / "tap_m365hunting/planning/density.py"
    file.write_text(file.read_text("utf-8").replace("Pure", "Quick"), "utf-8")

    done = tree.lint()

    assert done.returncode != 0
    assert 'density.py:1: a module of the core does not say "Pure"' in done.stdout
