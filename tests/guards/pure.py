"""Holds modules to the word "Pure" in their docstrings; run by `make lint`.

A module whose docstring has the word "Pure" imports nothing of `FORBIDDEN`, anywhere in it: no
clock, socket, file, process, thread or randomness. `ALLOWED` are the exceptions, each with its
reason; an exception that is used no longer is a fault. Every module of `CORE` says that it is pure.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = ("tap_m365hunting", "hunting_emulator", "bulk_loader")
CORE: Final = ("tap_m365hunting/kql", "tap_m365hunting/planning", "tap_m365hunting/wire")
FORBIDDEN: Final = frozenset(
    {
        *("requests", "urllib3", "msal", "socket", "ssl", "http", "time", "sched", "select"),
        *("io", "os", "pathlib", "shutil", "tempfile", "glob", "fcntl", "signal", "subprocess"),
        *("threading", "asyncio", "concurrent", "multiprocessing", "random", "secrets", "logging"),
        *("duckdb"),
    }
)

#: Module and import, each with its reason.
ALLOWED: Final = frozenset(
    {
        ("tap_m365hunting/configuration/credentials.py", "pathlib"),  # a path is a value there
        ("tap_m365hunting/http/connection_errors.py", "requests"),  # whose errors it translates
        ("tap_m365hunting/http/connection_errors.py", "urllib3"),  # whose errors it translates
        ("tap_m365hunting/wire/answer.py", "io"),  # a buffer in memory
        ("hunting_emulator/limits.py", "threading"),  # a lock around its counts
        ("hunting_emulator/tables.py", "pathlib"),  # its catalog lies in the package
        ("hunting_emulator/data/company.py", "pathlib"),  # so does its company
        ("hunting_emulator/data/story.py", "pathlib"),  # and its attack
        ("hunting_emulator/kql/words.py", "pathlib"),  # and the parser's words
    }
)

_PURE = re.compile(r"\bPure\b")


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and package of each import, those inside functions and conditions among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module.partition(".")[0]


def effects(tree: ast.Module) -> list[tuple[int, str]]:
    """Return line and package of each import that a pure module may not have."""
    return [(line, name) for line, name in imported(tree) if name in FORBIDDEN]


def faults(module: Path) -> Iterator[str]:
    """Yield a line for each promise that a module breaks, or does not make though it has to."""
    tree = ast.parse(module.read_text("utf-8"))
    pure = _PURE.search(ast.get_docstring(tree) or "")
    if not pure and module.parent.as_posix() in CORE:
        yield f'{module}:1: a module of the core does not say "Pure"'
    for line, name in effects(tree) if pure else ():
        if (module.as_posix(), name) not in ALLOWED:
            yield f'{module}:{line}: a module that says "Pure" imports {name}'


def stale() -> Iterator[str]:
    """Yield a line for each exception that nothing needs."""
    for module, name in sorted(ALLOWED):
        path = Path(module)
        tree = ast.parse(path.read_text("utf-8") if path.exists() else "")
        if name not in {used for _, used in imported(tree)}:
            yield f"{module}: imports {name} no longer, but is allowed to"


def main() -> None:
    """Print the faults of all modules below the folder; end with status 1 if there are any."""
    modules = [module for package in PACKAGES for module in sorted(Path(package).rglob("*.py"))]
    found = [fault for module in modules for fault in faults(module)] + list(stale())
    sys.stdout.write("".join(f"{fault}\n" for fault in found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
