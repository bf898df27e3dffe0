"""The page of messages quotes the messages of today, and a hundred of them."""

import re
from pathlib import Path

from tests.docs.error_texts import plain, texts

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/troubleshooting.md"
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
FEWEST = 100
PRINTED = "\n".join(sorted(texts(ROOT / "tap_m365hunting")))


def printed_with(quoted: str) -> set[str]:
    """Return the first lines that hold the quoted words, whatever value `…` stands for."""
    parts = ".*".join(re.escape(part) for part in plain(quoted).split("…"))
    return set(re.findall(rf"^(?:.*\W)?{parts}(?!\w).*$", PRINTED, re.MULTILINE))


def test_texts_on_the_page_are_those_that_are_printed() -> None:
    """A reader who searches for a message of today finds it; none of yesterday stands there."""
    assert [quoted for quoted in QUOTED if not printed_with(quoted)] == []


def test_page_has_a_hundred_messages() -> None:
    """Each counts once, though two lines may quote parts of it."""
    told = {min(printed_with(quoted), key=len, default="") for quoted in QUOTED}

    assert len(told - {""}) >= FEWEST
    assert len(set(QUOTED)) == len(QUOTED)


def test_a_part_of_a_word_or_a_docstring_is_no_message() -> None:
    """The words that are looked for are whole, and a reader sees them."""
    assert printed_with("No sign-in at …: …")
    assert not printed_with("o sign-in at …: …")
    assert not printed_with("Errors, named by the way out of each.")
