"""The catalog of tables, and rows that are loaded into them."""

from pathlib import Path

import pytest

from hunting_emulator.data.files import take
from hunting_emulator.deadline import Deadline
from hunting_emulator.engine import Engine
from hunting_emulator.parser.judge import Parser, Verdict
from hunting_emulator.tables import CATALOG, TYPES, Column, Table
from tests.samples import rows

NOW = "2026-03-01T00:00:00Z"


def test_catalog_holds_the_documented_tables() -> None:
    """Sixty-six tables, fifteen of them without a time."""
    assert len(CATALOG) == 66
    assert sum(len(table.columns) for table in CATALOG.values()) == 1625
    assert sum(table.time_column is None for table in CATALOG.values()) == 15
    assert CATALOG["CallActivityEvents"].time_column == "ActivityTimestamp"
    assert {column.type for table in CATALOG.values() for column in table.columns} <= TYPES


def test_every_table_answers_with_its_columns_even_when_empty() -> None:
    """A schema comes with no rows, and both twins of a name are in it."""
    engine = Engine()

    for name, table in CATALOG.items():
        assert engine.run(f"{name} | take 0", now=NOW).columns == table.columns


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Column("a", "text"), "'text', not one of", id="type"),
        pytest.param(
            lambda: Table("T", (Column("a", "int"), Column("a", "long"))), "two columns", id="twice"
        ),
        pytest.param(
            lambda: Table("T", (Column("a", "int"),), "t"), "no column 't'", id="no-time-column"
        ),
    ],
)
def test_tables_cannot_exist_wrong(make: object, message: str) -> None:
    """A table says at once what is wrong with it."""
    assert callable(make)

    with pytest.raises(ValueError, match=message):
        make()


def test_tables_may_have_any_columns() -> None:
    """Tests of what reads from the emulator need odd names and every type."""
    names = ["a b", 'quo"te', "ünï", "select", "x.y", "1st", "$left", "A" * 120]
    table = Table.of("Odd", dict(zip(names, sorted(TYPES), strict=False)))
    engine = Engine(tables=[table])
    engine.load("Odd", [{}])

    answer = engine.run("Odd", now=NOW)

    assert answer.columns == table.columns
    assert len(list(answer.rows())) == 1


def test_a_file_keeps_the_tables(tmp_path: Path) -> None:
    """Millions of rows are made once, and there again the next time."""
    table, file = Table.of("T", {"LogonId": "long", "LogonID": "long"}), str(tmp_path / "tenant.db")
    first = Engine(file, tables=[table])
    first.load("T", [{"LogonId": 1, "LogonID": 2}])
    first.close()

    second = Engine(file, tables=[table])

    assert list(second.run("T", now=NOW).rows()) == [(1, 2)]


def test_rows_from_elsewhere_bring_their_columns() -> None:
    """What a table lacks is added, with the type that its values have."""
    engine = Engine(tables=[Table.of("T", {"a": "string", "ReportId": "long"})])

    take(engine, "T", [{"a": "x", "ReportId_long": 7, "extra": [1], "empty": ""}, {"a": "y"}])
    answer = engine.run("T | order by a asc", now=NOW)

    assert answer.columns == (
        Column("a", "string"),
        Column("ReportId", "long"),
        Column("extra", "dynamic"),
    )
    assert list(answer.rows()) == [("x", 7, "[1]"), ("y", None, None)]


def test_rows_from_elsewhere_make_their_table() -> None:
    """A table that is not there is made from what the rows hold."""
    engine = Engine(tables=[])

    take(engine, "New", [{"Timestamp": "2026-02-28T00:00:00.0000001Z", "n": 1, "r": 0.5}])
    answer = engine.run("New", now=NOW)

    assert [column.type for column in answer.columns] == ["datetime", "long", "real"]
    assert list(answer.rows()) == [("2026-02-28T00:00:00.0000001Z", 1, 0.5)]


def test_captured_rows_load_and_come_out_again() -> None:
    """Rows with 7-digit times and JSON in strings are the same after the way through."""
    sent_rows = rows("device_events") + rows("cloud_events")
    engine = Engine()

    take(engine, "DeviceEvents", sent_rows)
    answer = engine.run("DeviceEvents | order by Timestamp asc", now="2021-08-20T00:00:00Z")
    got = [dict(zip([c.name for c in answer.columns], row, strict=True)) for row in answer.rows()]

    assert answer.columns[: len(CATALOG["DeviceEvents"].columns)] == CATALOG["DeviceEvents"].columns
    for row, sent in zip(got, sorted(sent_rows, key=lambda row: row["Timestamp"]), strict=True):
        assert str(row["Timestamp"]).startswith(sent["Timestamp"].rstrip("Z"))
        same = ("ActionType", "InitiatingProcessCommandLine", "DeviceName")
        assert [row[name] for name in same] == [sent.get(name) or "" for name in same]
        assert row["ReportId"] == sent.get("ReportId_long")
        assert row["ReportId_string"] == sent.get("ReportId", "")


@pytest.mark.parametrize("name", ["it's", 'say "x"', "a b", "1st", "ünï", "a.b"])
def test_a_column_may_have_any_name(name: str) -> None:
    """A query can name its columns as it likes, and so can a table."""
    engine = Engine(tables=[Table.of("Odd", {name: "string"})])

    engine.load("Odd", [{name: "value"}])

    (row,) = engine.run("Odd", now="2026-03-01").rows()
    assert row == ("value",)


def test_a_table_is_made_when_a_query_asks_for_it() -> None:
    """A new engine costs what its queries need; a tenant of a test asks for one table of 78."""
    engine = Engine()
    made = "SELECT table_name FROM duckdb_tables()"

    before = engine.store.execute(made).fetchall()
    engine.load("AlertInfo", [{"AlertId": "a"}])
    engine.run("DeviceInfo | count", now=NOW)

    assert before == []
    assert set(engine.store.execute(made).fetchall()) == {("AlertInfo",), ("DeviceInfo",)}


class CountedParser(Parser):
    """Takes every text, and counts how often it is asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def judge(self, text: str, tables: object, deadline: Deadline) -> Verdict:  # noqa: ARG002
        """Take the text."""
        self.texts.append(text)
        return Verdict((), tabular=True, columns=())


def test_tenants_of_the_same_tables_share_what_is_known_of_a_text() -> None:
    """Parser and translator are asked once for a text; rows, and changed tables, stay apart."""
    asked = CountedParser()
    tables = [Table.of("T", {"a": "string"})]
    one, other, changed = (Engine(tables=tables, asked=lambda: asked) for _ in range(3))
    one.load("T", [{"a": "of one"}])
    changed.alter("T", add=[Column("b", "long")])

    answers = [engine.run("T | where true", now=NOW) for engine in (one, other, changed)]

    assert [list(answer.rows()) for answer in answers] == [[("of one",)], [], []]
    assert [len(answer.columns) for answer in answers] == [1, 1, 2]
    assert len(asked.texts) == 2
