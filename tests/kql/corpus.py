"""The hunting queries in corpus/, each with the verdict that stands above it.

    //// name | mode cursor ; setting=value ; error operator line:column ; warning …
    the query, up to the next line of this kind

`refused` stands for a query that would be incremental, but may not be. `key`, `method` and
`unsafe` are what is configured, `bin` is the width that windows must respect; `-` is nothing.
`emulator=lacks` stands where the emulator lacks a table, function or operator of the query.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tap_m365hunting.errors import QueryTextError

T = TypeVar("T")

FOLDER = Path(__file__).with_name("corpus")


@dataclass(frozen=True)
class Case:
    """A query, what is configured for it, and what is to be said of it."""

    name: str
    text: str
    mode: str
    cursor: str | None
    settings: dict[str, str] = field(default_factory=dict)
    problems: frozenset[tuple[str, ...]] = frozenset()

    @property
    def beyond_the_emulator(self) -> bool:
        """Whether the emulator may refuse the query, though the service would run it."""
        return "emulator" in self.settings

    @property
    def unsafe(self) -> bool:
        """Whether windows are wanted whatever is said."""
        return "unsafe" in self.settings


def blocks(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, saying and query, the query without its last line end."""
    for block in (FOLDER / f"{name}.kql").read_text("utf-8").split("//// ")[1:]:
        header, _, text = block.partition("\n")
        name, _, said = header.partition(" | ")
        yield name, said, text.removesuffix("\n")


def cases() -> Iterator[Case]:
    """Yield every readable query."""
    for file in ("row_wise", "limits", "aggregates", "sides", "windowed"):
        for name, said, text in blocks(file):
            yield _case(f"{file}: {name}", text, [part.strip() for part in said.split(" ; ")])


def _case(name: str, text: str, said: list[str]) -> Case:
    mode, _, cursor = said[0].partition(" ")
    problems = [part.split(" ") for part in said[1:] if part.startswith(("error ", "warning "))]
    settings = [part for part in said[1:] if not part.startswith(("error ", "warning "))]
    return Case(
        name,
        text,
        "incremental" if mode == "refused" else mode,
        None if cursor in ("", "-") else cursor,
        {key: value for key, _, value in (part.partition("=") for part in settings)},
        frozenset((words[0], " ".join(words[1:-1]), words[-1]) for words in problems),
    )


def read_or_refused(read: Callable[[str], T], text: str) -> T | QueryTextError:
    """Return what the text is read as, or why it is refused."""
    try:
        return read(text)
    except QueryTextError as error:
        return error


CASES = list(cases())
UNREADABLE = list(blocks("unreadable"))
