"""Prose is counted as tests/docs/prose.py says."""

from pathlib import Path

import pytest

from tests.docs.prose import PACKAGES, ROOT, Count, Docstring, below, pages, remarks, worst

FOLDERS = sorted(
    {
        str(module.parent.relative_to(ROOT))
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
    }
)
#: The table of these pages is made of the tap's messages, which are held to no share.
OF_MESSAGES = {"docs/auth/refusals.md"}
PAGES = [
    str(page.relative_to(ROOT))
    for page in pages()
    if str(page.relative_to(ROOT)) not in OF_MESSAGES
]
MODULE = '''\
"""Windows of `it` and ``what``, read what they hold.

>>> it = "what"
>>> it
'what'

The window's rows.
"""


class Window:
    """It has one end."""

    def rows(self) -> str:
        """Whatever is in a window."""
        return "it, what, that"


def undocumented() -> None:
    # what it is
    pass
'''


def docstring(text: str) -> Docstring:
    """Return a docstring of no module."""
    return Docstring(Path("module.py"), 1, text)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """Write a module to count."""
    path = tmp_path / "module.py"
    path.write_text(MODULE, "utf-8")
    return path


def test_words_are_those_of_the_prose(module: Path) -> None:
    """Code, examples, comments and strings are no prose; an apostrophe cuts no word in two."""
    windows = ["windows", "of", "and", "read", "what", "they", "hold", "the", "window's", "rows"]
    others = ["it", "has", "one", "end", "whatever", "is", "in", "a", "window"]

    assert [word for found in below(module) for word in found.words] == windows + others


def test_pronouns_whats_and_openings_are_counted(module: Path) -> None:
    """`what` is a pronoun as well; "Whatever" and "It" open badly."""
    assert Count.of(below(module.parent)) == Count(words=19, pronouns=5, what=1, openings=2)


def test_shares_are_of_all_words() -> None:
    """Percent for pronouns, thousandths for "what"; no words at all have none."""
    count = Count(words=200, pronouns=11, what=1, openings=0)

    assert (count.pronoun_percent, count.what_per_thousand) == (5.5, 5.0)
    assert Count.of([]).pronoun_percent == 0


def test_worst_come_first() -> None:
    """A long docstring with few pronouns stands behind a short one that is made of them."""
    short, long = docstring("What it is."), docstring("One window " + "and another " * 20)

    assert worst([long, short], 1) == [short]


def test_a_page_is_counted_without_its_code_and_its_links(tmp_path: Path) -> None:
    """A reader is addressed; a link's target, a comment and a block of code are no prose."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Which page?\n\n<!-- it -->\nYou read [this row](it.md) of `https://it`:\n\n"
        "```sh\nit this\n```\n\nIt follows `it`.\n"
    )

    assert Count.of_page(page) == Count(words=9, pronouns=3, what=0, openings=0)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_its_nouns(page: str) -> None:
    """Under 6 % of the words are pronouns, under 8 in 1,000 are "what"."""
    count = Count.of_page(ROOT / page)

    assert count.pronoun_percent < 6
    assert count.what_per_thousand < 8


@pytest.mark.parametrize("folder", FOLDERS)
def test_prose_of_a_folder_names_its_nouns(folder: str) -> None:
    """Of all words under 6 % are pronouns, under 8 in 1,000 are "what", and none opens badly."""
    found = [
        docstring for docstring in below(ROOT / folder) if docstring.path.parent == Path(folder)
    ]

    count = Count.of(found)

    assert count.pronoun_percent < 6, list(map(str, worst(found, 10)))
    assert count.what_per_thousand < 8
    assert [str(docstring) for docstring in found if docstring.opens_badly] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_prose_of_a_package_seldom_says_what(package: str) -> None:
    """A folder may be small; of a package's words under 3 in 1,000 are "what"."""
    assert Count.of(below(ROOT / package)).what_per_thousand < 3


@pytest.mark.parametrize(
    "package", ["tap_m365hunting", "hunting_emulator", "bulk_loader", "orchestrate", "siem_maps"]
)
def test_no_comment_opens_with_what(package: str) -> None:
    """Nor does the text below a constant: the noun comes first."""
    found = [
        remark
        for module in sorted((ROOT / package).rglob("*.py"))
        for remark in remarks(module)
        if remark.words[:1] in (["what"], ["whatever"], ["who"])
    ]

    assert not found, "\n".join(map(str, found))
