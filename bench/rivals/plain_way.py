"""The way without a loader of docs/files.md: lines into a compressed file, then its SQL.

python -m bench.rivals.plain_way FOLDER < LINES
"""

import subprocess
import sys
from pathlib import Path

import duckdb

from tests.loaders.files import blocks


def main(folder: Path) -> None:
    """Compress standard input, and put what is new into the tables."""
    runs = folder / "runs"
    runs.mkdir(exist_ok=True)
    file = runs / f"{len(list(runs.iterdir()))}.singer.gz"
    with file.open("wb") as target:
        subprocess.run(["gzip", "-1"], stdin=sys.stdin, stdout=target, check=True)  # noqa: S607
    lines, tables = blocks("sql")
    with duckdb.connect(str(folder / "hunting.duckdb")) as connection:
        connection.execute("BEGIN")
        connection.execute(lines)
        for (statement,) in connection.execute(tables).fetchall():
            connection.execute(statement)
        connection.execute("COMMIT")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
