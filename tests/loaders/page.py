"""Writes docs/loaders.md from what a run of the loaders found; run by `make loaders`."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from tests.loaders.bulk import Bulk
from tests.loaders.cases import CASES
from tests.loaders.files import Files
from tests.loaders.loaders import LOADERS, DuckDB, Loader, Postgres, pins

PAGE: Final = Path(__file__).parents[2] / "docs" / "loaders.md"
_ALL: Final[tuple[type[Loader], ...]] = (Bulk, *LOADERS, Files)
Found = Mapping[tuple[str, str], Sequence[str]]
"""The limits that were met, by case and loader; none where every value is as the service had it."""

_HEAD: Final = """\
# Loaders

`target-bulk-duckdb` comes with the tap (extra `duckdb`) and is the default: DuckDB tables, each row
once, every digit, at the tap's own pace. What it does, and how to do without any loader:
[files.md](files.md). The others take 5 to 15 times the processor time for a row, seldom
felt where a run brings a few thousand.

## Settings

- `target-bulk-duckdb`: `database`, the file. Tables lie in the schema `main`, or in `schema`.
- `target-jsonl`: `do_timestamp_file: false` for one file a stream. The loader needs an environment
  apart, and appends, so rows of the lookback stand in the file twice; take each `_row_id` once when
  you read the file: `SELECT DISTINCT ON (_row_id) * FROM read_json('output/device_info.jsonl')`.
- `target-duckdb`: pin `duckdb<1.3` **and** set `add_metadata_columns: true`: without both the
  loader loses a row of each batch without a word. Name the file otherwise than
  `default_target_schema`: in `hunting.duckdb` the table `hunting.devices` is ambiguous.
- `target-postgres`: `password`, even if the server asks for none, and
  `sanitize_null_text_characters: true`. With `hard_delete: true` and the tap's
  `emit_activate_version_messages`, rows gone from a table read whole are deleted;
  without `hard_delete` such rows get `_sdc_deleted_at`. A column whose type changes fails the load.
- `target-csv`: a `file_naming_scheme` with `{timestamp}` in it, where more than the last run is to
  stay.
- `target-elasticsearch` (2.1.0; not in the table below): set the document id to `_row_id`,
  and name the index by the row's own time, so that a row read again replaces itself:
  [siem.md](siem.md).

`target-sqlite` and `target-parquet` as published do not run on Python 3.11. Parquet is one line of
DuckDB: `COPY (SELECT * FROM device_info) TO 'device_info.parquet'`.

## Loaded values

`make loaders` installs each loader, runs the tap twice against the emulator for each case, loads
both runs, reads the result back by query (PostgreSQL from a server of its own) and compares every
value with the service's. The section is the finding of the last run: *ok* is every value unchanged;
a number is a limit of the loader, named below; **fails** is a load that ends with an error.

"""
_TAIL: Final = """
## The tap's part

- Column and stream names that no loader splits, folds or cuts (`column_names`, and the rule for
  `name`). With `safe`, names are unique without regard to case and at most 63 bytes: a second
  name gets `_2`, a long name is cut and ends in a hash of the whole, `"` and characters without
  print become `_`. Taken names get `_2`, too: `_row_id`, `tenant_id`, and the columns
  of each PostgreSQL table (`ctid`, `xmin`, `xmax`, `cmin`, `cmax`, `tableoid`). A query's
  own `_sdc_…` becomes `sdc_…`, since loaders write such columns themselves. The log names
  renamed columns once.
- Times as text of one length, seven digits. Most databases keep six; `target-bulk-duckdb` and the
  file of `target-jsonl` have all.
- Dynamic columns as JSON text. With `"dynamic_as": "json"` columns are nested; PostgreSQL and
  `target-bulk-duckdb` take any nested value, `target-duckdb` only objects and arrays.
- A key that is never null (`_row_id`), so upserts work. The format `x-content-hash` marks
  rows with the same id as equal, where so, and not to be written again.
- Decimals as numbers of the format `decimal`: a double has no room for the digits.
- A schema from the service's list of columns, never from values: the types are the same
  where there are no rows.
- Rows in files instead of lines, where a loader takes them and `batch_config` is set:
  [batches.md](batches.md).
"""
_IDLE: Final = (
    "After a run without a single row, `target-duckdb` passes on the first state of the run, not "
    "the last: bookmarks stay where they were until a run has rows, and that time is read again. "
    "A cell of `target-csv` is text: `True`, and nothing for null."
)


def page(found: Found) -> str:
    """Return the page."""
    limits = list(dict.fromkeys(about for met in found.values() for about in met))
    return "".join((_HEAD, *_results(found, limits), *_limits(limits), *_types(), _TAIL))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _results(found: Found, limits: Sequence[str]) -> Iterator[str]:
    pinned = [", ".join(f"`{pin}`" for pin in pins(loader.name)) for loader in LOADERS]
    yield _row("case", f"`{Bulk.name}`", *pinned, "no loader, [files.md](files.md)")
    yield _row(*["---"] * (1 + len(_ALL)))
    yield _row("two runs of one stream leave", *(loader.keeps for loader in _ALL))
    for case in CASES:
        cells = [_cell(loader, case.name, found, limits) for loader in _ALL]
        yield _row(case.about, *cells)


def _cell(loader: type[Loader], case: str, found: Found, limits: Sequence[str]) -> str:
    numbers = ", ".join(str(limits.index(about) + 1) for about in found[case, loader.name])
    return (f"**fails** {numbers}" if case in loader.refuses else numbers) or "ok"


def _limits(limits: Sequence[str]) -> Iterator[str]:
    yield "\n"
    for number, about in enumerate(limits, start=1):
        yield f"{number}. {about}.\n"
    yield f"\n{_IDLE}\n"


def _types() -> Iterator[str]:
    yield "\nColumn types, by the query's own. `target-duckdb` writes names in lower case.\n\n"
    yield _row("Kusto", Bulk.name, DuckDB.name, Postgres.name, f"[{Files.name}]({Files.name})")
    yield _row("---", "---", "---", "---", "---")
    for kind, of_duckdb in DuckDB.types.items():
        others = (of_duckdb, Postgres.types[kind], Files.types[kind])
        yield _row(kind, Bulk.types[kind], *others)


def read(report: Path) -> Found:
    """Read pytest's report.

    Raises:
        ValueError: a test failed, or was left out.
    """
    tests = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 -- pytest wrote it
    bad = [test.get("name") for test in tests if {"failure", "error", "skipped"} & _tags(test)]
    results = [
        json.loads(str(property_.get("value")))
        for test in tests
        for property_ in test.iter("property")
    ]
    if bad or len(results) != len(CASES) * len(_ALL):
        msg = f"No page of a run with gaps: {bad or f'{len(results)} results'}"
        raise ValueError(msg)
    return {(case, loader): met for case, loader, met in results}


def _tags(test: ET.Element) -> set[str]:
    return {child.tag for child in test}


if __name__ == "__main__":
    PAGE.write_text(page(read(Path(sys.argv[1]))), "utf-8")
