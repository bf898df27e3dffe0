"""The page about speed and its picture, written from what was measured."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from statistics import median
from typing import Final, Literal

from bench.contenders import CONVENTIONAL, IMPORTS, NAMED, RIGHT, SPLICE, TAP, WITHOUT_IDS
from bench.measure import Series
from bench.picture import bars

_MIB: Final = 2**20
_LARGE: Final = 100_000
_MANY: Final = 1_000  # from here on a figure has no use for an exponent
_LIBRARIES: Final = ("singer-sdk", "msgspec", "requests", "msal")
_PAGE: Final = "performance.md"
#: A part of the page between two marks that no reader sees.
_SECTION: Final = r"<!-- {0} -->(.*?)<!-- end of {0} -->"
_TEXT: Final = Path(__file__).with_name("page.md")


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one run measured.

    `sized` is by rows of the answer, `formed` by how the largest was sent; `ten` is of ten of the
    largest in a run, `many` the tap with that many; `size` is the bytes of one.
    """

    sized: Mapping[int, Mapping[str, Series]]
    formed: Mapping[str, Mapping[str, Series]]
    ten: Mapping[str, Series]
    many: Series
    many_count: int
    rounds: int
    size: int

    @property
    def large(self) -> Mapping[str, Series]:
        """What was measured at the largest size."""
        return self.sized[_LARGE]

    def startup(self, name: str) -> float:
        """Return the seconds that a run for one row takes."""
        return self.sized[1][name].cpu

    def net(self, name: str) -> list[float]:
        """Return how many times the conventional tap takes of what this takes, start-up aside."""
        less = (self.startup(CONVENTIONAL), self.startup(name))
        return self.large[CONVENTIONAL].over(self.large[name], less=less)


@dataclass(frozen=True, slots=True)
class Target:
    """What should hold, and what was measured; a ratio's value is the median of the rounds."""

    promise: str
    value: float
    bound: Literal["at least", "at most"]
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it held in this run."""
        return self.value >= self.limit if self.bound == "at least" else self.value <= self.limit

    def row(self) -> str:
        """Return it as a line of a table."""
        found = f"{self.value:,.0f}" if self.value >= _MANY else f"{self.value:.3g}"
        verdict = "yes" if self.met else "**no**"
        limit = f"{self.bound} {self.limit:,g}{self.unit}"
        return f"| {self.promise} | {limit} | {found}{self.unit} | {verdict} |"


def _faster(promise: str, ratios: list[float], limit: float) -> Target:
    return Target(promise, median(ratios), "at least", limit, "x")


def _small(promise: str, peak: float) -> Target:
    return Target(promise, peak / _MIB, "at most", 90, " MiB")


def _of_ten(results: Results) -> list[float]:
    return results.ten[CONVENTIONAL].over(results.ten[TAP])


def targets(results: Results) -> list[Target]:
    """Hold what was measured against what the tap should do at 100,000 rows."""
    large, small = results.large, results.sized[1]
    conventional, spliced = large[CONVENTIONAL], large[TAP].over(large[SPLICE])
    started = small[TAP].over(small[IMPORTS])
    return [
        _faster("CPU, conventional tap over this", conventional.over(large[TAP]), 10),
        _faster("the same with `row_id` off", conventional.over(large[WITHOUT_IDS]), 13),
        _faster("start-up aside", results.net(TAP), 18),
        _faster("start-up aside, with `row_id` off", results.net(WITHOUT_IDS), 18),
        _faster("CPU at 1,000,000 rows, ten answers", _of_ten(results), 14),
        _small("peak memory", large[TAP].peak),
        _small(f"peak memory, {results.many_count} such answers", results.many.peak),
        Target("CPU over a bare splice", median(spliced), "at most", 4, "x"),
        Target("start-up over its imports", median(started), "at most", 1.15, "x"),
    ]


def _ratio(ratios: list[float]) -> str:
    return f"{median(ratios):.2g}x ({min(ratios):.2g}-{max(ratios):.2g})"


def _size_table(results: Results, rows: int) -> Iterator[str]:
    yield "| | CPU s | rows per CPU s | peak MiB | conventional / this |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    measured = results.sized[rows]
    for name, series in sorted(measured.items(), key=lambda item: item[1].cpu):
        ratio = _ratio(measured[CONVENTIONAL].over(series))
        pace = "" if name == IMPORTS else f"{rows / series.cpu:,.0f}"
        yield f"| {name} | {series.cpu:.2f} | {pace} | {series.peak / _MIB:.0f} | {ratio} |"


def _sizes(results: Results) -> Iterator[str]:
    for rows in sorted(results.sized, reverse=True):
        yield f"### {rows:,} row{'s' * (rows > 1)}\n"
        yield from _size_table(results, rows)
        yield ""


def _forms(results: Results) -> Iterator[str]:
    yield "| sent | this tap, CPU s | peak MiB | conventional, CPU s | peak MiB | ratio |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for form, measured in {"with a length": results.large, **results.formed}.items():
        tap, other = measured[TAP], measured[CONVENTIONAL]
        yield (
            f"| {form} | {tap.cpu:.2f} | {tap.peak / _MIB:.0f} | {other.cpu:.2f} "
            f"| {other.peak / _MIB:.0f} | {_ratio(other.over(tap))} |"
        )


def _targets(results: Results) -> Iterator[str]:
    yield "| at 100,000 rows | target | measured | met |"
    yield "| --- | --- | ---: | --- |"
    yield from (target.row() for target in targets(results))


def _facts(results: Results) -> Iterator[str]:
    large = results.large
    yield f"One run of {results.rounds} rounds; the large answer has {results.size / 1e6:.0f} MB."
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield f"Python {python_version()}, {versions}."
    yield (
        f"Start-up aside, the conventional tap takes {_ratio(results.net(TAP))} of this tap's "
        f"processor time, {_ratio(results.net(WITHOUT_IDS))} with `row_id` off."
    )
    named, right = large[NAMED].over(large[TAP]), large[RIGHT].over(large[WITHOUT_IDS])
    yield (
        f"A conventional tap that makes the same rows takes {_ratio(named)} of this tap's time, "
        f"start-up and all; {_ratio(right)} where neither names them."
    )
    many, one = results.many, large[TAP].peak / _MIB
    yield (
        f"{results.many_count} such answers in one run: {many.cpu:.1f} CPU s, peak "
        f"{many.peak / _MIB:.0f} MiB, where one takes {one:.0f}."
    )


_PARTS: Final[Mapping[str, Callable[[Results], Iterator[str]]]] = {
    "<!-- facts -->": _facts,
    "<!-- targets -->": _targets,
    "<!-- sizes -->": _sizes,
    "<!-- forms -->": _forms,
}


def _kept(name: str, page: str) -> str | None:
    """Return what stands in a page between the marks of a section."""
    found = re.search(_SECTION.format(name), page, re.DOTALL)
    return found[1] if found else None


def _with(name: str, text: str, page: str) -> str:
    marked = f"<!-- {name} -->\n{text.strip()}\n<!-- end of {name} -->"
    return re.sub(_SECTION.format(name), lambda _: marked, page, flags=re.DOTALL)


def put(name: str, text: str, docs: Path) -> None:
    """Put a text between the marks of a section of the page, and leave the rest."""
    path = docs / _PAGE
    path.write_text(_with(name, text, path.read_text(encoding="utf-8")), encoding="utf-8")


def write(results: Results, docs: Path | None) -> str:
    """Return the page; with `docs`, put it and its picture there."""
    page = _TEXT.read_text(encoding="utf-8")
    for section in ("latency", "load", "steady"):  # they are measured by other runs
        if docs and (kept := _kept(section, (docs / _PAGE).read_text(encoding="utf-8"))):
            page = _with(section, kept, page)
    for mark, lines in _PARTS.items():
        page = page.replace(mark, "\n".join(lines(results)))
    if docs:
        (docs / _PAGE).write_text(page, encoding="utf-8")
        times = {name: series.cpu for name, series in results.large.items()}
        picture = bars("CPU seconds for an answer of 100,000 rows", times, ours=(TAP, WITHOUT_IDS))
        (docs / "images" / "performance.svg").write_text(picture, encoding="utf-8")
    return page
