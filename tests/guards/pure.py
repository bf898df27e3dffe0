"""Holds modules to the word "Pure" in their docstrings; run by `make lint`.

A module whose docstring has the word "Pure" has no effect, and reads no clock: it imports libraries
of `PURE` alone, calls no builtin of `EFFECTS`, and imports no module of this project that does so
itself, at any distance. `ALLOWED` are the exceptions, each with its reason; an exception that is
used no longer is a fault. Every module of `CORE` says that it is pure.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PACKAGES: Final = (
    "tap_m365hunting",
    "hunting_emulator",
    "bulk_loader",
    "orchestrate",
    "siem_maps",
)
CORE: Final = ("tap_m365hunting.kql", "tap_m365hunting.planning", "tap_m365hunting.wire")
#: Libraries without an effect, as far as their use here goes; any other is taken to have one.
PURE: Final = frozenset(
    {
        *("abc", "array", "base64", "binascii", "bisect", "collections", "contextlib", "csv"),
        *("dataclasses", "datetime", "decimal", "difflib", "enum", "errno", "fnmatch", "fractions"),
        *("functools", "hashlib", "heapq", "html", "itertools", "json", "math", "operator", "re"),
        *("statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata", "zlib"),
        *("email.utils", "urllib.parse"),
        *("duckdb_kql", "jsonschema", "msgspec", "singer_sdk.exceptions", "typing_extensions"),
    }
)
#: Builtins that reach out of the program, or past these rules.
EFFECTS: Final = frozenset(
    {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}
)
#: Methods of classes that read the clock.
_CLOCKS: Final = frozenset({"now", "today", "utcnow"})

#: Module and import, each with its reason.
ALLOWED: Final = frozenset(
    {
        # a path or an id is a value there
        ("tap_m365hunting.configuration.credentials", "pathlib"),
        ("tap_m365hunting.wire.values", "uuid"),
        # errors that it translates, a buffer in memory, styles of a terminal as text
        ("tap_m365hunting.http.connection_errors", "requests.exceptions"),
        ("tap_m365hunting.http.connection_errors", "urllib3.exceptions"),
        ("tap_m365hunting.wire.answer", "io"),
        ("tap_m365hunting.coverage_report.text", "click"),
        # a lock around its counts
        ("hunting_emulator.limits", "threading"),
        # data of the package, read once
        ("hunting_emulator.tables", "pathlib"),
        ("hunting_emulator.data.company", "pathlib"),
        ("hunting_emulator.data.story", "pathlib"),
        ("hunting_emulator.kql.words", "pathlib"),
        # types of modules that read files of settings
        ("tap_m365hunting.auth.claims", "tap_m365hunting.configuration.config"),
        ("tap_m365hunting.commands.plans", "tap_m365hunting.configuration.config"),
        ("tap_m365hunting.commands.report", "tap_m365hunting.configuration.cautions"),
        ("tap_m365hunting.commands.report", "tap_m365hunting.configuration.config"),
        ("tap_m365hunting.commands.report", "tap_m365hunting.configuration.queries"),
        ("tap_m365hunting.commands.report", "tap_m365hunting.configuration.query_settings"),
        ("tap_m365hunting.commands.run_sizes", "tap_m365hunting.configuration.config"),
        ("tap_m365hunting.commands.simulation", "tap_m365hunting.configuration.config"),
        ("tap_m365hunting.configuration.rules", "tap_m365hunting.configuration.batch_settings"),
        ("tap_m365hunting.configuration.rules", "tap_m365hunting.configuration.queries"),
        ("tap_m365hunting.configuration.rules", "tap_m365hunting.configuration.sources"),
        ("tap_m365hunting.coverage_report.json_lines", "tap_m365hunting.configuration.queries"),
        ("tap_m365hunting.sync.resolved_query", "tap_m365hunting.configuration.config"),
        # types of modules that ask the service, or the database
        ("tap_m365hunting.commands.report", "tap_m365hunting.commands.documented_keys"),
        ("tap_m365hunting.commands.report", "tap_m365hunting.commands.probed_query"),
        ("tap_m365hunting.commands.run_sizes", "tap_m365hunting.commands.documented_keys"),
        ("bulk_loader.metadata", "bulk_loader.slices"),
        ("hunting_emulator.data.files", "hunting_emulator.engine"),
        ("hunting_emulator.data.files", "hunting_emulator.store"),
        ("hunting_emulator.graph_paths", "hunting_emulator.refusals"),
        ("hunting_emulator.kql.complaints", "hunting_emulator.parser.judge"),
        ("hunting_emulator.questions", "hunting_emulator.refusals"),
        ("hunting_emulator.reading", "hunting_emulator.deadline"),
        ("hunting_emulator.reading", "hunting_emulator.kql.translate"),
        ("hunting_emulator.reading", "hunting_emulator.parser.judge"),
    }
)

_PURE = re.compile(r"\bPure\b")


@dataclass(frozen=True)
class Module:
    """A module of this project: its promise, and what it imports and calls, each with its line."""

    path: Path
    pure: bool
    imported: list[tuple[int, str]] = field(default_factory=list)
    calls: list[tuple[int, str]] = field(default_factory=list)


class Tree:
    """All modules of the packages, by their dotted names."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self._found: dict[str, str | None] = {}

    @classmethod
    def read(cls) -> "Tree":
        """Read the packages below the working folder."""
        files = {
            ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path
            for package in PACKAGES
            for path in sorted(Path(package).rglob("*.py"))
        }
        return cls({name: _module(path, files) for name, path in files.items()})

    def effect(self, name: str) -> str | None:
        """Return an effect that a module or library has, itself or by its imports."""
        if name not in self._found:
            self._found[name] = None  # of modules that import each other one is asked first
            self._found[name] = self._effect(name)
        return self._found[name]

    def _effect(self, name: str) -> str | None:
        module = self._modules.get(name)
        if module is None:
            parts = name.split(".")
            known = {".".join(parts[: length + 1]) for length in range(len(parts))}
            return None if known & PURE or name == "__future__" else name
        for _, called in module.calls:
            return called
        used = (used for _, used in module.imported if (name, used) not in ALLOWED)
        return next(filter(None, map(self.effect, used)), None)

    def faults(self) -> Iterator[str]:
        """Yield a line for each promise that is broken, or not made though it has to be."""
        for name, module in self._modules.items():
            if not module.pure and name.rpartition(".")[0] in CORE:
                yield f'{module.path}:1: a module of the core does not say "Pure"'
            for line, called in module.calls if module.pure else ():
                yield f'{module.path}:{line}: a module that says "Pure" calls {called}'
            for line, used in module.imported if module.pure else ():
                effect = None if (name, used) in ALLOWED else self.effect(used)
                if effect:
                    by = "" if effect == used else f", and so has {effect}"
                    yield f'{module.path}:{line}: a module that says "Pure" imports {used}{by}'

    def stale(self) -> Iterator[str]:
        """Yield a line for each exception that nothing needs."""
        for name, used in sorted(ALLOWED):
            module = self._modules.get(name)
            imported = {other for _, other in module.imported} if module and module.pure else set()
            if used not in imported or not self.effect(used):
                yield f"{name}: imports {used} no longer for an effect, but is allowed to"


def _module(path: Path, modules: Mapping[str, Path]) -> Module:
    tree = ast.parse(path.read_text("utf-8"))
    found = Module(path, pure=bool(_PURE.search(ast.get_docstring(tree) or "")))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.imported.extend((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found.imported.extend(
                (node.lineno, name if name in modules else str(node.module)) for name in names
            )
        elif (called := _called(node)) is not None:
            found.calls.append(called)
    return found


def _called(node: ast.AST) -> tuple[int, str] | None:
    if isinstance(node, ast.Name) and node.id in EFFECTS:
        return node.lineno, node.id
    if isinstance(node, ast.Attribute) and node.attr in _CLOCKS:
        holder = node.value.id if isinstance(node.value, ast.Name) else ""
        return (node.lineno, f"{holder}.{node.attr}") if holder in {"date", "datetime"} else None
    return None


def main() -> None:
    """Print the faults of all modules below the folder; end with status 1 if there are any."""
    tree = Tree.read()
    found = [*tree.faults(), *tree.stale()]
    sys.stdout.write("".join(f"{fault}\n" for fault in found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
