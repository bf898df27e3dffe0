"""Microsoft's own KQL parser, asked through kqlcheck, which lies beside the repository.

`KQLCHECK` names a folder where it is installed; else it is copied and installed with npm.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any, cast

SHARED = Path(__file__).parents[3] / "shared"
SOURCE = SHARED / "tools" / "kqlcheck"
TABLES = SHARED / "tables.json"

_TOKENS = """
import readline from 'node:readline';
import {tokens} from './kqlcheck.mjs';
for await (const line of readline.createInterface({input: process.stdin}))
  process.stdout.write(JSON.stringify(tokens(JSON.parse(line))) + '\\n');
"""


@dataclass
class Parser:
    """A running parser: one text in, what it says out."""

    send: IO[str]
    answers: IO[str]

    def ask(self, question: object) -> object:
        """Return the answer to one line of JSON."""
        self.send.write(json.dumps(question) + "\n")
        self.send.flush()
        return json.loads(self.answers.readline())

    def tokens(self, text: str) -> list[dict[str, str]]:
        """Return the tokens of the text."""
        return cast("list[dict[str, str]]", self.ask(text))


class Checker:
    """Diagnostics and result columns of a text."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._ids = count()

    def check(self, text: str) -> dict[str, Any]:
        """Return what the parser says of the text."""
        answer = self._parser.ask({"id": next(self._ids), "query": text})
        return cast("dict[str, dict[str, Any]]", answer)["check"]

    def complaints(self, text: str) -> set[tuple[str, str]]:
        """Return code and message of each error."""
        return complaints(self.check(text))


def complaints(said: dict[str, Any]) -> set[tuple[str, str]]:
    """Return code and message of each error."""
    return {(error["code"], error["message"]) for error in said["errors"]}


def why_not() -> str:
    """Return why the parser cannot be asked here; empty if it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not TABLES.exists():
        return "the tables' columns are not beside the repository"
    if "KQLCHECK" not in os.environ and not (SOURCE.exists() and shutil.which("npm")):
        return "kqlcheck is not beside the repository, or npm is not installed"
    return ""


def installed(folder: Path) -> Path:
    """Return a folder where the parser is installed, this one if there is no other."""
    if "KQLCHECK" in os.environ:
        return Path(os.environ["KQLCHECK"])
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    npm = shutil.which("npm") or "npm"
    subprocess.run([npm, "install", "--silent", "--no-audit"], cwd=folder, check=True)
    return folder


@contextmanager
def started(folder: Path, script: str, *arguments: str) -> Iterator[Parser]:
    """Run one of the scripts in the folder for as long as it is asked."""
    node = shutil.which("node") or "node"
    command = [node, script, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdin=pipe, stdout=pipe, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Parser(process.stdin, process.stdout)
        process.stdin.close()


@contextmanager
def checker(folder: Path) -> Iterator[Checker]:
    """Start what gives diagnostics."""
    with started(folder, "kqlcheck.mjs", "--schema", str(TABLES), "--serve") as parser:
        yield Checker(parser)


@contextmanager
def lexer(folder: Path) -> Iterator[Parser]:
    """Start what gives tokens."""
    with started(folder, "--input-type=module", "--eval", _TOKENS) as parser:
        yield parser
