"""The texts that the packages can print, as a reader sees them: `…` where a value stands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_PLACEHOLDER = re.compile(r"%(?:\.\d+)?[a-z]|\{\{?\w+\}?\}")
_BODIES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def texts(folder: Path) -> set[str]:
    """Return each text constant of a package's modules that is no docstring."""
    return {
        plain(text)
        for path in folder.rglob("*.py")
        for text in _constants(ast.parse(path.read_text("utf-8")))
    }


def plain(text: str) -> str:
    """Return a text with `…` for each of its placeholders, and one space for any white space."""
    return " ".join(_PLACEHOLDER.sub("…", text).split())


def _constants(tree: ast.Module) -> Iterator[str]:
    """Yield plain strings, and f-strings with `…` for each value; a part of neither by itself."""
    passed_over = {id(node) for node in _docstrings(tree)}
    for node in ast.walk(tree):  # parents come before their children
        if isinstance(node, ast.JoinedStr):
            passed_over |= {id(part) for part in node.values}
            yield "".join(_shown(part) for part in node.values)
        elif id(node) not in passed_over and isinstance(node, ast.Constant):
            yield str(node.value)


def _shown(part: ast.expr) -> str:
    """Return a constant part of an f-string as it is, and a value as `…`."""
    return str(part.value) if isinstance(part, ast.Constant) else "…"


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, _BODIES) and isinstance(node.body[0], ast.Expr):
            yield node.body[0].value
