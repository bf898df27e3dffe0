"""`externaldata` finds the files that were given by URL, and no others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hunting_emulator.engine import Engine
from hunting_emulator.tables import Table

NOW = "2026-03-01T00:00:00Z"
CSV = 'Ip,Score,Seen\n203.0.113.7,5,2026-02-01\n"198.51.100.9",x,\n'
JSON_LINES = '{"Ip": "203.0.113.7", "Tags": ["a"], "Score": 5}\n\n{"Ip": "it\'s", "Tags": null}\n'
TEXT = "203.0.113.7\r\n198.51.100.9, and more\n"
FILES = {
    "https://x.example/a.csv": CSV,
    "https://x.example/a": CSV,
    "https://x.example/b.json": JSON_LINES,
    "https://x.example/c.json?sig=1": '[{"Ip": "a"}, {"Ip": "b"}]',
    "https://x.example/d.txt": TEXT,
    "https://x.example/e.tsv": "a\t1\nb\t2\n",
    "https://x.example/f.json": '{"Ip": "a"} and no JSON',
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with some files, and a table to join them with."""
    made = Engine(tables=(Table.of("T", {"RemoteIP": "string"}),), externals=FILES)
    made.load("T", [{"RemoteIP": "203.0.113.7"}, {"RemoteIP": "192.0.2.1"}])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("kql", "rows"),
    [
        pytest.param(
            "externaldata(Ip:string, Score:long, Seen:datetime)[h@'https://x.example/a.csv'] "
            "with (format='csv', ignoreFirstRecord=true)",
            [("203.0.113.7", 5, "2026-02-01T00:00:00.0000000Z"), ("198.51.100.9", None, None)],
            id="csv",
        ),
        pytest.param(
            "externaldata(Ip:string)['https://x.example/a'] | take 1",
            [("Ip",)],
            id="csv-without-a-word",
        ),
        pytest.param(
            "externaldata(Score:int, Ip:string, Tags:dynamic)['https://x.example/b.json'] "
            "with(format='multijson')",
            [(5, "203.0.113.7", '["a"]'), (None, "it's", None)],
            id="json-by-name",
        ),
        pytest.param(
            "externaldata(Ip:string)['https://x.example/c.json?sig=1']",
            [("a",), ("b",)],
            id="json-array-by-ending",
        ),
        pytest.param(
            "externaldata(Line:string)['https://x.example/d.txt'] with(format='txt')",
            [("203.0.113.7",), ("198.51.100.9, and more",)],
            id="lines",
        ),
        pytest.param(
            "externaldata(A:string, N:real)['https://x.example/e.tsv', "
            "'https://x.example/e.tsv'] with(format='tsv') | summarize sum(N)",
            [(6.0,)],
            id="two-urls",
        ),
        pytest.param("externaldata(Ip:string)['https://x.example/f.json']", [("a",)], id="broken"),
        pytest.param(
            "let Bad = externaldata(Ip:string)['https://x.example/a.csv']; "
            "T | where RemoteIP in (Bad)",
            [("203.0.113.7",)],
            id="in-a-query",
        ),
    ],
)
def test_a_given_file_is_the_table(
    engine: Engine, kql: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """By the format that the query names, or the ending; what does not fit a column is null."""
    assert list(engine.run(kql, now=NOW).rows()) == rows


def test_another_url_is_an_empty_table(engine: Engine, tmp_path: Path) -> None:
    """A file of this machine among them, whatever the form of its name."""
    file = tmp_path / "secret.csv"
    file.write_text("secret\n")

    for url in (str(file), file.as_uri(), "https://x.example/other.csv"):
        kql = f"externaldata(Line:string)['{url}'] with(format='txt')"
        assert list(engine.run(kql, now=NOW).rows()) == []
