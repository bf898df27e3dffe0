"""What odd rows cost: an answer with 0.5 % of them, each kind by itself, beside one without.

    python -m bench.oddities [--rows 100000] [--rounds 5] [--most 1.10]

All is done from the body to the text of the records, in one process, each kind right behind the
answer without. The exit status is 1 if a kind takes more than `--most` times the processor time.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.instructions import encode
from bench.payload import COLUMNS, body, compact, made

_MORE: Final = {"Score": "Double", "Cost": "SqlDecimal", "Bag": "Object"}
_EVERY: Final = 200  # one row of them is odd
#: Each kind by the JSON text of a cell, or of several; none for a cell that is missing.
ODDITIES: Final[Mapping[str, Mapping[str, str | None]]] = {
    '"NaN" for a number': {"Score": '"NaN"'},
    '"-INF" for a number': {"Score": '"-INF"'},
    "an Int64 as text": {"FileSize": '"1234567"'},
    "an Int64 with a fraction of zero": {"FileSize": "1234567.0"},
    "`{}` for a null number": {"FileSize": "{}"},
    "a missing cell": {"ActionType": None},
    "a key in another case": {"ActionType": None, "actionType": '"ProcessCreated"'},
    "half of a surrogate pair": {"AccountName": r'"con\ud800toso"'},
    "bytes that are no UTF-8": {"AccountName": '"con\udcfftoso"'},
    "null in a text": {"AccountName": "null"},
    "a number in a text": {"AccountName": "12"},
    "a boolean as text": {"IsProcessRemoteSession": '"true"'},
    "an instant of whole seconds": {"ProcessCreationTime": '"2026-01-01T00:00:00Z"'},
    "an instant that is none": {"ProcessCreationTime": '"yesterday"'},
    "a decimal as text": {"Cost": '"1.25"'},
    "a decimal that is none": {"Cost": '"much"'},
    "a bag as text": {"Bag": r'"{\"A\":1}"'},
    "an object as text in a list": {"Bag": r'{"A":["{\"B\":1}"]}'},
    "an annotation deeper in a bag": {"Bag": '{"A":{"@odata.type":"#x","B":1}}'},
    "a key without a column": {"Other": "1"},
}


def _rows(rows: int, odd: Mapping[str, str | None]) -> Iterator[str]:
    more = {"Score": 7.5, "Cost": 1.25, "Bag": {"A": 1}}
    for number, row in enumerate(made(rows)):
        cells: dict[str, str | None] = {key: compact(cell) for key, cell in {**row, **more}.items()}
        if number % _EVERY == _EVERY // 2:
            cells |= odd
        told = (f'"{key}":{cell}' for key, cell in cells.items() if cell is not None)
        yield f"{{{','.join(told)}}}"


def odd_body(rows: int, odd: Mapping[str, str | None]) -> bytes:
    """Return the body of an answer with odd rows of a kind."""
    return body(_rows(rows, odd), {**COLUMNS, **_MORE}).encode(errors="surrogateescape")


def _seconds(file: Path) -> float:
    begun = time.process_time()
    encode(file)
    return time.process_time() - begun


def measured(rows: int, rounds: int) -> Iterator[tuple[str, float, float]]:
    """Yield each kind's ratio to none, the median of the rounds, and the microseconds of a row."""
    with TemporaryDirectory() as folder:
        files = {}
        for number, (kind, odd) in enumerate({"none": {}, **ODDITIES}.items()):
            files[kind] = Path(folder, f"{number}.json")
            files[kind].write_bytes(odd_body(rows, odd))
        none = files.pop("none")
        encode(none)
        for kind, file in files.items():
            took = [(_seconds(none), _seconds(file)) for _ in range(rounds)]
            ratio = median(its / plain for plain, its in took)
            yield kind, ratio, min(its for _, its in took) / rows * 1e6


def main() -> int:
    """Measure and print; return the status to end with."""
    parser = argparse.ArgumentParser(prog="bench.oddities", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=float, default=1.10)
    asked = parser.parse_args()
    worst = 0.0
    for kind, ratio, each in measured(asked.rows, asked.rounds):
        print(f"{ratio:6.2f}  {each:6.2f} us a row  {kind}", flush=True)
        worst = max(worst, ratio)
    return int(worst > asked.most)


if __name__ == "__main__":
    sys.exit(main())
