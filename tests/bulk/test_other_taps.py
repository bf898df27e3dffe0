"""Lines of two other taps, written from the same tables of a PostgreSQL server.

`singer/` holds what meltanolabs-tap-postgres 0.10.0, of Singer's SDK, and
pipelinewise-tap-postgres 2.1.0, of the older library, wrote: decimals as plain numbers or with a
`multipleOf`, offsets, arrays, streams with a dash in their name, a table without key, versions
that are activated before and after.
"""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.bulk.loads import Database

FILES = Path(__file__).parent / "singer"
TAPS = ("meltanolabs-tap-postgres", "pipelinewise-tap-postgres")
ORDERS = """SELECT id, amount, price::DOUBLE, paid, "at"::VARCHAR, "local"::VARCHAR, bag,
  ref, ratio, small, note FROM "public-orders" ORDER BY id DESC"""


@pytest.mark.parametrize("tap", TAPS)
def test_tables_hold_what_the_server_had(tap: str, database: Database) -> None:
    """Twice loaded, each row with a key is there once, and every digit of it."""
    text = (FILES / f"{tap}.singer").read_bytes()

    database.load_bytes(text)
    database.load_bytes(text)

    first, second, last = database.ask(ORDERS)
    assert first[:4] == (2**63 - 1, Decimal("12345678901234567890.123456789012345678"),
                         0.1, True)  # fmt: skip
    assert first[4:6] == ("2026-03-01 10:00:00.123456", "2026-03-01 12:00:00.5")
    assert first[6].replace(" ", "") in {
        '{"a":[1,{"b":null}],"n":1.10}', '{"a":[1,{"b":null}],"n":1.1}',
    }  # fmt: skip
    assert first[7:] == (
        "0000000a-0000-4000-8000-00000000000b", 0.1, -7, 'line\nbreak "q" \\ 日本 🦊',
    )  # fmt: skip
    assert second == (2, *[None] * 10)
    assert last[1:4] == (Decimal("-0.5"), 1e10, False)
    assert last[4:7] == ("1969-12-31 23:59:59.999999", "1601-01-01 00:00:00", "[]")
    assert last[8:] == (1.7976931348623157e308, 32767, "")


@pytest.mark.parametrize("tap", TAPS)
def test_table_without_key(tap: str, database: Database) -> None:
    """Equal rows stay two; a load of a newer version would take the place of all."""
    database.load_bytes((FILES / f"{tap}.singer").read_bytes())

    held = database.ask('SELECT word, n FROM "public-nokey" ORDER BY ALL')
    assert held == [("a", 1), ("a", 1), (None, None)]
