"""Microsoft's own KQL parser, from its npm package, asked through `parser/parser.mjs`.

`make test` installs the package below the virtual environment where Node and npm are there;
`KQL_PARSER` names another folder that holds `node_modules`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from hunting_emulator import tables

SCRIPT: Final = Path(__file__).parent / "parser" / "parser.mjs"
TABLES: Final = Path(tables.__file__).parent / "catalog" / "tables.json"
FOLDER: Final = Path(os.environ.get("KQL_PARSER") or Path(sys.prefix) / "kql-parser")


@dataclass
class Parser:
    """A running parser: one text in, what it says out."""

    send: IO[str]
    answers: IO[str]
    told: dict[tuple[str, str], object] = field(default_factory=dict)

    def _ask(self, ask: str, text: str) -> object:
        """Return the answer to a text; the same text has the same answer."""
        if (ask, text) not in self.told:
            self.told[ask, text] = self._answer(ask, text)
        return self.told[ask, text]

    def _answer(self, ask: str, text: str) -> object:
        self.send.write(json.dumps({"ask": ask, "text": text}) + "\n")
        self.send.flush()
        answer = json.loads(self.answers.readline())
        assert "crash" not in answer, (answer, text)
        return answer

    def tokens(self, text: str) -> list[dict[str, str]]:
        """Return kind and text of each token, as Microsoft's lexer cuts the text."""
        return cast("list[dict[str, str]]", self._ask("tokens", text))

    def check(self, text: str) -> dict[str, Any]:
        """Return errors and result columns of the text; `open` if columns are not all known."""
        return cast("dict[str, Any]", self._ask("check", text))

    def complaints(self, text: str) -> set[tuple[str, str]]:
        """Return code and message of each error in the text."""
        return complaints(self.check(text))


def complaints(checked: dict[str, Any]) -> set[tuple[str, str]]:
    """Return code and message of each error."""
    return {(error["code"], error["message"]) for error in checked["errors"]}


def why_not() -> str:
    """Return why the parser cannot be asked here; empty if it can."""
    if shutil.which("node") is None:
        return "Node is not installed, which Microsoft's KQL parser needs"
    if not (FOLDER / "node_modules").is_dir():
        return "Microsoft's KQL parser is not installed; `make test` does it with npm"
    return ""


@contextmanager
def started() -> Iterator[Parser]:
    """Run the parser for as long as it is asked."""
    node = shutil.which("node") or "node"
    shutil.copyfile(SCRIPT, FOLDER / SCRIPT.name)  # Node looks for packages from there upwards
    command = [node, str(FOLDER / SCRIPT.name), str(TABLES)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Parser(process.stdin, process.stdout)
        process.stdin.close()
