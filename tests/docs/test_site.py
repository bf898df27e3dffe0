"""The site has every page, and each link on it leads to a page and a heading that are there."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.site import ABOVE, CONFIG, ROOT, lay_out

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pages as it is laid out for the site."""
    folder = tmp_path_factory.mktemp("site")
    lay_out(folder)
    return folder / "docs"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {text.strip().replace(" ", "-") for text in plain}


def dead(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead nowhere."""
    for to, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        target = (page.parent / to).resolve() if to else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield f"{page.name}: {to}#{anchor}"


def test_links_of_the_site_lead_to_pages_and_headings(pages: Path) -> None:
    """A reader lands where the text says."""
    assert [link for page in pages.rglob("*.md") for link in dead(page)] == []


@pytest.mark.parametrize("name", ABOVE)
def test_links_of_a_page_above_lead_to_headings(name: str) -> None:
    """They are held as they stand in the repository, too."""
    assert list(dead(ROOT / name)) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    """Page and heading are both looked at."""
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](#there) [c](page.md#here) [d](other.md)\n")

    assert list(dead(page)) == ["page.md: #there", "page.md: other.md#"]


def test_menu_of_the_site_has_every_page_once(pages: Path) -> None:
    """A page that is new is found by a reader who does not search."""
    listed = list(_paths(tomllib.loads((ROOT / CONFIG).read_text("utf-8"))["project"]["nav"]))

    assert sorted(listed) == sorted(
        page.relative_to(pages).as_posix() for page in pages.rglob("*.md")
    )


def _paths(menu: Any) -> Iterator[str]:  # noqa: ANN401 - TOML
    if isinstance(menu, str):
        yield menu
    else:
        for part in menu.values() if isinstance(menu, dict) else menu:
            yield from _paths(part)
