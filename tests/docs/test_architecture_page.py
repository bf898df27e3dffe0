"""The places that `docs/architecture.md` names are in the code."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"`((?:\w+/)*\w+\.py):([\w.]+)`")
PLACES = sorted(set(PLACE.findall((ROOT / "docs" / "architecture.md").read_text())))


@pytest.mark.parametrize(("module", "name"), PLACES)
def test_named_place_exists(module: str, name: str) -> None:
    """A reader who follows a journey finds each class and function where the page has it."""
    assert name in _defined(module)


def test_six_journeys_are_told() -> None:
    """Each journey names enough places to be followed."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    journeys = page.partition("## Six journeys")[2].partition("\n## ")[0].split("\n### ")[1:]

    assert len(journeys) == 6
    assert all(len(PLACE.findall(journey)) >= 5 for journey in journeys)


def test_every_folder_of_the_tap_is_in_the_picture() -> None:
    """A folder that the layers do not show would be a place that nobody finds."""
    picture = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    folders = {path.parent.name for path in (ROOT / "tap_m365hunting").glob("*/__init__.py")}

    assert {folder for folder in folders if f"{folder}/" not in picture} == set()


@cache
def _defined(module: str) -> frozenset[str]:
    """Return the names that a module defines; those of a class with its name before them."""
    tree = ast.parse((ROOT / "tap_m365hunting" / module).read_text())
    found = set[str]()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner}" for inner in _functions(node)}
            found.add(node.name)
    return frozenset(found | _functions(tree))


def _functions(node: ast.Module | ast.ClassDef) -> set[str]:
    return {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
