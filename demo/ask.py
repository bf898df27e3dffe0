"""`python -m demo.ask SQL`: a question to the tables of the demo, answered on the terminal."""

import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

from demo.tables import Tables


def main(arguments: Sequence[str]) -> int:
    """Answer each question; without one, name the tables."""
    tables = Tables(Path("output/hunting.duckdb"))
    try:
        for question in arguments or ["SHOW TABLES"]:
            print(tables.shown(question))
    except duckdb.Error as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
