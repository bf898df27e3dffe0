"""Counts the instructions that a row takes from the wire to its record, whatever else is running.

    python -m bench.instructions FILE

keeps the count in FILE, or holds it against the one kept there: a twentieth more is status 1. The
count is good for one machine and one Python. It needs valgrind, and no network.
"""

import os
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.payload import answer
from tap_m365hunting.wire.answer import read_answer
from tap_m365hunting.wire.dialects import GRAPH
from tap_m365hunting.wire.fast_records import BlockConverter
from tap_m365hunting.wire.records import Converter
from tap_m365hunting.wire.row_ids import RowIds
from tap_m365hunting.wire.schema import Shape

# Two sizes, both of several pieces: what is not the rows' cost is the same in both
_FEW: Final = 500
_MANY: Final = 2000
_TOLERATED: Final = 1.05
_COUNT: Final = re.compile(r"Collected : (\d+)")


def encode(file: Path) -> int:
    """Do the work on the answer in a file; return the bytes of its records."""
    with read_answer(BytesIO(file.read_bytes()), GRAPH) as found:
        shape = Shape.of(
            found.columns, column_names="safe", dynamic_as="string", key=(), row_id=True, known=()
        )
        converter = Converter(shape, found.columns, cursor="Timestamp")
        blocks = BlockConverter(converter).blocks(found, RowIds())
        return sum(len(record) for block in blocks for record in block.records)


def _count(file: Path) -> int:
    command = ["--tool=callgrind", f"--callgrind-out-file={os.devnull}", sys.executable]
    run = subprocess.run(
        [shutil.which("valgrind") or "valgrind", *command, "-m", __spec__.name, "--work", file],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = _COUNT.search(run.stderr)
    return int(found[1]) if found else 0


def per_row() -> float:
    """Return the instructions that one more row takes."""
    with TemporaryDirectory() as folder:
        counts = []
        for rows in (_FEW, _MANY):
            file = Path(folder, f"{rows}.json")
            file.write_bytes(answer(rows))
            counts.append(_count(file))
    return (counts[1] - counts[0]) / (_MANY - _FEW)


def main(kept: Path) -> int:
    """Keep the count, or compare it; return the status to end with."""
    found = per_row()
    if not kept.exists():
        kept.write_text(f"{found:.0f}\n")
        print(f"{found:,.0f} instructions a row, kept in {kept}")
        return 0
    before = float(kept.read_text())
    print(f"{found:,.0f} instructions a row, {found / before - 1:+.1%} of {before:,.0f}")
    return int(found > _TOLERATED * before)


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        print(encode(Path(sys.argv[2])))
    else:
        sys.exit(main(Path(sys.argv[1])))
