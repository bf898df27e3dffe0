"""Counts the pronouns in the docstrings of a package, to hold prose to naming its nouns.

How the count is made:

- A docstring is that of a module, a class or a function, private ones among them. Comments, texts
  below constants and messages are not counted; of the first two, openings are looked at.
- Code is left out: text in backticks, and doctest lines up to the next blank line.
- A word is a run of letters, with an apostrophe's ending (`tap's` is one word).
- A pronoun is a word of `PRONOUNS`, whatever its use in the sentence: `that` is counted as a
  conjunction, too, and `one` as a number, so the share comes out too high rather than too low.
- "what" alone is counted a second time, in 1,000 words.
- A docstring opens badly if its first word is one of `OPENINGS`.
- Of a page the prose outside code blocks is counted, tables among it, and links by their words.
  A page may address its reader: "you" and "your" name somebody there.

Run with `python -m tests.docs.prose`, and with `--worst 20` for the docstrings to look at first;
folders or modules as arguments narrow the count. `--pages` counts the pages of the project.
"""

import argparse
import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("tap_m365hunting", "hunting_emulator")
PRONOUNS: Final = {
    *("i", "me", "my", "we", "us", "our", "you", "your", "he", "him", "his", "she", "her"),
    *("it", "its", "itself", "they", "them", "their", "theirs", "themselves"),
    *("this", "that", "these", "those", "one", "ones", "none"),
    *("which", "who", "whom", "whose", "what", "whatever", "whoever", "whichever"),
    *("something", "anything", "nothing", "everything"),
    *("someone", "anyone", "everyone", "somebody", "anybody", "nobody", "everybody"),
}
READER: Final = frozenset({"you", "your"})
OPENINGS: Final = frozenset({"what", "who", "whatever", "it", "they"})

_CODE = re.compile(r"``[^`]*``|`[^`]*`")
_DOCTEST = re.compile(r"^ *>>>.*?(?:\n *\n|\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
_TARGET = re.compile(r"\]\([^)]*\)|<!--.*?-->|https?://\S+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Docstring:
    """One docstring, and the place of its module, class or function."""

    path: Path
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the prose, in lower case."""
        return words(self.text)

    @property
    def opens_badly(self) -> bool:
        """Whether the first word stands for a noun that is not there."""
        return self.words[:1] != [] and self.words[0] in OPENINGS

    def __str__(self) -> str:
        """Return place and first line, in a form that editors jump to."""
        return f"{self.path}:{self.line}: {self.text.splitlines()[0]}"


@dataclass(frozen=True, slots=True)
class Count:
    """The words of some docstrings, counted."""

    words: int
    pronouns: int
    what: int
    openings: int

    @classmethod
    def of(cls, docstrings: Iterable[Docstring]) -> "Count":
        """Count all of the docstrings together."""
        known = list(docstrings)
        said = [word for docstring in known for word in docstring.words]
        return cls(
            words=len(said),
            pronouns=sum(word in PRONOUNS for word in said),
            what=said.count("what"),
            openings=sum(docstring.opens_badly for docstring in known),
        )

    @classmethod
    def of_page(cls, page: Path) -> "Count":
        """Count the prose of a page."""
        prose = _TARGET.sub("] ", _CODE.sub(" ", _BLOCK.sub("", page.read_text("utf-8"))))
        said = words(prose)
        pronouns = sum(word in PRONOUNS - READER for word in said)
        return cls(words=len(said), pronouns=pronouns, what=said.count("what"), openings=0)

    @property
    def pronoun_percent(self) -> float:
        """Pronouns in 100 words."""
        return 100 * self.pronouns / max(self.words, 1)

    @property
    def what_per_thousand(self) -> float:
        """Uses of "what" in 1,000 words."""
        return 1000 * self.what / max(self.words, 1)


def words(text: str) -> list[str]:
    """Return the words of a docstring's prose, in lower case.

    >>> words("The tap's `it` is not counted.")
    ['the', "tap's", 'is', 'not', 'counted']
    """
    return [word.lower() for word in _WORD.findall(_CODE.sub(" ", _DOCTEST.sub("", text)))]


def docstrings(module: Path) -> Iterator[Docstring]:
    """Yield the docstrings of a module, in the order of a walk over its tree."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)):
            place = module.relative_to(ROOT) if module.is_relative_to(ROOT) else module
            yield Docstring(place, getattr(node, "lineno", 1), text)


def remarks(module: Path) -> Iterator[Docstring]:
    """Yield the comments of a module, lines below each other as one, and the texts of constants."""
    text = module.read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and _is_text(node.value):
            yield Docstring(module, node.lineno, ast.literal_eval(node.value))
    comments = [
        token for token in generate_tokens(StringIO(text).readline) if token.type == COMMENT
    ]
    lines = {comment.start[0] for comment in comments}
    for comment in comments:
        if comment.start[0] - 1 not in lines:
            yield Docstring(module, comment.start[0], comment.string.lstrip("#: "))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def below(*places: Path) -> list[Docstring]:
    """Return the docstrings of modules, and of all modules below folders."""
    modules = (
        module
        for place in places
        for module in (sorted(place.rglob("*.py")) if place.is_dir() else [place])
    )
    return [docstring for module in modules for docstring in docstrings(module)]


def pages() -> list[Path]:
    """Return the pages of the project, but for the list of changes."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def worst(found: Iterable[Docstring], most: int) -> list[Docstring]:
    """Return the docstrings with the most pronouns beyond a twentieth of their words."""
    weights = {
        docstring: sum(word in PRONOUNS for word in docstring.words) - len(docstring.words) / 20
        for docstring in found
    }
    return sorted(weights, key=lambda docstring: -weights[docstring])[:most]


def _line(name: str, count: Count) -> str:
    return (
        f"{name:<34}{count.words:>7}{count.pronoun_percent:>11.1f}"
        f"{count.what_per_thousand:>8.1f}{count.openings:>10}"
    )


def _table(found: Sequence[Docstring]) -> Iterator[str]:
    yield f"{'package':<34}{'words':>7}{'pronouns %':>11}{'what ‰':>8}{'openings':>10}"
    for package in sorted({docstring.path.parent for docstring in found}):
        yield _line(str(package), Count.of(d for d in found if d.path.parent == package))
    yield _line("all", Count.of(found))


def main() -> None:
    """Print the count for each package, and the docstrings that open badly."""
    parser = argparse.ArgumentParser(description="Count the pronouns in docstrings.")
    parser.add_argument("places", nargs="*", type=Path, help="modules or folders; else all")
    parser.add_argument("--worst", type=int, default=0, help="so many docstrings to look at first")
    parser.add_argument("--pages", action="store_true", help="count the pages")
    options = parser.parse_args()
    if options.pages:
        for page in pages():
            print(_line(str(page.relative_to(ROOT)), Count.of_page(page)))  # noqa: T201
        return
    places = [place.resolve() for place in options.places] or [ROOT / name for name in PACKAGES]
    found = below(*places)
    for line in (*_table(found), "", *filter(lambda d: d.opens_badly, found)):
        print(line)  # noqa: T201
    for docstring in worst(found, options.worst):
        print(f"\n{docstring}\n{docstring.text.partition(chr(10))[2]}".rstrip())  # noqa: T201


if __name__ == "__main__":
    main()
