"""The page, as a browser shows it: three widths, two colour schemes, keyboard, hostile names."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.coverage_report.chromium import PROGRAM, Browser, browsing
from tests.coverage_report.histories import BEGIN, TENANTS, Row, plain, window
from tests.coverage_report.test_command import run

WIDTHS = (390, 820, 1440)
DAYS = 30
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'&"
NOW = (BEGIN + timedelta(days=DAYS, hours=1)).timestamp()
#: With this variable set the picture of the page in the docs is drawn anew.
PICTURE = Path(__file__).parents[2] / "docs/images/coverage.png"

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)


def month(odd: str = HOSTILE) -> Iterator[Row]:
    """Yield 30 days of 100 streams in each of two tenants; some have gaps, one an odd name."""
    for number in range(200):
        stream = odd if number == 3 else f"stream_{number // 2:03}"
        for day in range(DAYS):
            status = _status(number, day)
            if status:
                start, end = 24 * day, 24.0 * (day + 1) - (0 if day < DAYS - 1 else number % 5)
                # a gap of a second, which is much less than a point
                end -= 1 / 3600 if (number, day) == (12, 15) else 0
                yield window(start, end, status, message=odd, stream=stream,
                             tenant_id=TENANTS[number % 2])  # fmt: skip


def _status(number: int, day: int) -> str | None:
    """Return how a day of a stream went; `None` if there is no record of it."""
    faults = {
        "gap_unreadable": (number, day) in {(0, 11), (3, 5), (9, 20), (40, 20)},
        "gap_retention": number % 37 == 6 and day < 3,
        "changed": number % 50 == 10 and day == 17,
        "": number % 60 == 8 and day in {22, 23},
    }
    return next((status for status, there in faults.items() if there), "complete") or None


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a month."""
    return drawn(tmp_path_factory.mktemp("page"), month())


def drawn(folder: Path, rows: Iterator[Row]) -> Path:
    """Return the page of these rows."""
    (folder / "windows.jsonl").write_bytes(plain(list(rows)))
    found = run(folder / "windows.jsonl", "--format", "html", now=NOW)
    file = folder / "coverage.html"
    file.write_text(found.stdout, "utf-8")
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests here."""
    with browsing() as found:
        yield found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_fits_each_width(browser: Browser, page: Path, width: int, scheme: str) -> None:
    """Nothing is beside the window; the table alone scrolls in its own frame."""
    browser.open(page, width=width, scheme=scheme)

    assert browser.value("document.documentElement.scrollWidth") <= width
    bars = "[...document.querySelectorAll('summary .bar')].map(bar => bar.clientWidth)"
    assert len(browser.value(bars)) == 200
    assert min(browser.value(bars)) > width / 2


def test_page_asks_for_nothing_and_runs_nothing(browser: Browser, page: Path) -> None:
    """Names and messages with markup are text."""
    browser.requests.clear()
    browser.open(page, width=1440)

    assert browser.requests == [page.as_uri()]
    assert browser.value("document.title") == "Do we have everything?"
    assert browser.value("document.querySelectorAll('script, img, link').length") == 0
    assert HOSTILE in browser.value("document.body.textContent")


@pytest.mark.parametrize("width", WIDTHS)
def test_every_gap_is_seen(browser: Browser, page: Path, width: int) -> None:
    """Each is three points wide at least, in a colour of its own."""
    browser.open(page, width=width)
    gaps = "[...document.querySelectorAll('summary .bar i:not(.complete)')]"

    kinds = browser.value(f"[...new Set({gaps}.map(gap => gap.className))].sort()")

    assert kinds == ["changed", "gap_retention", "gap_unreadable", "unread"]
    assert browser.value(f"Math.min(...{gaps}.map(gap => gap.getBoundingClientRect().width))") >= 3
    shown = "[...document.querySelectorAll('.legend i')].map(i => getComputedStyle(i).background)"
    assert len(set(browser.value(shown))) == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page(browser: Browser, page: Path, scheme: str) -> None:
    """WCAG asks for 4.5 to 1 of text and 3 to 1 of the parts of a picture."""
    browser.open(page, width=1440, scheme=scheme)
    style = "getComputedStyle(document.documentElement).getPropertyValue('--{}').trim()"
    back, track = (browser.value(style.format(name)) for name in ("back", "track"))

    for name, least in (("text", 4.5), ("soft", 4.5), ("focus", 3)):
        assert contrast(browser.value(style.format(name)), back) >= least
    for name in ("complete", "changed", "retention", "unreadable", "unread"):
        assert contrast(browser.value(style.format(name)), track) >= 3, name


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_keyboard_is_enough(browser: Browser, page: Path) -> None:
    """Tab goes to the filter and to each stream, Enter opens it, space filters."""
    browser.open(page, width=1440)
    focused = "document.activeElement.{}"

    browser.press("Tab")
    assert browser.value(focused.format("className")) == "skip"
    browser.press("Tab")
    assert browser.value(focused.format("id")) == "faults"
    browser.press(" ")
    shown = "[...document.querySelectorAll('details')].filter(d => d.offsetHeight > 0).length"
    assert 0 < browser.value(shown) < 30
    browser.press("Tab")
    browser.press("Enter")
    assert browser.value("document.querySelector('details').open")
    assert browser.value("document.querySelector('details ul').offsetHeight") > 0
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.value(outline) == "solid"


def test_screen_reader_is_told_what_the_picture_shows(browser: Browser, page: Path) -> None:
    """Each bar has a sentence, and the figures stand in a table with heads."""
    browser.open(page, width=1440)

    bars = browser.names("image")

    assert len(bars) == 200
    assert bars[0] == (
        "complete from 2026-03-01 00:00:00 to 2026-03-30 21:00:00, 1 gap, 4 h behind"
    )
    assert browser.names("columnheader")[:2] == ["stream", "tenant"]
    assert len(browser.names("rowheader")) == 200


def test_picture_in_the_docs_can_be_drawn(browser: Browser, tmp_path: Path) -> None:
    """A PNG of a page with plain names; COVERAGE_PICTURE=1 puts it into docs/images."""
    browser.open(drawn(tmp_path, month("sign_ins")), width=1100, height=620)

    picture = browser.picture()

    assert picture.startswith(b"\x89PNG")
    if os.environ.get("COVERAGE_PICTURE"):
        PICTURE.write_bytes(picture)
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
