"""What the pages tell a reader to type, open or set is there."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
import yaml

from demo.findings import COVERAGE, FINDINGS
from demo.tables import Tables
from tests.docs.picture import PICTURE
from tests.pipeline.test_tables import fill

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
# its SQL is a script, which tests/loaders/test_files_page.py runs as one
SCRIPT = ROOT / "docs/files.md"
TIME = "2026-03-01T12:00:00.0000000Z"
WINDOW = dict.fromkeys(("stream", "tenant_id", "status", "message"), "") | dict.fromkeys(
    ("window_start", "window_end"), TIME
)
COUNTS = {"rows": 2, "late_rows": 1}
OURS = ("tap-m365hunting", "m365hunting", "hunting-emulator", "target-bulk-duckdb")
BASH = shutil.which("bash") or "/bin/bash"
FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
MAKE = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)


def blocks(language: str, *, but: Path | None = None) -> Iterator[str]:
    """Yield the fenced blocks of a language, from all pages but one."""
    for page in (page for page in PAGES if page != but):
        for found, text in FENCE.findall(page.read_text("utf-8")):
            if found == language:
                yield text


def commands() -> list[list[str]]:
    """Return our own commands on the pages, word by word, with continued lines joined."""
    lines = [line for text in blocks("sh") for line in text.replace("\\\n", " ").splitlines()]
    parts = [part.split() for line in lines for part in re.split(r"[|>&]", line)]
    words = [[Path(part[0]).name, *part[1:]] for part in parts if part]
    return [part for part in words if part[0] in OURS]


@cache
def helped(*command: str) -> str:
    """Return what a command says of its options."""
    path = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [path, *command[1:], "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout


def word(part: list[str]) -> str:
    """Name a case by its command."""
    return " ".join(part)


@pytest.mark.parametrize("command", commands(), ids=word)
def test_option_on_a_page_is_one_of_the_command(command: list[str]) -> None:
    """A reader who types it is not told that there is no such option."""
    name, *rest = command
    sub = rest[:1] if rest and not rest[0].startswith("-") else []

    said = helped(name, *sub)

    for option in (part.partition("=")[0] for part in rest if part.startswith("--")):
        assert option in said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_link_leads_somewhere(page: Path) -> None:
    """A page or picture that is named is there."""
    targets = LINK.findall(page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_make_targets_on_the_pages_are_in_the_makefile() -> None:
    """What a reader is told to make can be made."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    told = {target for page in PAGES for target in MAKE.findall(page.read_text("utf-8"))}

    assert {"demo", "test"} <= told
    there = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert told - there == set()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """What a newcomer types is what is checked."""
    assert "```sh\nmake test\n```" in (ROOT / "README.md").read_text("utf-8")
    assert "make test " in (ROOT / ".ci/run").read_text("utf-8")


def test_picture_is_of_this_demo() -> None:
    """`make docs` draws it anew; each stream and each question of today stands in it."""
    drawn = PICTURE.read_text("utf-8")
    queries = json.loads((ROOT / "sample_config.json").read_text("utf-8"))["queries"]

    assert [q["name"] for q in queries if "name" in q and q["name"] not in drawn] == []
    questions = [finding.question for finding in (COVERAGE, *FINDINGS)]
    assert [question for question in questions if question not in drawn] == []


def test_shell_on_the_pages_is_shell() -> None:
    """Each block can be pasted: no quote, bracket or here-document of it is left open."""
    for text in blocks("sh"):
        done = subprocess.run([BASH, "-n"], input=text, capture_output=True, text=True, check=False)
        assert done.stderr == "", text


def test_yaml_on_the_pages_is_yaml() -> None:
    """A block that is copied into a file is read as it is meant."""
    for text in blocks("yaml"):
        assert isinstance(yaml.safe_load(text), dict)


def test_json_on_the_pages_is_json() -> None:
    """A block that is copied into a config is read as it is meant."""
    for text in blocks("json"):
        assert json.loads(text) is not None


@pytest.mark.parametrize("sql", list(blocks("sql", but=SCRIPT)), ids=lambda sql: sql.split("\n")[0])
def test_sql_on_the_pages_runs(sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the question is not a sketch."""
    fill(tmp_path / "hunting.duckdb", "device_info", {"_row_id": "a"})
    fill(tmp_path / "hunting.duckdb", "hunting_windows", WINDOW | COUNTS)
    monkeypatch.chdir(tmp_path)

    with closing(Tables(tmp_path / "hunting.duckdb")) as tables:
        tables.shown(sql)
