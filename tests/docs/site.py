"""Lays the pages out for the site: `docs/` as it is, and the pages above it in a folder within.

    python -m tests.docs.site FOLDER

A site has no pages outside its own folder, so links to README.md and the like are turned to their
copies, and links of those copies to files that are no pages are turned into their names.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CONFIG: Final = "zensical.toml"
ABOVE: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
_WITHIN: Final = "project"
_LINK: Final = re.compile(r"(?P<text>\[[^]]*\])\((?P<to>[^)#\s:]+)(?P<anchor>#[^)]*)?\)")


def lay_out(folder: Path) -> None:
    """Write the site's configuration and pages into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "docs"
    shutil.copytree(ROOT / "docs", pages)
    shutil.copy(ROOT / CONFIG, folder)
    (pages / _WITHIN).mkdir()
    for name in ABOVE:
        _copy_above(name, pages)
    for page in pages.rglob("*.md"):
        if page.parent.name != _WITHIN:
            _turn(page, pages)


def _copy_above(name: str, pages: Path) -> None:
    """Copy a page from above `docs/`; its links lead to the copies, or to nothing but a name."""

    def turned(link: re.Match[str]) -> str:
        to = link["to"]
        if to in ABOVE:
            return link[0]
        if to.startswith("docs/"):
            return f"{link['text']}(../{to.removeprefix('docs/')}{link['anchor'] or ''})"
        return link["text"][1:-1]

    text = (ROOT / name).read_text("utf-8")
    (pages / _WITHIN / name).write_text(_LINK.sub(turned, text), "utf-8")


def _turn(page: Path, pages: Path) -> None:
    """Turn a page's links to what lies above `docs/`: pages to their copies, others to names."""

    def turned(link: re.Match[str]) -> str:
        target = (page.parent / link["to"]).resolve()
        if target.is_relative_to(pages.resolve()):
            return link[0]
        if target.name in ABOVE:
            up = "../" * len(page.parent.relative_to(pages).parts)
            return f"{link['text']}({up}{_WITHIN}/{target.name}{link['anchor'] or ''})"
        return link["text"][1:-1]

    page.write_text(_LINK.sub(turned, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
