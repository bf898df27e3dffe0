"""A module, and a function, can be read in one sitting."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("tap_m365hunting", "hunting_emulator", "bulk_loader", "orchestrate", "siem_maps"),
    *("demo", "bench"),
)
#: Lines of a module, and of a function with its signature and docstring.
MOST = 300
MOST_OF_A_FUNCTION = 45


def too_long(module: Path, text: str) -> Iterator[str]:
    """Yield the module and the functions with more lines than they may have."""
    if (lines := len(text.splitlines())) > MOST:
        yield f"{module}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_OF_A_FUNCTION:
                yield f"{module}:{node.lineno}: {node.name} has {lines} lines"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_and_no_function_is_too_long(package: str) -> None:
    """What grows beyond has a second reason to change, and is split along it."""
    modules = sorted((ROOT / package).rglob("*.py"))

    found = [
        line
        for module in modules
        for line in too_long(module.relative_to(ROOT), module.read_text("utf-8"))
    ]

    assert modules != []
    assert found == []


def test_a_long_module_and_a_long_function_are_found() -> None:
    """One line more is enough."""
    function = "def long():\n" + "    pass\n" * MOST_OF_A_FUNCTION
    text = function + "\n" * (MOST - MOST_OF_A_FUNCTION)

    assert list(too_long(Path("m.py"), text)) == ["m.py: 301 lines", "m.py:1: long has 46 lines"]
